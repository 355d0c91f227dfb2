"""Outlines of a set of cells: the borders between cells inside and outside, as closed chains."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Steps along a row, down, back and up, each a right turn after the one before (rows run downwards).
_STEPS = ((1, 0), (0, 1), (-1, 0), (0, -1))
# The corner of a cell where its side in that direction begins, the cell on the right; and the cell across it.
_STARTS = ((0, 0), (1, 0), (1, 1), (0, 1))
_ACROSS = ((0, -1), (1, 0), (0, 1), (-1, 0))


def outlines(inside: NDArray[np.bool_]) -> list[NDArray[np.float64]]:
    """Walk along the borders of some cells.

    Args:
        inside: (H, W) which cells belong to the set.

    Returns:
        Closed chains of corners (N, 2), (column, row) in cells, a cell's centre at whole numbers; the first
        corner is not repeated, corners on straight lines are left out. A hole is a chain of its own, and so
        is each of two cells that only touch at a corner.

    Example:
        >>> outlines(np.array([[False, True]]))[0].tolist()
        [[0.5, -0.5], [1.5, -0.5], [1.5, 0.5], [0.5, 0.5]]
    """
    if not inside.any():
        return []
    # Only the part of the grid that holds the set is looked at.
    spans = [np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0)]
    top, left = (int(span[0]) for span in spans)
    borders = _borders(inside[top : spans[0][-1] + 1, left : spans[1][-1] + 1])
    chains = []
    while borders:
        # The first border in reading order begins at a turn.
        start = place = next(iter(borders))
        corners = []
        while True:
            column, row, heading = place
            del borders[place]
            column, row = column + _STEPS[heading][0], row + _STEPS[heading][1]
            # To the right first: round the same cell where two touch at this corner.
            ways = [(column, row, way % 4) for way in (heading + 1, heading, heading - 1)]
            place = next(way for way in ways if way in borders or way == start)
            if place[2] != heading:
                corners.append((column, row))
            if place == start:
                break
        chain = np.array(corners[-1:] + corners[:-1], dtype=np.float64)
        chains.append(chain + np.array([left - 0.5, top - 0.5]))
    return chains


def _borders(inside: NDArray[np.bool_]) -> dict[tuple[int, int, int], None]:
    """The sides between a cell inside and one outside: the corner each begins at, and its direction.

    The cell inside lies on the right. The sides that run along a row come first, in reading order.
    """
    padded = np.pad(inside, 1)
    height, width = inside.shape
    borders: dict[tuple[int, int, int], None] = {}
    for heading, ((right, down), (dx, dy)) in enumerate(zip(_STARTS, _ACROSS, strict=True)):
        across = padded[1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width]
        for row, column in np.argwhere(inside & ~across).tolist():
            borders[column + right, row + down, heading] = None
    return borders

"""The head's frame: how a film's points are turned for measuring."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.uncertainty.prediction import FilmInfo


def head_points(
    points_px: NDArray[np.float64], *, mirrored: bool, mm_per_px: tuple[float, float] | None
) -> NDArray[np.float64]:
    """Points as every formula wants them: the head facing right, in mm if the scale is known.

    Lengths of the two axes are made equal before any angle is measured, for films whose pixels are not
    square. Without a scale pixels are taken to be square, which is all that an angle needs to know. Where the
    frame's origin lies does not matter to any formula.

    Args:
        points_px: (..., 2) positions in px of the film as given.
        mirrored: whether the head faces left on it.
        mm_per_px: scale along x and y, or None.

    Returns:
        (..., 2) positions, x to the face, y downwards.
    """
    direction = np.array([-1.0 if mirrored else 1.0, 1.0])
    turned: NDArray[np.float64] = points_px * (direction * (mm_per_px or (1.0, 1.0)))
    return turned


def of_film(points_px: NDArray[np.float64], film: FilmInfo) -> NDArray[np.float64]:
    """``head_points`` of a predicted film: its facing and its scale."""
    return head_points(points_px, mirrored=film.facing == "left", mm_per_px=film.mm_per_px)

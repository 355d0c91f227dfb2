"""Heat maps on a film: where the networks believe a landmark to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cephsure.geometry import Affine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class HeatMaps:
    """One map a landmark, the mixture of all samples' maps.

    Attributes:
        probabilities: (L, H, W) float32, each map summing to at most one: what is missing lies off the map.
        origins_px: (L, 2) position (x, y) of the centre of each map's first cell, in px of the film.
        cell_px: (2, 2) the steps from a cell to the next one in its row (first column) and to the one below
            (second column), in px of the film. Cells need not lie along the film's axes.
    """

    probabilities: NDArray[np.float32]
    origins_px: NDArray[np.float64]
    cell_px: NDArray[np.float64]

    def cells(self, positions_px: NDArray[np.float64]) -> NDArray[np.int64]:
        """The cell (column, row) of each of (L, 2) positions, each on its own map; -1, -1 for none or NaN."""
        height, width = self.probabilities.shape[1:]
        places = np.floor((positions_px - self.origins_px) @ np.linalg.inv(self.cell_px).T + 0.5)
        inside = ((places >= 0) & (places < (width, height))).all(axis=1, keepdims=True)
        cells: NDArray[np.int64] = np.where(inside, places, -1).astype(np.int64)
        return cells

    def mirrored(self, width_px: int) -> HeatMaps:
        """The maps of the mirror image of a film that is ``width_px`` wide."""
        turn = Affine(np.diag([-1.0, 1.0]), np.array([width_px - 1.0, 0.0]))
        return HeatMaps(self.probabilities, turn.apply(self.origins_px), turn.matrix @ self.cell_px)


@dataclass(frozen=True, slots=True)
class SampleMaps:
    """One sample's maps, turned and scaled with the head as its network saw it.

    Attributes:
        probabilities: (L, Q, Q) float32, each summing to one.
        centres_px: (L, 2) position of each map's middle, in px of the film.
        cell_px: (2, 2) as in ``HeatMaps``.
    """

    probabilities: NDArray[np.float32]
    centres_px: NDArray[np.float64]
    cell_px: NDArray[np.float64]


def mean_of_marks(maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Distribution of the mean of K points, each drawn from a map of its own, independently.

    Where a network has learned K annotators apart and the truth is the mean of their points, this is the map
    of the truth: the K maps' convolution, on cells K times as fine.

    Args:
        maps: (K, L, P, P) probabilities.

    Returns:
        (L, Q, Q) float32 with Q = K (P - 1) + 1; cell q of it lies where cell q / K of the maps does.
    """
    count, _, side, _ = maps.shape
    if count == 1:
        only: NDArray[np.float32] = maps[0]
        return only
    wanted = count * (side - 1) + 1
    spectrum = np.fft.rfft2(maps, s=(wanted, wanted)).prod(axis=0)
    # The transforms leave tiny negative values where there is nothing.
    mixed = np.maximum(np.fft.irfft2(spectrum, s=(wanted, wanted)), 0.0)
    scaled: NDArray[np.float32] = (mixed / mixed.sum(axis=(1, 2), keepdims=True)).astype(np.float32)
    return scaled


def mixture(drawn: Sequence[SampleMaps], *, points_px: NDArray[np.float64], side: int) -> HeatMaps:
    """The mean of several samples' maps.

    The samples' maps are turned and scaled a little differently, as each sees the head: within a map that is
    less than a cell, so all take the mean turn and size. Each map's middle lies where it belongs, between
    cells by linear weights.

    Args:
        drawn: the samples' maps.
        points_px: (L, 2) where the middles of the mixture's maps lie.
        side: cells along each side of them.

    Returns:
        The mixture.
    """
    cell_px = np.mean([one.cell_px for one in drawn], axis=0)
    to_cells = np.linalg.inv(cell_px).T
    total = np.zeros((len(points_px), side, side), dtype=np.float32)
    for one in drawn:
        within = (side - one.probabilities.shape[1]) / 2
        corners = (one.centres_px - points_px) @ to_cells + within  # (L, 2) of each map's first cell
        for landmark, (x, y) in enumerate(corners):
            _add_shifted(total[landmark], one.probabilities[landmark], x, y)
    total /= np.float32(len(drawn))
    return HeatMaps(total, points_px - cell_px @ np.full(2, (side - 1) / 2), cell_px)


def _add_shifted(total: NDArray[np.float32], image: NDArray[np.float32], x: float, y: float) -> None:
    """Add an image, its first pixel at (x, y) of ``total``, shared linearly; what falls off is lost."""
    column, row = int(np.floor(x)), int(np.floor(y))
    for down, share_y in ((0, 1 - (y - row)), (1, y - row)):
        for right, share_x in ((0, 1 - (x - column)), (1, x - column)):
            left, top = column + right, row + down
            rows, columns = (
                slice(max(-first, 0), max(size - first, 0))
                for first, size in zip((top, left), total.shape, strict=True)
            )
            inner = image[rows, columns]
            height, width = inner.shape
            place = total[max(top, 0) :, max(left, 0) :][:height, :width]
            place += inner * np.float32(share_x * share_y)

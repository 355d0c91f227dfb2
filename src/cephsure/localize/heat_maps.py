"""Heat maps on a film's own axes: where the networks believe a landmark to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class HeatMaps:
    """One map a landmark, on a grid along the film's axes, the mixture of all samples' maps.

    Attributes:
        probabilities: (L, H, W) float32, each summing to at most one: what is missing lies off the grid.
        origins_px: (L, 2) position (x, y) of the centre of each map's first cell, in px of the film.
        step_px: (2,) distance of the cells along x and y, in px of the film.
    """

    probabilities: NDArray[np.float32]
    origins_px: NDArray[np.float64]
    step_px: NDArray[np.float64]

    def cells(self, positions_px: NDArray[np.float64]) -> NDArray[np.int64]:
        """The cell that holds each of (L, 2) positions: (L, 2) column and row; -1, -1 off the map."""
        height, width = self.probabilities.shape[1:]
        places = np.floor((positions_px - self.origins_px) / self.step_px + 0.5)
        inside = ((places >= 0) & (places < (width, height))).all(axis=1, keepdims=True)
        cells: NDArray[np.int64] = np.where(inside, places, -1).astype(np.int64)
        return cells

    def mirrored(self, width_px: int) -> HeatMaps:
        """The maps of the mirror image of a film that is ``width_px`` wide."""
        last = self.origins_px[:, 0] + (self.probabilities.shape[2] - 1) * self.step_px[0]
        origins = np.stack([width_px - 1.0 - last, self.origins_px[:, 1]], axis=1)
        return HeatMaps(self.probabilities[:, :, ::-1], origins, self.step_px)

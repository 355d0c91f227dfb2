"""Samples: the one thing that Baseline, Ensemble and MC-Dropout all give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cephsure.inference.heat_maps import HeatMaps


@dataclass(frozen=True, slots=True)
class Samples:
    """T sampled positions of each of L landmarks on one film, with summaries of their heat maps.

    T is 1 for a Baseline, the number of members for an Ensemble, the number of stochastic passes for
    MC-Dropout. What comes after does not know which it was.

    Attributes:
        positions_px: (T, L, 2) float64, (x, y) in pixels of the given film, first pixel's centre at (0, 0).
        activations: (T, L) maximum of each heat map (unit of the recipe's maps).
        expected_errors_px: (T, L) expected radial error under each map's probability,
            sum p(u) |u - position|, in pixels of the given film.
        entropies: (T, L) Shannon entropy of each map's probability, in nats.
        coarse_positions_px: (T, L, 2) positions after the coarse stage, or None for one-stage recipes.
        maps: the mixture of the samples' heat maps on the film's axes, or None if it was not asked for.
        augmented_positions_px: (K, L, 2) positions that the first network, without dropout, finds on K
            augmented copies of the film, or None if they were not asked for.
        feature_distance: how far the film is from the training films as that network's deepest level sees
            them, in standard deviations; None if it was not asked for or the bundle does not know them.
        shape_residuals: (L,) how far each landmark is from where the others expect it, in standard deviations
            of the training films' annotation; None if the bundle does not know it.
    """

    positions_px: NDArray[np.float64]
    activations: NDArray[np.float64]
    expected_errors_px: NDArray[np.float64]
    entropies: NDArray[np.float64]
    coarse_positions_px: NDArray[np.float64] | None = None
    maps: HeatMaps | None = None
    augmented_positions_px: NDArray[np.float64] | None = None
    feature_distance: float | None = None
    shape_residuals: NDArray[np.float64] | None = None

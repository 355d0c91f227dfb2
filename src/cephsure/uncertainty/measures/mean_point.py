"""The mean of the sampled positions and the samples' distances from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.inference.samples import Samples


def mean_position(samples: Samples) -> NDArray[np.float64]:
    """Mean of the T sampled positions: the point a prediction returns.

    Args:
        samples: T positions of L landmarks.

    Returns:
        (L, 2) float64, (x, y) in the unit of the samples' positions.
    """
    mean: NDArray[np.float64] = np.asarray(samples.positions_px, dtype=np.float64).mean(axis=0)
    return mean


def mean_distance(samples: Samples) -> NDArray[np.float64]:
    """Mean Euclidean distance of the T sampled positions to their mean; 0 for T = 1.

    Args:
        samples: T positions of L landmarks.

    Returns:
        (L,) float64 in the unit of the samples' positions.
    """
    return mean_distance_of(samples.positions_px)


def mean_distance_of(positions: NDArray[np.float64]) -> NDArray[np.float64]:
    """(L,) mean Euclidean distance of (T, L, 2) positions to their mean, in their unit."""
    away = np.asarray(positions, dtype=np.float64) - np.asarray(positions, dtype=np.float64).mean(axis=0)
    distance: NDArray[np.float64] = np.hypot(away[..., 0], away[..., 1]).mean(axis=0)
    return distance

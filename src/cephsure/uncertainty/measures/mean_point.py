"""The mean of the sampled positions and the samples' distances from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.localize.samples import Samples


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
    away = np.asarray(samples.positions_px, dtype=np.float64) - mean_position(samples)
    distance: NDArray[np.float64] = np.hypot(away[..., 0], away[..., 1]).mean(axis=0)
    return distance

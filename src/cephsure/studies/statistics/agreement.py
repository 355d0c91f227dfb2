"""How far several observers of the same points agree."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cephsure.studies.statistics.known_mean import mean_of_known

Points = NDArray[np.float64]


def spread_of_observers(points: Points) -> NDArray[np.float64]:
    """Mean distance of the observers' points to their mean.

    Args:
        points: (O, F, L, 2) points of O observers, NaN where one did not mark a point.

    Returns:
        (F, L) spread in the unit of the points; NaN where fewer than two observers marked the point. Of two
        observers it is half their distance.
    """
    distances = _length(points - mean_of_known(points, axis=0))
    marked = np.isfinite(distances).sum(axis=0)
    spread: NDArray[np.float64] = np.where(marked > 1, mean_of_known(distances, axis=0), np.nan)
    return spread


def without_offsets(points: Points) -> Points:
    """Take each observer's systematic displacement off, landmark by landmark.

    An observer who always sets a landmark a little lower than the others has another convention; what remains
    is how the observers differ on the single film.

    Args:
        points: (O, F, L, 2) points of O observers, NaN where one did not mark a point.

    Returns:
        (O, F, L, 2) points less the mean over films of (observer minus mean of the observers).
    """
    offsets = mean_of_known(points - mean_of_known(points, axis=0), axis=1)  # (O, L, 2)
    corrected: Points = points - offsets[:, np.newaxis]
    return corrected


def distance_to_the_others(points: Points) -> NDArray[np.float64]:
    """Distance of each observer's point to the mean of the other observers' points.

    Args:
        points: (O, F, L, 2) points of O observers, NaN where one did not mark a point.

    Returns:
        (O, F, L) distances, NaN where the observer or all others did not mark the point.
    """
    everyone = np.arange(len(points))
    others = np.stack([mean_of_known(points[everyone != observer], axis=0) for observer in everyone])
    return _length(points - others)


def _length(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    length: NDArray[np.float64] = np.hypot(vectors[..., 0], vectors[..., 1])
    return length

"""The success detection rate as a curve: the share of points within any radius."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cephsure.evaluation.errors import is_within

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class SuccessCurve:
    """Share of points within each radius.

    Attributes:
        radii: (R,) in the unit of the errors.
        percent: (R,) of all points; NaN without any.
        low: (R,) lower end of the pointwise 95 % bootstrap interval, films resampled.
        high: (R,) upper end.
        n_points: points that count.
    """

    radii: NDArray[np.float64]
    percent: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    n_points: int


def success_curve(
    errors: NDArray[np.float64], radii: NDArray[np.float64], weights: NDArray[np.float64]
) -> SuccessCurve:
    """Share of points within each radius, with a pointwise interval.

    Args:
        errors: (F, L) radial errors; NaN is a missing one.
        radii: (R,) in the same unit.
        weights: (B, F) resamples of the films, from ``bootstrap.film_weights``.

    Returns:
        The curve.
    """
    points = np.isfinite(errors).sum(axis=1).astype(np.float64)  # (F,)
    within = np.stack([is_within(errors, radius).sum(axis=1) for radius in radii.tolist()], axis=1)  # (F, R)
    with np.errstate(invalid="ignore"):
        percent = 100.0 * within.sum(axis=0) / points.sum()
        draws = 100.0 * (weights @ within) / (weights @ points)[:, np.newaxis]  # (B, R)
    low, high = np.nanquantile(draws, [0.025, 0.975], axis=0) if points.any() else (percent, percent)
    return SuccessCurve(radii, percent, low, high, int(points.sum()))

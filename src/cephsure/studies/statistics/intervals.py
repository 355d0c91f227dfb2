"""Means and rates over films with their bootstrap intervals, of what is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cephsure.evaluation.bootstrap import percentile_interval
from cephsure.evaluation.errors import is_within

if TYPE_CHECKING:
    from numpy.typing import NDArray


def mean_of_known(values: NDArray[np.float64], *, axis: int) -> NDArray[np.float64]:
    """Mean over an axis of what is finite; NaN where nothing is, without numpy's warning.

    Examples:
        >>> mean_of_known(np.array([[1.0, np.nan], [3.0, np.nan]]), axis=0)
        array([ 2., nan])
    """
    there = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        mean: NDArray[np.float64] = np.where(there, values, 0.0).sum(axis=axis) / there.sum(axis=axis)
    return mean


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


@dataclass(frozen=True, slots=True)
class EqualBins:
    """Points sorted by a score and cut into K bins of equal size.

    Attributes:
        scores: (K,) mean score of each bin.
        means: (K,) mean value of each bin.
        low: (K,) lower end of the 95 % bootstrap interval of the mean, films resampled; the bins stay.
        high: (K,) upper end.
    """

    scores: NDArray[np.float64]
    means: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def equal_bins(
    values: NDArray[np.float64], scores: NDArray[np.float64], weights: NDArray[np.float64], *, bins: int = 10
) -> EqualBins:
    """Mean value in each of K bins of a score.

    Args:
        values: (F, L) what is averaged; NaN where there is none.
        scores: (F, L) what is binned; NaN where there is none.
        weights: (B, F) resamples of the films, from ``bootstrap.film_weights``.
        bins: K; fewer if there are fewer points.

    Returns:
        The bins, by rising score.
    """
    films, landmarks = np.nonzero(np.isfinite(values) & np.isfinite(scores))
    values, scores = values[films, landmarks], scores[films, landmarks]
    order = np.argsort(scores, kind="stable")
    parts = [part for part in np.array_split(order, bins) if part.size]
    intervals = [_mean_interval(values[part], films[part], weights) for part in parts]
    low, high = np.array(intervals, dtype=np.float64).reshape(-1, 2).T
    return EqualBins(
        scores=np.array([scores[part].mean() for part in parts], dtype=np.float64),
        means=np.array([values[part].mean() for part in parts], dtype=np.float64),
        low=low,
        high=high,
    )


def _mean_interval(
    values: NDArray[np.float64], films: NDArray[np.int64], weights: NDArray[np.float64]
) -> tuple[float, float]:
    """Interval of the mean of points whose films are drawn again."""

    def mean(block: NDArray[np.float64]) -> NDArray[np.float64]:
        drawn = block[:, films]
        with np.errstate(invalid="ignore"):
            found: NDArray[np.float64] = (drawn @ values) / drawn.sum(axis=1)
        return found

    return percentile_interval(mean, weights)

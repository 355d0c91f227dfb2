"""Means over bins that hold equally many points: how a trend looks once its scatter is averaged away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cephsure.evaluation.bootstrap import percentile_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray


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

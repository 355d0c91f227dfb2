"""How a mean over films goes with the strength of what was done to them, with bootstrap intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import rankdata

from cephsure.evaluation.bootstrap import percentile_interval
from cephsure.evaluation.correlation import pearson, spearman, weighted_pearson

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.evaluation.bootstrap import Interval


@dataclass(frozen=True, slots=True)
class Trend:
    """A mean at each of M strengths, and its correlation with the strength.

    Attributes:
        means: (M,) over all points of all films, NaN where there is none.
        low: (M,) lower end of the 95 % bootstrap interval of each mean.
        high: (M,) upper end.
        pearson: of strength and mean, over the M strengths; NaN if the mean is constant.
        pearson_ci95: over resamples of the films.
        spearman: the same of the ranks.
        spearman_ci95: over resamples of the films.
    """

    means: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    pearson: float
    pearson_ci95: Interval
    spearman: float
    spearman_ci95: Interval


def trend(strengths: NDArray[np.float64], values: NDArray[np.float64], weights: NDArray[np.float64]) -> Trend:
    """Mean at each strength, and the correlation of strength and mean.

    The correlation is one of M means, not of points: it says how steadily the mean goes up or down, and
    says nothing of how well a single value tells the strength.

    Args:
        strengths: (M,) of what was done to every film.
        values: (F, M, L) values of L points on F films, NaN where there is none.
        weights: (B, F) resamples of the films, from ``bootstrap.film_weights``; a film brings all its
            strengths.

    Returns:
        Means and coefficients, with percentile intervals.
    """
    sums = np.nansum(values, axis=2)
    counts = np.isfinite(values).sum(axis=2).astype(np.float64)  # (F, M)

    def means_of(block: NDArray[np.float64]) -> NDArray[np.float64]:
        with np.errstate(invalid="ignore"):
            means: NDArray[np.float64] = (block @ sums) / (block @ counts)
        return means

    means = means_of(np.ones((1, len(values))))[0]
    there = np.isfinite(means)
    drawn = means_of(weights)
    low, high = np.full_like(means, np.nan), np.full_like(means, np.nan)
    if len(values) > 1 and there.any():
        low[there], high[there] = np.nanquantile(drawn[:, there], (0.025, 0.975), axis=0)
    x = strengths[there]

    def of_means(block: NDArray[np.float64]) -> NDArray[np.float64]:
        return _rowwise(x, means_of(block)[:, there])

    def of_ranks(block: NDArray[np.float64]) -> NDArray[np.float64]:
        ranks = rankdata(means_of(block)[:, there], axis=1)
        return _rowwise(rankdata(x), ranks)

    return Trend(
        means,
        low,
        high,
        pearson(x, means[there]),
        percentile_interval(of_means, weights),
        spearman(x, means[there]),
        percentile_interval(of_ranks, weights),
    )


def _rowwise(x: NDArray[np.float64], rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """(B,) Pearson's coefficients of ``x`` (M,) with each row of (B, M)."""
    return weighted_pearson(x, rows, np.ones_like(rows))

"""How values go with what they should follow: a strength, or the error within each landmark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import rankdata

from cephsure.evaluation.bootstrap import percentile_interval
from cephsure.evaluation.quality import (
    known,
    known_interval,
    pearson,
    spearman,
    weighted_pearson,
    weighted_spearman,
)
from cephsure.studies.statistics.intervals import mean_of_known

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.evaluation.bootstrap import Interval
    from cephsure.evaluation.result import Ends


@dataclass(frozen=True, slots=True)
class Trend:
    """A mean at each of M strengths, and its correlation with the strength.

    Attributes:
        means: (M,) over all points of all films, NaN where there is none.
        low: (M,) lower end of the 95 % bootstrap interval of each mean; ``high`` the upper end.
        pearson: of strength and mean, over the M strengths; NaN if the mean is constant. Its interval, and
            those of the means, over resamples of the films.
        spearman: the same of the ranks.
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
    low, high = np.full_like(means, np.nan), np.full_like(means, np.nan)
    if len(values) > 1 and there.any():
        low[there], high[there] = np.nanquantile(means_of(weights)[:, there], (0.025, 0.975), axis=0)
    x = strengths[there]

    def of_means(block: NDArray[np.float64]) -> NDArray[np.float64]:
        rows = means_of(block)[:, there]
        return weighted_pearson(x, rows, np.ones_like(rows))

    def of_ranks(block: NDArray[np.float64]) -> NDArray[np.float64]:
        rows = rankdata(means_of(block)[:, there], axis=1)
        return weighted_pearson(rankdata(x), rows, np.ones_like(rows))

    by_means = (pearson(x, means[there]), percentile_interval(of_means, weights))
    by_ranks = (spearman(x, means[there]), percentile_interval(of_ranks, weights))
    return Trend(means, low, high, *by_means, *by_ranks)


_FEWEST_FILMS = 3


@dataclass(frozen=True, slots=True)
class WithinLandmark:
    """Two effects that pooling mixes, apart.

    Attributes:
        spearman: mean over the landmarks of the rank correlation within each; None where it is not defined.
        spearman_ci95: 95 % bootstrap interval, films resampled.
        per_landmark: (L,) the landmarks' own coefficients, NaN where not defined.
        between: rank correlation of the landmarks' mean errors with their mean values.
    """

    spearman: float | None
    spearman_ci95: Ends | None
    per_landmark: NDArray[np.float64]
    between: float | None


def within_landmark(
    errors: NDArray[np.float64], values: NDArray[np.float64], weights: NDArray[np.float64]
) -> WithinLandmark:
    """Rank correlation of a measure with the error, landmark by landmark.

    Args:
        errors: (F, L) errors, or whatever the measure should follow; NaN where there is none.
        values: (F, L) the measure; NaN where there is none.
        weights: (B, F) resamples of the films, from ``bootstrap.film_weights``.

    Returns:
        The coefficients; as with the pooled ones, negative for a good measure that falls with uncertainty.
    """
    there = np.isfinite(errors) & np.isfinite(values)

    def each(block: NDArray[np.float64]) -> NDArray[np.float64]:
        """(b, L) coefficients of weighted films."""
        columns = [
            weighted_spearman(errors[kept, landmark], values[kept, landmark], block[:, kept])
            if kept.sum() >= _FEWEST_FILMS
            else np.full(len(block), np.nan)
            for landmark, kept in enumerate(there.T)
        ]
        return np.stack(columns, axis=1)

    own = each(np.ones((1, len(errors))))[0]
    interval = percentile_interval(lambda block: mean_of_known(each(block), axis=1), weights)
    means = [mean_of_known(np.where(there, of, np.nan), axis=0) for of in (errors, values)]
    return WithinLandmark(
        spearman=known(float(mean_of_known(own, axis=0))),
        spearman_ci95=known_interval(interval),
        per_landmark=own,
        between=known(spearman(*means)),
    )

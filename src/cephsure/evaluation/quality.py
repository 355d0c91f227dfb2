"""How well a measure of uncertainty follows the radial error: correlation, ROC and their bootstrap intervals.

Each statistic also comes for B weighted copies of the data, given how often each point is there: bootstrap
resamples need not be built, and one sort serves all of them.
"""

from __future__ import annotations

from functools import partial
from math import isnan
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from cephsure.evaluation.bootstrap import percentile_interval
from cephsure.evaluation.errors import is_within
from cephsure.evaluation.result import MeasureQuality

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    from cephsure.evaluation.bootstrap import Interval

LARGE_ERRORS_MM = {"auc_2mm": 2.0, "auc_4mm": 4.0}
"""The areas under the ROC curve that are reported, and the error that a measure should find for each."""

# Below this share of the squared values, a variance is the rounding of a constant's mean.
_CONSTANT = 1e-24


def measure_quality(
    errors: NDArray[np.float64],
    values: NDArray[np.float64],
    direction: Literal[-1, 1],
    weights: NDArray[np.float64],
    *,
    in_mm: bool,
) -> MeasureQuality:
    """Correlations with the error and areas under the ROC curve, over all points with both.

    Of (F, L) radial errors and values, NaN where there is none; the direction is +1 if the measure rises with
    uncertainty, -1 if it falls; weights (B, F) are resamples of the films (``bootstrap.film_weights``). What
    is not defined is None: of a constant measure, without a large error, or an "error over 2 mm" in px.
    """
    films, landmarks = np.nonzero(np.isfinite(errors) & np.isfinite(values))
    errors, values = errors[films, landmarks], values[films, landmarks]
    fields: dict[str, Any] = dict.fromkeys(MeasureQuality.model_fields)

    def report(
        key: str, value: float, of_points: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    ) -> None:
        # A film drawn w times brings each of its points w times.
        interval = percentile_interval(lambda block: of_points(block[:, films]), weights)
        fields[key] = known(value)
        fields[f"{key}_ci95"] = known_interval(interval)

    report("pearson", pearson(errors, values), partial(weighted_pearson, errors, values))
    report("spearman", spearman(errors, values), partial(weighted_spearman, errors, values))
    for key, threshold_mm in LARGE_ERRORS_MM.items() if in_mm else ():
        large, scores = ~is_within(errors, threshold_mm), direction * values
        report(key, auc(large, scores), partial(weighted_auc, large, scores))
    return MeasureQuality(**fields | {"direction": direction, "n_points": len(errors)})


def known(value: float) -> float | None:
    """The value, or None for NaN: what is not defined is None in results."""
    return None if isnan(value) else value


def known_interval(interval: Interval) -> Interval | None:
    """The interval, or None for one that is not defined."""
    return None if isnan(interval[0]) else interval


def pearson(x: ArrayLike, y: ArrayLike) -> float:
    """Pearson's correlation coefficient of (N,) values; pairs with a NaN are left out.

    NaN if fewer than two pairs are left or one side is constant.

    >>> round(pearson([1, 2, 3], [2, 4, 7]), 4)
    0.9934
    """
    x, y = _pairs(x, y)
    return float(weighted_pearson(x, y, np.ones((1, len(x))))[0])


def spearman(x: ArrayLike, y: ArrayLike) -> float:
    """Spearman's rank correlation: Pearson's coefficient of the ranks, equal values sharing their mean rank.

    Pairs with a NaN are left out; NaN if fewer than two are left or one side is constant.

    >>> spearman([1, 2, 3], [1, 10, 100])
    1.0
    """
    x, y = _pairs(x, y)
    return float(weighted_spearman(x, y, np.ones((1, len(x))))[0])


def weighted_pearson(
    x: NDArray[np.float64], y: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(B,) Pearson's coefficients in B weighted copies; NaN where one side is constant or nothing is there.

    Of (N,) or (B, N) values x and y without NaN; weights (B, N) say how often each pair is there.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        count = weights.sum(axis=1, keepdims=True)
        dx = x - (weights * x).sum(axis=1, keepdims=True) / count
        dy = y - (weights * y).sum(axis=1, keepdims=True) / count
        xx, yy, xy = ((weights * product).sum(axis=1) for product in (dx * dx, dy * dy, dx * dy))
        constant = (xx <= _CONSTANT * (weights * x * x).sum(axis=1)) | (
            yy <= _CONSTANT * (weights * y * y).sum(axis=1)
        )
        coefficients = np.clip(xy / np.sqrt(xx * yy), -1.0, 1.0)
    return np.where(constant, np.nan, coefficients)


def weighted_spearman(
    x: NDArray[np.float64], y: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Spearman's coefficient in B weighted copies, as ``weighted_pearson``; weights are whole numbers."""
    if len(x) == 0:
        return np.full(len(weights), np.nan)
    return weighted_pearson(midranks(x, weights), midranks(y, weights), weights)


def auc(positive: ArrayLike, scores: ArrayLike) -> float:
    """Area under the ROC curve: the chance that a positive scores above a negative, a tie counting half.

    By the Mann-Whitney formula, (R - p (p + 1) / 2) / (p n), where R is the sum of the mean ranks of the p
    positives among all p + n scores. Points with a NaN score are left out. NaN without a positive or
    without a negative.

    >>> auc([False, True, False, True], [0.1, 0.2, 0.2, 0.3])
    0.875
    """
    labels, values = _scored(positive, scores)
    return float(weighted_auc(labels, values, np.ones((1, len(values))))[0])


def weighted_auc(
    positive: NDArray[np.bool_], scores: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(B,) ``auc`` of (N,) scores without NaN in B weighted copies; weights (B, N) are whole numbers."""
    if len(scores) == 0:
        return np.full(len(weights), np.nan)
    of_positives = weights * positive
    n_positive = of_positives.sum(axis=1)
    n_negative = weights.sum(axis=1) - n_positive
    rank_sum = (of_positives * midranks(scores, weights)).sum(axis=1)
    above = rank_sum - n_positive * (n_positive + 1.0) / 2.0
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(above / (n_positive * n_negative))


def midranks(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rank of each value within each of B weighted copies of the data; equal values share their mean rank.

    Of (N,) values without NaN, at least one, each there as often as its whole-number weights (B, N) say, come
    (B, N) ranks from 1; of values with weight 0 the rank they would take just outside their neighbours.

    >>> midranks(np.array([5.0, 1.0, 5.0]), np.array([[1.0, 1.0, 1.0], [2.0, 1.0, 0.0]]))
    array([[2.5, 1. , 2.5],
           [2.5, 1. , 2.5]])
    """
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    in_order = weights[:, order]
    tied = np.add.reduceat(in_order, starts, axis=1) if len(starts) < len(values) else in_order
    of_groups = np.cumsum(tied, axis=1) - tied / 2.0 + 0.5  # (B, groups of equal values)
    sizes = np.diff(np.append(starts, len(values)))
    ranks = np.empty_like(weights)
    ranks[:, order] = np.repeat(of_groups, sizes, axis=1) if len(starts) < len(values) else of_groups
    return ranks


def _pairs(x: ArrayLike, y: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Flat float64 copies of the pairs that have both values."""
    first = np.asarray(x, dtype=np.float64).ravel()
    second = np.asarray(y, dtype=np.float64).ravel()
    if len(first) != len(second):
        raise ValueError(f"{len(first)} and {len(second)} values are not pairs")
    there = ~(np.isnan(first) | np.isnan(second))
    return first[there], second[there]


def _scored(positive: ArrayLike, scores: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Flat labels and scores of the points that have a score."""
    values = np.asarray(scores, dtype=np.float64).ravel()
    labels = np.asarray(positive, dtype=np.bool_).ravel()
    if len(values) != len(labels):
        raise ValueError(f"{len(labels)} labels do not fit {len(values)} scores")
    there = ~np.isnan(values)
    return labels[there], values[there]

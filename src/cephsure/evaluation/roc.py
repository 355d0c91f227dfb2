"""ROC: how well a measure of uncertainty tells points with a large error from the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cephsure.evaluation.ranks import midranks

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True)
class RocCurve:
    """Points of a ROC curve, from (0, 0) to (1, 1); points with equal scores are one step.

    Attributes:
        false_positive_rate: (K,) share of the negatives whose score is at least the threshold.
        true_positive_rate: (K,) the same share of the positives.
        thresholds: (K,) falling; the first is infinite.
    """

    false_positive_rate: NDArray[np.float64]
    true_positive_rate: NDArray[np.float64]
    thresholds: NDArray[np.float64]


def auc(positive: ArrayLike, scores: ArrayLike) -> float:
    """Area under the ROC curve: the chance that a positive scores above a negative, a tie counting half.

    By the Mann-Whitney formula, (R - p (p + 1) / 2) / (p n), where R is the sum of the mean ranks of the p
    positives among all p + n scores.

    Args:
        positive: (N,) whether each point is one to be found.
        scores: (N,) larger for "more likely positive"; points with NaN are left out.

    Returns:
        The area; NaN without a positive or without a negative.

    Example:
        >>> auc([False, True, False, True], [0.1, 0.2, 0.2, 0.3])
        0.875
    """
    labels, values = _scored(positive, scores)
    return float(weighted_auc(labels, values, np.ones((1, len(values))))[0])


def weighted_auc(
    positive: NDArray[np.bool_], scores: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Area under the ROC curve in each of B weighted copies of the data.

    Args:
        positive: (N,) whether each point is one to be found.
        scores: (N,) without NaN.
        weights: (B, N) how often each point is there, whole numbers.

    Returns:
        (B,) areas; NaN without a positive or without a negative.
    """
    if len(scores) == 0:
        return np.full(len(weights), np.nan)
    of_positives = weights * positive
    n_positive = of_positives.sum(axis=1)
    n_negative = weights.sum(axis=1) - n_positive
    rank_sum = (of_positives * midranks(scores, weights)).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        area: NDArray[np.float64] = (rank_sum - n_positive * (n_positive + 1.0) / 2.0) / (
            n_positive * n_negative
        )
    return area


def roc_curve(positive: ArrayLike, scores: ArrayLike) -> RocCurve:
    """Points of the ROC curve; the trapezoidal area under them is ``auc``.

    Args:
        positive: (N,) whether each point is one to be found.
        scores: (N,) larger for "more likely positive"; points with NaN are left out.

    Returns:
        The curve; rates are NaN where there is no negative or no positive.

    Example:
        >>> roc_curve([False, True], [0.1, 0.2]).true_positive_rate
        array([0., 1., 1.])
    """
    labels, values = _scored(positive, scores)
    order = np.argsort(-values, kind="stable")
    ordered, found = values[order], labels[order]
    # A step ends where the score changes: equal scores cannot be told apart by any threshold.
    ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True)) if len(values) else np.array([], int)
    true_positives = np.concatenate([[0.0], np.cumsum(found)[ends]])
    false_positives = np.concatenate([[0.0], np.cumsum(~found)[ends]])
    with np.errstate(invalid="ignore"):
        return RocCurve(
            false_positive_rate=false_positives / np.float64((~labels).sum()),
            true_positive_rate=true_positives / np.float64(labels.sum()),
            thresholds=np.concatenate([[np.inf], ordered[ends]]),
        )


def _scored(positive: ArrayLike, scores: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Flat labels and scores of the points that have a score."""
    values = np.asarray(scores, dtype=np.float64).ravel()
    labels = np.asarray(positive, dtype=np.bool_).ravel()
    if len(values) != len(labels):
        raise ValueError(f"{len(labels)} labels do not fit {len(values)} scores")
    there = ~np.isnan(values)
    return labels[there], values[there]

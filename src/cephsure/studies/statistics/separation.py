"""How well a score tells shifted films from usual ones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from cephsure.evaluation.bootstrap import film_weights, percentile_interval
from cephsure.evaluation.roc import auc, roc_curve, weighted_auc

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from cephsure.evaluation.bootstrap import Interval


def separation(
    usual: ArrayLike, shifted: ArrayLike, *, n_resamples: int = 1000, seed: int = 0
) -> tuple[float, Interval]:
    """Area under the ROC curve for telling shifted films from usual ones, with its bootstrap interval.

    Each group is resampled by itself, so that every resample has as many films of each as there are.

    Args:
        usual: (F,) a score of each usual film, larger for "more likely shifted"; NaN is left out.
        shifted: (G,) the same of the shifted films.
        n_resamples: of each group.
        seed: of the resamples.

    Returns:
        The area and its 95 % interval; 0.5 is chance. NaN where a group is empty, and the interval also where
        it holds a single film.

    Example:
        >>> separation([1.0, 2.0, 3.0], [2.5, 4.0])[0]
        0.8333333333333334
    """
    groups = [np.asarray(group, dtype=np.float64).ravel() for group in (usual, shifted)]
    groups = [group[np.isfinite(group)] for group in groups]
    scores = np.concatenate(groups)
    labels = np.repeat([False, True], [len(group) for group in groups])
    if min(map(len, groups)) < 2:
        return auc(labels, scores), (float("nan"), float("nan"))
    weights = np.concatenate(
        [
            film_weights(len(group), n_resamples=n_resamples, seed=seed + place)
            for place, group in enumerate(groups)
        ],
        axis=1,
    )
    return auc(labels, scores), percentile_interval(partial(weighted_auc, labels, scores), weights)


FALSE_ALARMS = 0.05
"""The share of usual films that may be called shifted when the share of shifted ones found is reported."""


@dataclass(frozen=True, slots=True)
class Detection:
    """How well a score finds shifted films.

    Attributes:
        n_usual: usual films with a score.
        n_shifted: shifted films with a score.
        auc: area under the ROC curve; 0.5 is chance, below it shifted films look the more usual ones.
        auc_ci95: its bootstrap interval.
        found: share of the shifted films found at the most sensitive threshold that calls at most
            ``FALSE_ALARMS`` of the usual ones shifted. NaN where there are no films.
    """

    n_usual: int
    n_shifted: int
    auc: float
    auc_ci95: Interval
    found: float


def detection_quality(
    usual: NDArray[np.float64],
    shifted: NDArray[np.float64],
    *,
    homes: NDArray[np.intp] | None = None,
    n_resamples: int = 500,
    seed: int = 0,
) -> Detection:
    """Judge one score on one shift.

    Args:
        usual: (N,) score of each usual film, larger for "more likely shifted"; NaN is left out.
        shifted: (M,) the same of the shifted films.
        homes: (M,) which usual film each shifted one was made from: they are resampled together, for their
            scores are not independent. None for films of their own, resampled by themselves.
        n_resamples: of the bootstrap.
        seed: of the resamples.

    Returns:
        Area, interval and share found.

    Example:
        >>> detection_quality(np.arange(20.0), np.array([17.5, 30.0])).found
        0.5
    """
    weights = film_weights(len(usual), n_resamples=n_resamples, seed=seed)
    if homes is not None:
        of_shifted = weights[:, homes]
    elif len(shifted):
        of_shifted = film_weights(len(shifted), n_resamples=n_resamples, seed=seed + 1)
    else:
        of_shifted = np.zeros((n_resamples, 0))
    scores = np.concatenate([usual, shifted])
    labels = np.repeat([False, True], [len(usual), len(shifted)])
    there = ~np.isnan(scores)
    scores, labels = scores[there], labels[there]
    weights = np.concatenate([weights, of_shifted], axis=1)[:, there]
    curve = roc_curve(labels, scores)
    # Few alarms at a threshold that no usual film reaches are allowed too: the first point is (0, 0).
    allowed = curve.false_positive_rate <= FALSE_ALARMS + 1e-12
    both = bool(labels.any() and not labels.all())
    return Detection(
        n_usual=int((~labels).sum()),
        n_shifted=int(labels.sum()),
        auc=auc(labels, scores),
        auc_ci95=percentile_interval(partial(weighted_auc, labels, scores), weights),
        found=float(curve.true_positive_rate[allowed].max()) if both else float("nan"),
    )


def alarm_threshold(usual: NDArray[np.float64]) -> float:
    """The value above which a film raises an alarm: at most ``FALSE_ALARMS`` of the usual films lie above.

    Args:
        usual: (N,) score of each usual film; NaN is left out.

    Returns:
        The threshold; infinite without films.

    Example:
        >>> alarm_threshold(np.arange(40.0))  # 38 and 39 may raise an alarm
        37.0
    """
    known = np.sort(usual[~np.isnan(usual)])
    allowed = int(FALSE_ALARMS * len(known) + 1e-12)
    return float(known[-1 - allowed]) if len(known) else float("inf")

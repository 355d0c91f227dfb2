"""How well a score tells shifted films from usual ones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import rankdata
from sklearn.metrics import roc_curve

from cephsure.evaluation.bootstrap import UNDEFINED, film_weights, percentile_interval
from cephsure.evaluation.quality import auc, weighted_auc

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from cephsure.evaluation.bootstrap import Interval


FALSE_ALARMS = 0.05
"""The share of usual films that may be called shifted when the share of shifted ones found is reported."""


@dataclass(frozen=True, slots=True)
class Detection:
    """How well a score finds shifted films.

    Attributes:
        n_usual: usual films with a score; ``n_shifted`` shifted ones.
        auc: area under the ROC curve; 0.5 is chance, below it shifted films look the more usual ones. Its
            interval is from the bootstrap.
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
    source_rows: NDArray[np.intp] | None = None,
    n_resamples: int = 500,
    seed: int = 0,
) -> Detection:
    """Judge one score on one shift.

    Args:
        usual: (N,) score of each usual film, larger for "more likely shifted"; NaN is left out.
        shifted: (M,) the same of the shifted films.
        source_rows: (M,) which usual film each shifted one was made from: they are resampled together, for
            their scores are not independent. None for films of their own, resampled by themselves.
        n_resamples: of the bootstrap.
        seed: of the resamples.

    Returns:
        Area, interval and share found.

    Examples:
        >>> detection_quality(np.arange(20.0), np.array([17.5, 30.0])).found
        0.5
    """
    weights = _resamples(len(usual), n_resamples, seed)
    own = source_rows is None
    of_shifted = _resamples(len(shifted), n_resamples, seed + 1) if own else weights[:, source_rows]
    scores = np.concatenate([usual, shifted])
    there = ~np.isnan(scores)
    scores, labels = scores[there], np.repeat([False, True], [len(usual), len(shifted)])[there]
    weights = np.concatenate([weights, of_shifted], axis=1)[:, there]
    return Detection(
        n_usual=int((~labels).sum()),
        n_shifted=int(labels.sum()),
        auc=auc(labels, scores),
        auc_ci95=percentile_interval(partial(weighted_auc, labels, scores), weights),
        found=_share_found(labels, scores),
    )


def separation(
    usual: ArrayLike, shifted: ArrayLike, *, n_resamples: int = 1000, seed: int = 0
) -> tuple[float, Interval]:
    """The area and its 95 % interval alone, of a ``detection_quality`` of films of their own.

    What is infinite is left out too. NaN where a group is empty, and the interval also where it holds a
    single film.

    Examples:
        >>> separation([1.0, 2.0, 3.0], [2.5, 4.0])[0]
        0.8333333333333334
    """
    groups = [np.asarray(group, dtype=np.float64).ravel() for group in (usual, shifted)]
    groups = [group[np.isfinite(group)] for group in groups]
    found = detection_quality(*groups, n_resamples=n_resamples, seed=seed)
    return found.auc, found.auc_ci95 if min(map(len, groups)) > 1 else UNDEFINED


def _resamples(count: int, n_resamples: int, seed: int) -> NDArray[np.float64]:
    """(B, count) weights; none where there are no films."""
    return film_weights(count, n_resamples=n_resamples, seed=seed) if count else np.zeros((n_resamples, 0))


def _share_found(shifted: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """The share of the shifted films above the lowest threshold with at most ``FALSE_ALARMS``."""
    if shifted.all() or not shifted.any():
        return float("nan")
    # By their ranks, for a score may be infinite.
    false_alarms, found, _ = roc_curve(shifted, rankdata(scores), drop_intermediate=False)
    return float(found[false_alarms <= FALSE_ALARMS + 1e-12].max())


def alarm_threshold(usual: NDArray[np.float64]) -> float:
    """The value above which a film raises an alarm: at most ``FALSE_ALARMS`` of the usual films lie above.

    Of the (N,) scores of the usual films NaN is left out; infinite without films.

    Examples:
        >>> alarm_threshold(np.arange(40.0))  # 38 and 39 may raise an alarm
        37.0
    """
    known = np.sort(usual[~np.isnan(usual)])
    allowed = int(FALSE_ALARMS * len(known) + 1e-12)
    return float(known[-1 - allowed]) if len(known) else float("inf")

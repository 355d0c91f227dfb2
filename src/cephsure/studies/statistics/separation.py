"""How well a number tells two groups of films apart."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from cephsure.evaluation.bootstrap import film_weights, percentile_interval
from cephsure.evaluation.roc import auc, weighted_auc

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

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

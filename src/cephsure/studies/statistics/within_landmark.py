"""Whether a measure follows the error within each landmark, not only from landmark to landmark.

Some landmarks are hard on every film, and a measure that only knew which ones would correlate with the error
of all points pooled. What a user needs besides is which film's point of the same landmark is the worse one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cephsure.evaluation.bootstrap import percentile_interval
from cephsure.evaluation.correlation import spearman, weighted_spearman
from cephsure.evaluation.quality import known, known_interval
from cephsure.studies.statistics.known_mean import mean_of_known

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.evaluation.result import Ends

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
    return WithinLandmark(
        spearman=known(float(mean_of_known(own, axis=0))),
        spearman_ci95=known_interval(interval),
        per_landmark=own,
        between=known(
            spearman(*(mean_of_known(np.where(there, of, np.nan), axis=0) for of in (errors, values)))
        ),
    )

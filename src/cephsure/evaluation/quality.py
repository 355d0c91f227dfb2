"""How well a measure of uncertainty follows the radial error, with bootstrap intervals."""

from __future__ import annotations

from functools import partial
from math import isnan
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from cephsure.evaluation.bootstrap import percentile_interval
from cephsure.evaluation.correlation import pearson, spearman, weighted_pearson, weighted_spearman
from cephsure.evaluation.errors import is_within
from cephsure.evaluation.result import MeasureQuality
from cephsure.evaluation.roc import auc, weighted_auc

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from cephsure.evaluation.bootstrap import Interval

LARGE_ERRORS_MM = {"auc_2mm": 2.0, "auc_4mm": 4.0}
"""The areas under the ROC curve that are reported, and the error that a measure should find for each."""


def measure_quality(
    errors: NDArray[np.float64],
    values: NDArray[np.float64],
    direction: Literal[-1, 1],
    weights: NDArray[np.float64],
    *,
    in_mm: bool,
) -> MeasureQuality:
    """Correlations with the error and areas under the ROC curve, over all points with both.

    Args:
        errors: (F, L) radial errors, NaN where there is none.
        values: (F, L) the measure, NaN where there is none.
        direction: +1 if the measure rises with uncertainty, -1 if it falls.
        weights: (B, F) resamples of the films, from ``bootstrap.film_weights``.
        in_mm: whether the errors are in mm; if not, there is no "error over 2 mm" and its area is None.

    Returns:
        The measure's quality; what is not defined (a constant measure, no large error) is None.
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

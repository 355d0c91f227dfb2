"""What the distortion does to each model's measures and error, as numbers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from math import isfinite
from typing import TYPE_CHECKING, Literal

import numpy as np

from cephsure.evaluation.bootstrap import film_weights, percentile_interval
from cephsure.evaluation.quality import spearman, weighted_spearman
from cephsure.studies.held_out import truth_for
from cephsure.studies.measured import measured
from cephsure.studies.published import REFERENCE
from cephsure.studies.statistics.trends import Trend, trend

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.evaluation.bootstrap import Interval
    from cephsure.studies.distorted import Distorted
    from cephsure.studies.measured import Measured
    from cephsure.studies.study import Study, StudyModel

# Tens of thousands of points are ranked anew in each resample: fewer of them will do.
_POINT_RESAMPLES = 300


@dataclass(frozen=True, slots=True)
class MeasureTrend:
    """One measure of one model under distortion.

    Attributes:
        name: of the measure in the registry.
        key: its column in predictions, with its unit ("spread_mm").
        title: in words.
        label: title and unit.
        direction: +1 if it rises with uncertainty, -1 if it falls.
        trend: its mean against the magnitude.
        change: the same of each film's change from the first magnitude, turned so that it rises with
            uncertainty, in standard deviations of the single points at the first magnitude.
        point_spearman: of measure and error over every point of every film and magnitude, unbinned.
        point_spearman_ci95: over resamples of the films.
        points: how many these are.
    """

    name: str
    key: str
    title: str
    label: str
    direction: Literal[-1, 1]
    trend: Trend
    change: Trend
    point_spearman: float
    point_spearman_ci95: Interval
    points: int


@dataclass(frozen=True, slots=True)
class ModelTrends:
    """One model under distortion.

    Attributes:
        model: which.
        truth: the annotation its errors are against.
        error: its mean radial error against the magnitude, mm.
        measures: those of its measures that vary.
    """

    model: StudyModel
    truth: str
    error: Trend
    measures: tuple[MeasureTrend, ...]

    @property
    def has_error(self) -> bool:
        """Whether any point has a truth."""
        return bool(np.isfinite(self.error.means).any())

    @property
    def own(self) -> MeasureTrend | None:
        """The measure by which the reference judges this kind, unless it is constant."""
        return next((one for one in self.measures if one.name == self.model.own_measure), None)

    @property
    def published(self) -> float:
        """The reference's coefficient of magnitude and that measure."""
        return REFERENCE[self.model.kind].distortion_pearson

    @property
    def best(self) -> MeasureTrend | None:
        """The measure that follows the error best, point by point."""
        known = [one for one in self.measures if isfinite(one.point_spearman)]
        return max(known, key=lambda one: one.direction * one.point_spearman, default=None)


def model_trends(study: Study, done: Distorted) -> list[ModelTrends]:
    """Every model's error and measures against the magnitude."""
    weights = film_weights(len(done.items), seed=study.seed)
    found = []
    for model in study.models:
        truth = truth_for(model, study.dataset)
        errors = done.errors_mm(model, truth)
        of_measures = measured(done.tables[model.label]).values()
        measures = tuple(_measure_trend(done, one, errors, weights) for one in of_measures)
        found.append(ModelTrends(model, truth, trend(done.magnitudes, errors, weights), measures))
    return found


def _measure_trend(
    done: Distorted, one: Measured, errors: NDArray[np.float64], weights: NDArray[np.float64]
) -> MeasureTrend:
    values = done.by_film(one.values)
    films, _, _ = there = np.nonzero(np.isfinite(values) & np.isfinite(errors))
    x, y = values[there], errors[there]
    first_sd = float(np.nanstd(values[:, 0]))
    # A measure that is the same on all undistorted points has no such unit.
    change = one.measure.direction * (values - values[:, :1]) / (first_sd if first_sd > 0 else np.nan)
    of_points = partial(weighted_spearman, x, y)
    return MeasureTrend(
        name=one.measure.name,
        key=one.key,
        title=one.measure.title,
        label=one.label,
        direction=one.measure.direction,
        trend=trend(done.magnitudes, values, weights),
        change=trend(done.magnitudes, change, weights),
        point_spearman=spearman(x, y),
        # A film drawn w times brings each of its points w times.
        point_spearman_ci95=percentile_interval(
            lambda block: of_points(block[:, films]), weights[:_POINT_RESAMPLES]
        ),
        points=len(x),
    )

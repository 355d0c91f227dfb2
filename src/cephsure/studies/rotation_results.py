"""What turning a head does to each model's measures and error, as numbers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from cephsure.evaluation.bootstrap import percentile_interval
from cephsure.evaluation.correlation import pearson, spearman, weighted_pearson, weighted_spearman
from cephsure.evaluation.roc import auc
from cephsure.studies.measured import measured
from cephsure.studies.published import REFERENCE
from cephsure.studies.statistics.intervals import mean_of_known
from cephsure.studies.statistics.trends import block_weights, steadiness

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from cephsure.evaluation.bootstrap import Interval
    from cephsure.studies.measured import Measured
    from cephsure.studies.study import Study, StudyModel
    from cephsure.studies.turned import Turned

BLOCK_DEG = 5.0
"""Angles within such a stretch are resampled together."""

STRAIGHT_DEG, TURNED_DEG = 3.0, 10.0
"""The two groups of films that a measure should tell apart: up to the first, and from the second on."""


@dataclass(frozen=True, slots=True)
class MeasureAlong:
    """One measure of one model in a series.

    Attributes:
        measured: the measure and its (A, L) values, NaN for landmarks outside the scan.
        means: (A,) mean over the landmarks at each angle.
        pearson: of the angle's size and the mean.
        pearson_ci95: over moving blocks of angles.
        spearman: the same of the ranks.
        spearman_ci95: over moving blocks of angles.
        rising: share of the steps to the next larger angle in which the mean, turned to rise with
            uncertainty, rises.
        fall: mean size of a fall, as a share of the means' range.
        auc: telling films from ``TURNED_DEG`` on from those up to ``STRAIGHT_DEG`` by the mean.
        point_spearman: of measure and error over every landmark at every angle, unbinned; NaN without truth.
        point_spearman_ci95: over moving blocks of angles.
        points: how many these are.
    """

    measured: Measured
    means: NDArray[np.float64]
    pearson: float
    pearson_ci95: Interval
    spearman: float
    spearman_ci95: Interval
    rising: float
    fall: float
    auc: float
    point_spearman: float
    point_spearman_ci95: Interval
    points: int

    @property
    def name(self) -> str:
        """Of the measure in the registry."""
        return self.measured.measure.name

    @property
    def title(self) -> str:
        """The measure in words."""
        return self.measured.measure.title

    @property
    def merit(self) -> tuple[float, float]:
        """How well it tells turned films from straight ones, then how well its mean ranks the angles."""
        return (self.auc, self.measured.measure.direction * self.spearman)

    @property
    def turned_means(self) -> NDArray[np.float64]:
        """(A,) the means, turned so that larger means more uncertain."""
        return self.measured.measure.direction * self.means


@dataclass(frozen=True, slots=True)
class ModelAlong:
    """One model in a series.

    Attributes:
        model: which.
        turned: the head and the series.
        errors_mm: (A, L) radial errors, NaN where no truth is known.
        error: its mean at each angle as if it were a measure; NaN without truth.
        measures: those of the model's measures that vary.
    """

    model: StudyModel
    turned: Turned
    errors_mm: NDArray[np.float64]
    error_means: NDArray[np.float64]
    measures: tuple[MeasureAlong, ...]

    @property
    def own(self) -> MeasureAlong | None:
        """The measure by which the reference judges this kind, unless it is constant."""
        return next((one for one in self.measures if one.name == self.model.own_measure), None)

    @property
    def published(self) -> float:
        """The reference's coefficient of the angle's size and that measure."""
        return REFERENCE[self.model.kind].rotation_pearson

    @property
    def best(self) -> MeasureAlong | None:
        """The measure of the greatest ``merit``."""
        known = [one for one in self.measures if isfinite(one.auc) and isfinite(one.spearman)]
        return max(known, key=lambda one: one.merit, default=None)


def models_along(study: Study, turned: Turned) -> list[ModelAlong]:
    """Every model's error and measures along a series."""
    step = float(np.median(np.diff(turned.angles))) if len(turned.angles) > 1 else 1.0
    weights = block_weights(len(turned.angles), length=max(1, round(BLOCK_DEG / step)), seed=study.seed)
    found = []
    for model in study.models:
        table = turned.tables[model.label]
        errors = table.errors_mm(turned.truth_px)
        values = [one.of(np.where(turned.counted, one.values, np.nan)) for one in measured(table).values()]
        measures = tuple(_along(turned, one, errors, weights) for one in values)
        found.append(ModelAlong(model, turned, errors, mean_of_known(errors, axis=1), measures))
    return found


def _along(
    turned: Turned, one: Measured, errors: NDArray[np.float64], weights: NDArray[np.float64]
) -> MeasureAlong:
    size = np.abs(turned.angles)
    means = mean_of_known(one.values, axis=1)
    there = np.isfinite(means)
    places, _ = points = np.nonzero(np.isfinite(one.values) & np.isfinite(errors))
    x, y = one.values[points], errors[points]
    rising, fall = steadiness(turned.angles, one.measure.direction * means)
    return MeasureAlong(
        measured=one,
        means=means,
        pearson=pearson(size, means),
        pearson_ci95=_interval(weighted_pearson, size, means, there, weights),
        spearman=spearman(size, means),
        spearman_ci95=_interval(weighted_spearman, size, means, there, weights),
        rising=rising,
        fall=fall,
        auc=told_apart(*straight_and_turned(turned.angles, one.measure.direction * means)),
        point_spearman=spearman(x, y),
        # An angle drawn w times brings each of its points w times.
        point_spearman_ci95=percentile_interval(
            lambda block: weighted_spearman(x, y, block[:, places]), weights
        ),
        points=len(x),
    )


def straight_and_turned(
    angles: NDArray[np.float64], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The values at angles up to ``STRAIGHT_DEG``, and at those from ``TURNED_DEG`` on."""
    size = np.abs(angles)
    return values[size <= STRAIGHT_DEG], values[size >= TURNED_DEG]


def told_apart(straight: NDArray[np.float64], turned: NDArray[np.float64]) -> float:
    """Area under the ROC curve: how well a value that rises with the turn tells turned films."""
    is_turned = np.repeat([False, True], [len(straight), len(turned)])
    return auc(is_turned, np.concatenate([straight, turned]))


def _interval(
    coefficient: Callable[..., NDArray[np.float64]],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    there: NDArray[np.bool_],
    weights: NDArray[np.float64],
) -> Interval:
    of_pairs = partial(coefficient, x[there], y[there])
    return percentile_interval(lambda block: of_pairs(block[:, there]), weights)


def steadiest(models: Sequence[ModelAlong]) -> ModelAlong | None:
    """The model whose own measure rises in most steps."""
    known = [one for one in models if one.own is not None and isfinite(one.own.rising)]
    return max(known, key=lambda one: one.own.rising if one.own else -1.0, default=None)


def best_of(models: Sequence[ModelAlong]) -> ModelAlong | None:
    """The model with the measure of the greatest ``merit``."""
    known = [one for one in models if one.best is not None]
    return max(known, key=lambda one: one.best.merit if one.best else (0.0, 0.0), default=None)

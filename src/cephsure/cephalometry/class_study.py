"""Success classification: a model's classes beside the truth's, and the annotators' beside each other."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure.cephalometry.agreement import (
    ClassAgreement,
    IntervalCoverage,
    class_agreement,
    interval_coverage,
    values_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from cephsure.cephalometry.analysis import Analysis
    from cephsure.cephalometry.measurement import AnalysisDefinition
    from cephsure.uncertainty.prediction import Prediction

SCHEMA = "cephsure.class-agreement/1"


@dataclass(frozen=True, slots=True)
class MeasurementStudy:
    """One measurement over many films.

    Attributes:
        analysis: the analysis that it is part of.
        model: the model's classes against the truth's.
        observers: the annotators' classes against each other, by their names; the first one counts as true.
        coverage: the intervals against the true values.
        mean_absolute_difference: of the model's values from the truth's, in the measurement's unit.
    """

    analysis: str
    model: ClassAgreement
    observers: Mapping[tuple[str, str], ClassAgreement]
    coverage: IntervalCoverage
    mean_absolute_difference: float


@dataclass(frozen=True, slots=True)
class ClassStudy:
    """How well a model's measurements put films into their classes.

    Attributes:
        model: the model's name.
        truth: whose points are true.
        films: how many films.
        errors_from: what the intervals rest on, one word for all films, or "mixed".
        measurements: one for each measurement with classes.
    """

    model: str
    truth: str
    films: int
    errors_from: str
    measurements: tuple[MeasurementStudy, ...]

    def document(self) -> dict[str, Any]:
        """The study as JSON data, ``cephsure.class-agreement/1``; what is not defined is null."""
        return {
            "schema": SCHEMA,
            "model": self.model,
            "truth": self.truth,
            "films": self.films,
            "errors_from": self.errors_from,
            "measurements": [_measurement(one) for one in self.measurements],
        }


def class_study(
    predictions: Sequence[Prediction],
    analysed: Sequence[Analysis],
    annotations_px: Mapping[str, Sequence[NDArray[np.float64]]],
    analyses: Sequence[AnalysisDefinition],
    *,
    truth: str,
    observers: Sequence[str],
) -> ClassStudy:
    """Compare classes over films with known points.

    Args:
        predictions: F films' predictions.
        analysed: what was measured on them, with ``analyses``.
        annotations_px: by name (the annotators, and the truth if it is none of them) F times (L, 2) positions
            in px of the film, NaN where missing.
        analyses: what to measure.
        truth: whose points are true.
        observers: the annotators to compare with each other.

    Returns:
        The study of all measurements that have classes.
    """
    films = [one.film for one in predictions]
    codes = [one.code for one in predictions[0].landmarks]
    found = values_of([prediction.points_px for prediction in predictions], films, codes, analyses)
    known = {name: values_of(points, films, codes, analyses) for name, points in annotations_px.items()}
    pairs = list(combinations(observers, 2))
    measured = {
        (one.analysis, one.code): [film.measurements[place] for film in analysed]
        for place, one in enumerate(analysed[0].measurements)
    }
    rows = []
    for analysis in analyses:
        for entry in analysis.entries:
            if not entry.classes:
                continue
            key = (analysis.name, entry.measurement.code)
            differences = np.abs(found[key] - known[truth][key])
            rows.append(
                MeasurementStudy(
                    analysis=analysis.name,
                    model=class_agreement(entry, known[truth][key], found[key]),
                    observers={
                        (a, b): class_agreement(entry, known[a][key], known[b][key]) for a, b in pairs
                    },
                    coverage=interval_coverage(entry, measured[key], known[truth][key]),
                    mean_absolute_difference=_mean(differences),
                )
            )
    sources = {one.errors_from for one in analysed}
    return ClassStudy(
        model=predictions[0].model.name,
        truth=truth,
        films=len(predictions),
        errors_from=sources.pop() if len(sources) == 1 else "mixed",
        measurements=tuple(rows),
    )


def _mean(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")


def _measurement(one: MeasurementStudy) -> dict[str, Any]:
    coverage = one.coverage
    return {
        "analysis": one.analysis,
        "code": one.model.code,
        "class_names": list(one.model.class_names),
        "mean_absolute_difference": _number(one.mean_absolute_difference),
        "model": _agreement(one.model),
        "observers": [
            {"first": first, "second": second, **_agreement(agreement)}
            for (first, second), agreement in one.observers.items()
        ],
        "interval_90": {
            "films": coverage.films,
            "held": coverage.held,
            "decided": coverage.decided,
            "decided_right": coverage.decided_right,
        },
    }


def _agreement(one: ClassAgreement) -> dict[str, Any]:
    return {
        "films": one.films,
        "success_rate": _number(one.success_rate),
        "mean_class_rate": _number(one.mean_class_rate),
        "class_rates": [_number(rate) for rate in one.class_rates],
        "kappa": _number(one.kappa),
        "table": one.table.tolist(),
    }


def _number(value: float) -> float | None:
    return value if isfinite(value) else None

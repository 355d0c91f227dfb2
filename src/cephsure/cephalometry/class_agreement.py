"""Success classification: how often two sets of points put a film into the same class.

A model's classes beside the truth's, the annotators' beside each other, and whether intervals hold the truth.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import combinations
from math import isfinite, nan
from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure.cephalometry.formula import head_points_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from cephsure.cephalometry.analysis import Analysis
    from cephsure.cephalometry.formula import Array
    from cephsure.cephalometry.measured import MeasuredValue
    from cephsure.cephalometry.measurement import AnalysisDefinition, Entry
    from cephsure.uncertainty.prediction import FilmInfo, Prediction

SCHEMA = "cephsure.class-agreement/1"


@dataclass(frozen=True, slots=True)
class ClassAgreement:
    """One measurement's classes by two observers (a model, an annotator) on the same films.

    ``table`` counts films, (K, K): the first observer's class (the truth) by row, the second's by column.
    """

    code: str
    class_names: tuple[str, ...]
    table: NDArray[np.intp]

    @property
    def films(self) -> int:
        """Films that both have a class for."""
        return int(self.table.sum())

    @property
    def success_rate(self) -> float:
        """Success classification rate: the share of films in the same class; NaN without films."""
        return float(np.trace(self.table) / self.films) if self.films else nan

    @property
    def class_rates(self) -> tuple[float, ...]:
        """For each of the first observer's classes, the share of its films that the second puts there too."""
        rows = self.table.sum(axis=1)
        return tuple((np.diag(self.table) / np.where(rows > 0, rows, np.nan)).tolist())

    @property
    def mean_class_rate(self) -> float:
        """Mean of the class rates over the classes that occur: the mean diagonal of the table in per cent."""
        return _mean(np.array(self.class_rates))

    @property
    def kappa(self) -> float:
        """Cohen's kappa: agreement beyond what the observers' own frequencies give by chance.

        NaN where chance alone gives full agreement (both always chose one class).

        Source: Cohen 1960, Educational and Psychological Measurement 20, 37-46.
        """
        shares = self.table / max(self.films, 1)
        chance = float(shares.sum(axis=1) @ shares.sum(axis=0))
        return (self.success_rate - chance) / (1 - chance) if chance < 1 else nan

    def document(self) -> dict[str, Any]:
        """The agreement as JSON data; what is not defined is null."""
        return {
            "films": self.films,
            "success_rate": _number(self.success_rate),
            "mean_class_rate": _number(self.mean_class_rate),
            "class_rates": [_number(rate) for rate in self.class_rates],
            "kappa": _number(self.kappa),
            "table": self.table.tolist(),
        }


def class_agreement(entry: Entry, first: Array, second: Array) -> ClassAgreement:
    """Compare the classes of a measurement's values, over the films where both have one.

    Both are (F,) values of the same films, NaN where missing; ``first`` is by whom counts as true.

    Examples:
        >>> from cephsure.cephalometry import shipped_analyses
        >>> anb = shipped_analyses()["isbi"].entries[0]  # class I from 3.2 to 5.7
        >>> both = class_agreement(anb, np.array([3.0, 4.0, 6.0, 6.0]), np.array([2.0, 4.0, 5.0, 7.0]))
        >>> both.success_rate, round(both.kappa, 3)
        (0.75, 0.636)
    """
    count = len(entry.class_names)
    rows, columns = entry.class_indices(first), entry.class_indices(second)
    both = (rows >= 0) & (columns >= 0)
    table = np.zeros((count, count), dtype=np.intp)
    np.add.at(table, (rows[both], columns[both]), 1)
    return ClassAgreement(entry.measurement.code, entry.class_names, table)


def values_of(
    points_px: Sequence[Array],
    films: Sequence[FilmInfo],
    codes: Sequence[str],
    analyses: Sequence[AnalysisDefinition],
) -> dict[tuple[str, str], Array]:
    """The values of every measurement on many films, by analysis and code.

    From (L, 2) positions for each of F films, in px of the film as given, NaN where missing, and the
    landmarks' codes; (F,) values, NaN where a point is missing, and for lengths without a scale.
    """
    heads = np.stack([head_points_of(points, film) for points, film in zip(points_px, films, strict=True)])
    nowhere = np.full((len(heads), 2), np.nan)
    has_scale = np.array([film.mm_per_px is not None for film in films])
    values = {}
    for analysis in analyses:
        for measurement in (entry.measurement for entry in analysis.entries):
            needed = measurement.landmarks
            at = {code: heads[:, codes.index(code)] if code in codes else nowhere for code in needed}
            computed = measurement.formula.compute(at)
            known = np.where(has_scale, computed, np.nan) if measurement.unit == "mm" else computed
            values[analysis.name, measurement.code] = known
    return values


@dataclass(frozen=True, slots=True)
class IntervalCoverage:
    """How often a measurement's 90 % interval holds the true value."""

    films: int  # with an interval and a true value
    held: int  # those of them where the interval holds it
    decided: int  # films for which a class was decided
    decided_right: int  # those of them where it is the true value's class


def interval_coverage(entry: Entry, measured: Sequence[MeasuredValue], truth: Array) -> IntervalCoverage:
    """How often intervals and decisions on F films are right; ``truth``, (F,), is NaN where not known."""
    films = held = decided = right = 0
    for found, true in zip(measured, truth.tolist(), strict=True):
        if found.interval_90 is None or not isfinite(true):
            continue
        films += 1
        held += found.interval_90[0] <= true <= found.interval_90[1]
        if found.decision in entry.class_names:
            decided += 1
            right += found.decision == entry.class_of(true)
    return IntervalCoverage(films, held, decided, right)


@dataclass(frozen=True, slots=True)
class MeasurementStudy:
    """One measurement, of an analysis, over many films."""

    analysis: str
    model: ClassAgreement  # the model's classes against the truth's
    # The annotators' classes against each other, by their names; the first one counts as true.
    observers: Mapping[tuple[str, str], ClassAgreement]
    coverage: IntervalCoverage
    mean_absolute_difference: float  # of the model's values from the truth's, in the measurement's unit

    def document(self) -> dict[str, Any]:
        """The measurement as JSON data; what is not defined is null."""
        return {
            "analysis": self.analysis,
            "code": self.model.code,
            "class_names": list(self.model.class_names),
            "mean_absolute_difference": _number(self.mean_absolute_difference),
            "model": self.model.document(),
            "observers": [
                {"first": first, "second": second, **agreement.document()}
                for (first, second), agreement in self.observers.items()
            ],
            "interval_90": asdict(self.coverage),
        }


@dataclass(frozen=True, slots=True)
class ClassStudy:
    """How well a model's measurements put films into their classes."""

    model: str  # its name
    truth: str  # whose points are true
    films: int  # how many
    errors_from: str  # what the intervals rest on, one word for all films, or "mixed"
    measurements: tuple[MeasurementStudy, ...]  # those with classes

    def document(self) -> dict[str, Any]:
        """The study as JSON data, ``cephsure.class-agreement/1``; what is not defined is null."""
        return {
            "schema": SCHEMA,
            "model": self.model,
            "truth": self.truth,
            "films": self.films,
            "errors_from": self.errors_from,
            "measurements": [measurement.document() for measurement in self.measurements],
        }


def class_study(
    predictions: Sequence[Prediction],
    analysed: Sequence[Analysis],
    annotations_px: Mapping[str, Sequence[Array]],
    analyses: Sequence[AnalysisDefinition],
    *,
    truth: str,
    observers: Sequence[str],
) -> ClassStudy:
    """Compare classes, of all measurements that have some, over films with known points.

    Args:
        predictions: F films' predictions.
        analysed: what was measured on them, with ``analyses``.
        annotations_px: by name (the annotators, and the truth if it is none of them) F times (L, 2) positions
            in px of the film, NaN where missing.
        analyses: what to measure.
        truth: whose points are true.
        observers: the annotators to compare with each other.
    """
    films = [prediction.film for prediction in predictions]
    codes = [landmark.code for landmark in predictions[0].landmarks]
    found = values_of([prediction.points_px for prediction in predictions], films, codes, analyses)
    known = {name: values_of(points, films, codes, analyses) for name, points in annotations_px.items()}
    measured = {
        (value.analysis, value.code): [film.measurements[place] for film in analysed]
        for place, value in enumerate(analysed[0].measurements)
    }
    rows = []
    for analysis in analyses:
        for entry in (entry for entry in analysis.entries if entry.classes):
            key = (analysis.name, entry.measurement.code)
            true = known[truth][key]
            rows.append(
                MeasurementStudy(
                    analysis=analysis.name,
                    model=class_agreement(entry, true, found[key]),
                    observers={
                        (a, b): class_agreement(entry, known[a][key], known[b][key])
                        for a, b in combinations(observers, 2)
                    },
                    coverage=interval_coverage(entry, measured[key], true),
                    mean_absolute_difference=_mean(np.abs(found[key] - true)),
                )
            )
    sources = {analysis.errors_from for analysis in analysed}
    return ClassStudy(
        model=predictions[0].model.name,
        truth=truth,
        films=len(predictions),
        errors_from=sources.pop() if len(sources) == 1 else "mixed",
        measurements=tuple(rows),
    )


def _mean(values: Array) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else nan


def _number(value: float) -> float | None:
    return value if isfinite(value) else None

"""How often two sets of points put a film into the same class, and how often an interval holds the truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cephsure.cephalometry.head_frame import head_points

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cephsure.cephalometry.analysis import MeasuredValue
    from cephsure.cephalometry.measurement import AnalysisDefinition, Entry
    from cephsure.uncertainty.prediction import FilmInfo


@dataclass(frozen=True, slots=True)
class ClassAgreement:
    """One measurement's classes by two observers (a model, an annotator) on the same films.

    Attributes:
        code: the measurement.
        class_names: names of the classes.
        table: (K, K) films, the first observer's class by row (the truth), the second's by column.
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
        return float(np.trace(self.table) / self.films) if self.films else float("nan")

    @property
    def class_rates(self) -> tuple[float, ...]:
        """For each of the first observer's classes, the share of its films that the second puts there too."""
        rows = self.table.sum(axis=1)
        return tuple((np.diag(self.table) / np.where(rows > 0, rows, np.nan)).tolist())

    @property
    def mean_class_rate(self) -> float:
        """Mean of the class rates over the classes that occur: the mean diagonal of the table in per cent."""
        rates = np.array(self.class_rates)
        return float(rates[np.isfinite(rates)].mean()) if self.films else float("nan")

    @property
    def kappa(self) -> float:
        """Cohen's kappa: agreement beyond what the observers' own frequencies give by chance.

        NaN where chance alone gives full agreement (both always chose one class).

        Source: Cohen 1960, Educational and Psychological Measurement 20, 37-46.
        """
        shares = self.table / max(self.films, 1)
        chance = float(shares.sum(axis=1) @ shares.sum(axis=0))
        return (self.success_rate - chance) / (1 - chance) if chance < 1 else float("nan")


def class_agreement(entry: Entry, first: NDArray[np.float64], second: NDArray[np.float64]) -> ClassAgreement:
    """Compare the classes of a measurement's values.

    Args:
        entry: the measurement and its classes.
        first: (F,) values, NaN where missing, by whom counts as true.
        second: (F,) values of the same films by the other.

    Returns:
        The agreement over the films where both have a value.

    Example:
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
    points_px: Sequence[NDArray[np.float64]],
    films: Sequence[FilmInfo],
    codes: Sequence[str],
    analyses: Sequence[AnalysisDefinition],
) -> dict[tuple[str, str], NDArray[np.float64]]:
    """The values of every measurement on many films.

    Args:
        points_px: for each of F films (L, 2) positions in px of the film as given, NaN where missing.
        films: the films, with facing and scale.
        codes: the landmarks' codes.
        analyses: what to measure.

    Returns:
        By analysis and code (F,) values; NaN where a point is missing, and for lengths without a scale.
    """
    heads = [
        head_points(points, mirrored=film.facing == "left", mm_per_px=film.mm_per_px)
        for points, film in zip(points_px, films, strict=True)
    ]
    stacked = np.stack(heads)  # (F, L, 2)
    nowhere = np.full((len(heads), 2), np.nan)
    has_scale = np.array([film.mm_per_px is not None for film in films])
    values = {}
    for analysis in analyses:
        for entry in analysis.entries:
            what = entry.measurement
            at = {
                code: stacked[:, codes.index(code)] if code in codes else nowhere for code in what.landmarks
            }
            computed = what.formula.compute(at)
            known = np.where(has_scale, computed, np.nan) if what.unit == "mm" else computed
            values[analysis.name, what.code] = known
    return values


@dataclass(frozen=True, slots=True)
class IntervalCoverage:
    """How often a measurement's 90 % interval holds the true value.

    Attributes:
        films: films with an interval and a true value.
        held: those of them where the interval holds it.
        decided: films for which a class was decided.
        decided_right: those of them where it is the true value's class.
    """

    films: int
    held: int
    decided: int
    decided_right: int


def interval_coverage(
    entry: Entry, measured: Sequence[MeasuredValue], truth: NDArray[np.float64]
) -> IntervalCoverage:
    """Set a measurement's intervals and decisions on F films beside the true values.

    Args:
        entry: the measurement and its classes.
        measured: for each film what was measured.
        truth: (F,) true values, NaN where there is none.

    Returns:
        The counts.
    """
    films = held = decided = right = 0
    for one, true in zip(measured, truth.tolist(), strict=True):
        if one.interval_90 is None or not np.isfinite(true):
            continue
        films += 1
        held += one.interval_90[0] <= true <= one.interval_90[1]
        if one.decision in entry.class_names:
            decided += 1
            right += one.decision == entry.class_of(true)
    return IntervalCoverage(films, held, decided, right)

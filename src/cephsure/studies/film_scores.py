"""Scores of whole films, from all their landmarks, that need no label and no shifted film."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure.studies.cases import points_for_shape
from cephsure.studies.measured import measured

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from cephsure.studies.cases import PointTable
    from cephsure.uncertainty import Measure
    from cephsure.uncertainty.shape_model import ShapeModel

PLAIN_QUANTILE = 0.95
# Standard deviations of a normal distribution in its median absolute deviation.
_MAD_TO_SD = 1.4826

COMBINATIONS = {
    "all_mean": "all: mean z",
    "all_max": "all: largest z",
    "all_abs": "all: largest |z|",
    "measures_max": "measures: largest z",
}
"""Of the films' mean measures, and for "all" of the shape too, in deviations from plain films."""


@dataclass(frozen=True, slots=True)
class _Reference:
    """What plain films are like: the other fold's.

    Attributes:
        quantiles: by measure, (L,) the value that 95 % of plain films stay under at each landmark.
        centres: by film-level quantity, its median.
        scales: by film-level quantity, its spread.
    """

    quantiles: dict[str, NDArray[np.float64]]
    centres: dict[str, float]
    scales: dict[str, float]


class FilmScores:
    """Scores fitted to plain films, in two halves: each half's films are judged by the other's.

    A measure gives its mean over the landmarks, its largest value, and the share of landmarks that exceed
    the 95 % quantile of the same landmark on plain films. The points' shape gives its distance from the
    training films' (``ShapeModel.score``). Combinations take the means and the shape as robust z: difference
    from the plain films' median in units of their median absolute deviation.

    Args:
        plain: predictions of N plain films.
        folds: (N,) 0 or 1.
        shape: of the training annotation, or None.

    Attributes:
        titles: by score, in the order of tables.
    """

    def __init__(self, plain: PointTable, folds: NDArray[np.intp], shape: ShapeModel | None) -> None:
        self._measures: list[tuple[Measure, str]] = [
            (one.measure, one.key) for one in measured(plain).values()
        ]
        self._shape = shape
        values, quantities = self._read(plain)
        self._references = [self._reference(values, quantities, folds != fold) for fold in (0, 1)]
        self.titles = self._titles()

    def of(self, table: PointTable, folds: NDArray[np.intp]) -> dict[str, NDArray[np.float64]]:
        """Every score of N films.

        Args:
            table: their predictions.
            folds: (N,) 0 or 1: a film is judged by the plain films of the other fold.

        Returns:
            By name, (N,), larger for "less like a plain film"; NaN where a measure is missing.
        """
        values, quantities = self._read(table)
        scores = {name: np.full(len(table), np.nan) for name in self.titles}
        for fold in (0, 1):
            rows = folds == fold
            for name, found in self._judge(values, quantities, rows, self._references[fold]).items():
                scores[name][rows] = found
        return scores

    def _titles(self) -> dict[str, str]:
        titles = {}
        for measure, _ in self._measures:
            short = measure.name.replace("_", " ")
            titles[f"{measure.name}_mean"] = f"{short}: mean"
            titles[f"{measure.name}_max"] = f"{short}: most uncertain landmark"
            titles[f"{measure.name}_share"] = f"{short}: landmarks over plain 95 %"
        if self._shape is not None:
            titles["shape"] = "shape of the points"
        return titles | COMBINATIONS

    def _read(
        self, table: PointTable
    ) -> tuple[dict[str, NDArray[np.float64]], dict[str, NDArray[np.float64]]]:
        """By measure the values (N, L), turned so that larger means more uncertain; film quantities (N,)."""
        missing = np.full(table.points_px.shape[:2], np.nan)
        values = {
            measure.name: measure.direction * table.measures.get(key, missing)
            for measure, key in self._measures
        }
        quantities = {name: _over_landmarks(np.nanmean, of_points) for name, of_points in values.items()}
        if self._shape is not None:
            points = points_for_shape(table, self._shape)
            quantities["shape"] = np.array([self._shape.score(each) for each in points], dtype=np.float64)
        return values, quantities

    def _reference(
        self,
        values: dict[str, NDArray[np.float64]],
        quantities: dict[str, NDArray[np.float64]],
        rows: NDArray[np.bool_],
    ) -> _Reference:
        centres, scales = {}, {}
        for name, of_films in quantities.items():
            known = of_films[rows & np.isfinite(of_films)]
            centres[name] = float(np.median(known)) if len(known) else np.nan
            scales[name] = _spread(known)
        quantiles = {
            name: np.nanquantile(of_points[rows], PLAIN_QUANTILE, axis=0)
            for name, of_points in values.items()
        }
        return _Reference(quantiles, centres, scales)

    def _judge(
        self,
        values: dict[str, NDArray[np.float64]],
        quantities: dict[str, NDArray[np.float64]],
        rows: NDArray[np.bool_],
        reference: _Reference,
    ) -> dict[str, NDArray[np.float64]]:
        scores: dict[str, NDArray[np.float64]] = {}
        for name, of_points in values.items():
            here = of_points[rows]
            over = np.where(np.isnan(here), np.nan, here > reference.quantiles[name])
            scores[f"{name}_mean"] = quantities[name][rows]
            scores[f"{name}_max"] = _over_landmarks(np.nanmax, here)
            scores[f"{name}_share"] = _over_landmarks(np.nanmean, over)
        z = {
            name: (of_films[rows] - reference.centres[name]) / reference.scales[name]
            for name, of_films in quantities.items()
        }
        everything = _columns(z, int(rows.sum()))
        measures = _columns({name: z[name] for name in values}, int(rows.sum()))
        if self._shape is not None:
            scores["shape"] = quantities["shape"][rows]
        scores["all_mean"] = _over_landmarks(np.nanmean, everything)
        scores["all_max"] = _over_landmarks(np.nanmax, everything)
        scores["all_abs"] = _over_landmarks(np.nanmax, np.abs(everything))
        scores["measures_max"] = _over_landmarks(np.nanmax, measures)
        return scores


def _columns(quantities: dict[str, NDArray[np.float64]], count: int) -> NDArray[np.float64]:
    """(count, Q) the quantities side by side; one column of NaN where there is none."""
    return np.stack(list(quantities.values()) or [np.full(count, np.nan)], axis=1)


def _over_landmarks(summary: Callable[..., Any], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) a summary of each row of what is not NaN; NaN for a row without anything."""
    known = ~np.isnan(values).all(axis=1)
    found = np.full(len(values), np.nan)
    if known.any():
        found[known] = summary(values[known], axis=1)
    return found


def _spread(values: NDArray[np.float64]) -> float:
    """Robust standard deviation; the ordinary one where over half of the values are equal; 1 for none."""
    if len(values) == 0:
        return 1.0
    robust = _MAD_TO_SD * float(np.median(np.abs(values - np.median(values))))
    return robust or float(values.std()) or 1.0


def halves(count: int, folds: Sequence[NDArray[np.int64]]) -> NDArray[np.intp]:
    """(count,) the fold of each film, from the folds' indices."""
    of_film = np.zeros(count, dtype=np.intp)
    for fold, members in enumerate(folds):
        of_film[members] = fold
    return of_film

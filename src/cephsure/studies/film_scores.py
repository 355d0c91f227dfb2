"""Scores of whole films, from all their landmarks, that need no label and no shifted film."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cephsure.studies.cases import points_for_shape
from cephsure.studies.measured import measured

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.studies.cases import PointTable
    from cephsure.uncertainty.shape_model import ShapeModel

COMBINATIONS = {
    "all_mean": "all: mean z",
    "all_max": "all: largest z",
    "all_abs": "all: largest |z|",
    "measures_max": "measures: largest z",
}
"""Of the films' mean measures, and for "all" of the shape too, in deviations from plain films."""

_PLAIN_QUANTILE = 0.95
# Standard deviations of a normal distribution in its median absolute deviation.
_MAD_TO_SD = 1.4826


class FilmScores:
    """Scores of whole films that need no label and no shifted film, fitted to plain films in two halves.

    A measure gives its mean over the landmarks, its largest value, and the share of landmarks that exceed
    the 95 % quantile of the same landmark on plain films. The points' shape gives its distance from the
    training films' (``ShapeModel.score``). Combinations take the means and the shape as robust z: difference
    from the plain films' median in units of their median absolute deviation. Each half's films are judged by
    the other's.

    Args:
        plain: predictions of N plain films.
        folds: (N,) 0 or 1.
        shape: of the training annotation, or None.

    Attributes:
        titles: by score, in the order of tables.
    """

    def __init__(self, plain: PointTable, folds: NDArray[np.intp], shape: ShapeModel | None) -> None:
        self._measures = [(found.measure, found.key) for found in measured(plain).values()]
        self._shape = shape
        self.titles: dict[str, str] = {}
        for measure, _ in self._measures:
            short = measure.name.replace("_", " ")
            self.titles[f"{measure.name}_mean"] = f"{short}: mean"
            self.titles[f"{measure.name}_max"] = f"{short}: most uncertain landmark"
            self.titles[f"{measure.name}_share"] = f"{short}: landmarks over plain 95 %"
        if shape is not None:
            self.titles["shape"] = "shape of the points"
        self.titles |= COMBINATIONS
        points, films = self._read(plain)
        others = [folds != fold for fold in (0, 1)]
        limit = _PLAIN_QUANTILE
        self._limits = [{name: of[kept].quantile(limit) for name, of in points.items()} for kept in others]
        self._centres = [films[kept].median() for kept in others]
        self._scales = [films[kept].apply(_spread) for kept in others]

    def of(self, table: PointTable, folds: NDArray[np.intp]) -> pd.DataFrame:
        """Every score of N films, each judged by the plain films of the other fold: ``folds`` (N,), 0 or 1.

        Returns:
            A row a film, a column a score, larger for "less like a plain film"; NaN where a measure lacks.
        """
        points, films = self._read(table)
        halves = [self._judge(points, films, fold)[folds == fold] for fold in (0, 1)]
        return pd.concat(halves).sort_index()

    def _read(self, table: PointTable) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
        """By measure the values (N, L), turned so that larger means more uncertain; and what films have."""
        missing = np.full(table.points_px.shape[:2], np.nan)
        points = {
            measure.name: pd.DataFrame(measure.direction * table.measures.get(key, missing))
            for measure, key in self._measures
        }
        means = {name: of_points.mean(axis=1) for name, of_points in points.items()}
        films = pd.DataFrame(means, index=range(len(table)))
        if self._shape is not None:
            films["shape"] = [self._shape.score(each) for each in points_for_shape(table, self._shape)]
        return points, films

    def _judge(self, points: dict[str, pd.DataFrame], films: pd.DataFrame, fold: int) -> pd.DataFrame:
        """Every score, by the plain films of the other fold."""
        scores = films.filter(["shape"])
        for name, of_points in points.items():
            over = (of_points > self._limits[fold][name]).astype(float).where(of_points.notna())
            scores[f"{name}_mean"] = films[name]
            scores[f"{name}_max"] = of_points.max(axis=1)
            scores[f"{name}_share"] = over.mean(axis=1)
        z = (films - self._centres[fold]) / self._scales[fold]
        scores["all_mean"], scores["all_max"] = z.mean(axis=1), z.max(axis=1)
        scores["all_abs"], scores["measures_max"] = z.abs().max(axis=1), z[list(points)].max(axis=1)
        return scores[list(self.titles)]


def _spread(values: pd.Series) -> float:
    """Robust standard deviation; the ordinary one where over half of the values are equal; 1 for none."""
    known = values.dropna()
    if known.empty:
        return 1.0
    robust = _MAD_TO_SD * float((known - known.median()).abs().median())
    return robust or float(known.std(ddof=0)) or 1.0

"""Test films under elastic distortion of rising magnitude, predicted by every model."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import numpy as np

from cephsure.datasets import film_of
from cephsure.studies.cases import Case, films_of_split, spread_over, truths_px
from cephsure.studies.held_out import truth_for
from cephsure.studies.predictions import predict_cases
from cephsure.studies.shifts.distortion import MAX_MAGNITUDE, ElasticField

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from cephsure.datasets import AnnotatedFilm
    from cephsure.films import Film
    from cephsure.studies.cases import PointTable
    from cephsure.studies.study import Study, StudyModel

MAGNITUDES: tuple[float, ...] = tuple(np.linspace(0.0, MAX_MAGNITUDE, 40).tolist())
"""As in the reference: 40 steps from none to the strongest."""


@dataclass(frozen=True, slots=True)
class Distorted:
    """F films at M magnitudes.

    Attributes:
        test: what texts call the set that the films are of: "Test1".
        items: the films.
        magnitudes: (M,).
        fields: each film's random field.
        given_px: by annotation, (F, L, 2) the points as marked, NaN where nobody did.
        truths_px: by annotation, (F, M, L, 2) the points moved with the film; NaN where nobody marked one or
            where it has no place on the distorted film.
        tables: by the model's label, F times M rows: every magnitude of the first film, then of the next.
    """

    test: str
    items: tuple[AnnotatedFilm, ...]
    magnitudes: NDArray[np.float64]
    fields: tuple[ElasticField, ...]
    given_px: dict[str, NDArray[np.float64]]
    truths_px: dict[str, NDArray[np.float64]]
    tables: dict[str, PointTable]

    def errors_mm(self, model: StudyModel, truth: str) -> NDArray[np.float64]:
        """(F, M, L) radial errors of a model against the moved truth, mm."""
        truth_px = self.truths_px[truth]
        return self.by_film(self.tables[model.label].errors_mm(truth_px.reshape(-1, *truth_px.shape[2:])))

    def by_film(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """(F, M, L) of a table's (F * M, L) values."""
        return values.reshape(len(self.items), len(self.magnitudes), -1)


def distorted_films(study: Study, magnitudes: Sequence[float] | None = None) -> Distorted:
    """Distort films spread over the split and predict them.

    Args:
        study: models, data, seed and the number of films.
        magnitudes: of the distortion; by default ``MAGNITUDES``.

    Returns:
        Predictions and moved truths.

    Raises:
        InputError: a film cannot be read or has no scale, or a prediction is neither stored nor can be made.
    """
    strengths = MAGNITUDES if magnitudes is None else magnitudes
    items = spread_over(films_of_split(study.dataset, study.split), study.shift_films)
    by_id = {item.film_id: item for item in items}

    @lru_cache(maxsize=1)
    def read(film_id: str) -> Film:
        # A film's magnitudes follow each other: it is read once for all of them.
        return film_of(by_id[film_id])

    fields = tuple(ElasticField.of_film(read(i.film_id), seed=study.seed, film_id=i.film_id) for i in items)
    cases = [
        Case(item.film_id, condition(strength), partial(_distorted, read, item.film_id, field, strength))
        for item, field in zip(items, fields, strict=True)
        for strength in strengths
    ]
    truths = sorted({truth_for(model, study.dataset) for model in study.models})
    given = {truth: truths_px(items, truth) for truth in truths}
    moved = {truth: _moved(points, fields, strengths) for truth, points in given.items()}
    tables = predict_cases(study, "distortion", cases)
    strengths_array = np.array(strengths, dtype=np.float64)
    return Distorted(study.test_name, tuple(items), strengths_array, fields, given, moved, tables)


def condition(magnitude: float) -> str:
    """How a case's condition is written."""
    return f"{magnitude:.6g}"


def _distorted(read: Callable[[str], Film], film_id: str, field: ElasticField, magnitude: float) -> Film:
    return field.distort(read(film_id), magnitude)


def _moved(
    points_px: NDArray[np.float64], fields: Sequence[ElasticField], magnitudes: Sequence[float]
) -> NDArray[np.float64]:
    """(F, M, L, 2) points (F, L, 2) of the films moved by their fields."""
    return np.stack(
        [
            np.stack([field.move(points, magnitude) for magnitude in magnitudes])
            for points, field in zip(points_px, fields, strict=True)
        ]
    )

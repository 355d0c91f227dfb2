"""The test films as they are, predicted by every model: what most experiments start from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cephsure.datasets.splits import ALL, CLEAN_ENDING
from cephsure.errors import InputError
from cephsure.evaluation import radial_errors
from cephsure.studies.cases import MEAN, films_of_split, plain_cases, scales_of, truth_names, truths_px
from cephsure.studies.predictions import predict_cases

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.datasets import AnnotatedFilm, Dataset
    from cephsure.studies.cases import PointTable
    from cephsure.studies.study import Study, StudyModel

OFFICIAL = "official"
CLEAN = "clean"
WITHOUT = 16
"""Soft tissue pogonion: the two annotators of ISBI 2015 differ on it by a systematic 6 to 9 mm."""

OTHER_SITE = "other-site"
"""Names the predictions of another site's films."""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """N films that the models were not trained on, and what they found there.

    Attributes:
        test: what texts call these films: "Test1".
        tables: by the model's label, a row a film.
        mm_per_px: (N, 2) the films' scale, NaN where unknown.
        groups: which films (N,): "official" all of them, "clean" without those that show a training film's
            exposure again; the latter only where the data set knows them.
    """

    test: str
    items: tuple[AnnotatedFilm, ...]
    tables: dict[str, PointTable]
    mm_per_px: NDArray[np.float64]
    groups: dict[str, NDArray[np.bool_]]

    @property
    def cleanest(self) -> str:
        """The name of the strictest group there is."""
        return list(self.groups)[-1]

    @property
    def sizes(self) -> dict[str, int]:
        """How many films each group holds."""
        return {name: int(chosen.sum()) for name, chosen in self.groups.items()}

    def errors_mm(self, model: StudyModel, truth: str) -> NDArray[np.float64]:
        """(N, L) radial errors of a model against one annotator or the mean, mm."""
        return self.tables[model.label].errors_mm(truths_px(self.items, truth))

    def distances_mm(self, first: str, second: str) -> NDArray[np.float64]:
        """(N, L) distances between the points of two annotators, mm."""
        points = (truths_px(self.items, name) for name in (second, first))
        return radial_errors(*points, mm_per_px=self.mm_per_px)


def held_out(study: Study) -> HeldOut:
    """Predict the plain test films with every model.

    Raises:
        InputError: no film has a scale (every error is in mm), or a film cannot be predicted.
    """
    items = films_of_split(study.dataset, study.split)
    tables = predict_cases(study, study.split, plain_cases(items))
    mm_per_px = next(iter(tables.values())).mm_per_px
    if not np.isfinite(mm_per_px).any():
        raise InputError(
            f"the films of {study.dataset.name} have no scale, and the experiments are in mm",
            remedy="give a data set that states its scale",
        )
    groups = {OFFICIAL: np.ones(len(items), dtype=bool)}
    if study.split != ALL and any(film.group is not None for film in items):
        clean = {film.film_id for film in films_of_split(study.dataset, f"{study.split}{CLEAN_ENDING}")}
        groups[CLEAN] = np.array([item.film_id in clean for item in items], dtype=bool)
    return HeldOut(study.test_name, tuple(items), tables, mm_per_px, groups)


def predict_away(study: Study, away: Dataset) -> dict[str, PointTable]:
    """What each model finds in the plain films of another site, by its label."""
    return predict_cases(study, OTHER_SITE, plain_cases(away.films), source=scales_of(away.films))


def truth_for(model: StudyModel, dataset: Dataset) -> str:
    """The annotation that a model was trained on, where the data set has it; else the mean of all."""
    return model.truth if model.truth in truth_names(dataset) else MEAN

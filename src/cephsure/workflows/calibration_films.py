"""Calibration films: which of a data set a bundle has not seen, and what it finds on them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from cephsure.datasets import Dataset, KnownFilms, data_sha256, group_folds, select
from cephsure.datasets import truth as truth_of
from cephsure.errors import FilmError, InputError
from cephsure.training.material import LEAST_POINTS
from cephsure.uncertainty.calibration.data import CalibrationData, CalibrationSource, calibration_data
from cephsure.uncertainty.gate import HeadModel, film_signs
from cephsure.uncertainty.plausibility import check_plausible
from cephsure.uncertainty.shape_model import ShapeModel
from cephsure.workflows.assess import Found, assess_films, true_points
from cephsure.workflows.batch import HERE, MEAN, TRAIN, Workplace

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from cephsure.bundles.bundle import Provenance
    from cephsure.datasets import AnnotatedFilm
    from cephsure.films import Film
    from cephsure.model import Model
    from cephsure.workflows.assess import AssessedFilm, AssessedFilms

_SHAPE_FOLDS, _FEWEST_SHAPES = 3, 20
SAME_AS_TRAINING = "the same exposure or patient as a training film"


@dataclass(frozen=True, slots=True)
class NotTrainedOn:
    """The films of a split that may calibrate a bundle, and reason -> names of those left out.

    ``checked`` says in words how it is known which films were trained on.
    """

    dataset: Dataset
    left_out: dict[str, tuple[str, ...]]
    checked: str


def not_trained_on(
    whole: Dataset, split: str, provenance: Provenance, known: KnownFilms | None = None
) -> NotTrainedOn:
    """Choose a split's films that a bundle was not trained on.

    Films of the training split itself are refused; films whose group (the same exposure, the same patient)
    also holds a training film are left out.

    Raises:
        InputError: the split holds films that the bundle was trained on, or nothing is left; no such split.
    """
    chosen = select(whole, split)
    training, checked = _training_films(whole, provenance, known or KnownFilms())
    trained_on = [film.film_id for film in chosen.films if film.film_id in training]
    if trained_on:
        raise InputError(
            f"{len(trained_on)} of the {len(chosen.films)} films of split {split!r} were trained on "
            f"({trained_on[0]}, ...)",
            remedy="calibrate on films that were not",
        )
    groups = {film.group for film in whole.films if film.film_id in training and film.group is not None}
    same = tuple(film.film_id for film in chosen.films if film.group in groups)
    films = tuple(film for film in chosen.films if film.group not in groups)
    if not films:
        raise InputError(f"split {split!r} has no film that is not {SAME_AS_TRAINING}")
    return NotTrainedOn(replace(chosen, films=films), {SAME_AS_TRAINING: same} if same else {}, checked)


def _training_films(whole: Dataset, provenance: Provenance, known: KnownFilms) -> tuple[set[str], str]:
    """Names of the data set's films that the bundle was trained on, and how that is known."""
    split, truth = provenance.split, provenance.truth
    try:
        films = [film for film in select(whole, split).films if _points(film, truth) >= LEAST_POINTS]
    except InputError:
        films = []
    if films and _sha256(films, truth, known) == provenance.data_sha256:
        return {film.film_id for film in films}, f"the bundle was trained on its split {split!r} (same hash)"
    if whole.name == provenance.data:
        # A changed or incomplete copy of the training data: by the split, which at worst is too strict.
        return {film.film_id for film in films}, (
            f"the bundle was trained on a data set of this name, split {split!r}, with other content: its "
            "films are told by that split"
        )
    return set(), f"the bundle was trained on other data ({provenance.data})"


def _sha256(films: Sequence[AnnotatedFilm], truth: str, known: KnownFilms) -> str | None:
    """The films' hash; None where one of them cannot be read: then they are not the ones trained on."""
    try:
        return data_sha256(films, truth, known)
    except FilmError:
        return None


def _points(film: AnnotatedFilm, truth: str) -> int:
    """Points that the truth gives, 0 where there is no such annotator."""
    try:
        return int(np.isfinite(truth_of(film, truth)).all(axis=1).sum())
    except InputError:
        return 0


@dataclass(frozen=True, slots=True)
class Heads:
    """What heads look like, from films (in words) that the gate does not use otherwise.

    ``apart`` names the calibration films among these.
    """

    head: HeadModel
    source: str
    apart: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Collected:
    """Predicted films with their truth, in the data's order, and film -> why it could not be used.

    A calibration is fitted on ``data``; ``heads`` are what the films' signs were taken with, or why there are
    none, in words.
    """

    data: CalibrationData
    films: tuple[AssessedFilm, ...]
    heads: Heads | str
    errors: dict[Path, Exception]


def collect(
    model: Model,
    dataset: Dataset,
    whole: Dataset,
    at: Workplace = HERE,
    *,
    split: str,
    truth: str = MEAN,
    seed: int = 0,
    known: KnownFilms | None = None,
) -> Collected:
    """Predict films with their heat maps and take their signs for the gate; each file is opened once.

    The shape of heads comes from the true points of the data set's training films, which the calibration
    films have no part in. Where there are fewer than twenty, a third of the calibration films gives the
    shape.

    Args:
        model: a calibration it may have already is not used.
        dataset: films that it was not trained on.
        whole: the data set with all its films.
        split: what to call the films.
        seed: of MC-Dropout's masks, and of the parting where the films are parted.
        known: films that need not be opened; takes those that are opened here.

    Raises:
        InputError: no film can be used, or none has a scale.
    """
    known = known or KnownFilms()
    heads, parts = _Looking(model, dataset, whole, truth, seed, known, at).see_all()
    place = {film.film_id: number for number, film in enumerate(dataset.films)}
    films = sorted((film for part in parts for film in part.films), key=lambda film: place[film.film_id])
    source = calibration_source(model, dataset, films, split=split, truth=truth, seed=seed)
    errors = {path: error for part in parts for path, error in part.errors.items()}
    return Collected(data_of(films, source), tuple(films), heads, errors)


def data_of(films: Sequence[AssessedFilm], source: CalibrationSource) -> CalibrationData:
    """Films as calibration data; `InputError` if none has a scale, or the points are of other films."""
    maps = [film.found.maps for film in films if film.found.maps is not None]
    data = calibration_data(
        [film.prediction for film in films],
        np.stack([film.truth_px for film in films]),
        film_ids=[film.film_id for film in films],
        groups=[film.annotated.group for film in films],
        source=source,
        maps=maps if len(maps) == len(films) else None,
    )
    check_plausible(data, [mark.code for mark in films[0].prediction.landmarks])
    return data


def calibration_source(
    model: Model, dataset: Dataset, films: Sequence[AssessedFilm], *, split: str, truth: str, seed: int
) -> CalibrationSource:
    """Where calibration data come from; the model is named as it was before any calibration."""
    known = KnownFilms()
    for film in films:
        known.keep(film.annotated, film.facts)
    return CalibrationSource(
        dataset=dataset.name,
        data_sha256=data_sha256([film.annotated for film in films], truth, known),
        split=split,
        truth=truth,
        model=model.name,
        model_kind=model.kind,
        model_sha256=model.networks_sha256,
        samples=model.default_samples,
        seed=seed,
    )


@dataclass(frozen=True, slots=True)
class _Looking:
    """Looks at calibration films, with the shape of heads from films that the gate does not use otherwise."""

    model: Model
    dataset: Dataset
    whole: Dataset
    truth: str
    seed: int
    known: KnownFilms
    at: Workplace

    def see_all(self) -> tuple[Heads | str, list[AssessedFilms]]:
        """The heads, or why there are none; and the films, in one part or two."""
        heads, films = self._training_heads(), self.dataset.films
        if heads is not None:
            return heads, [self._see(films, heads)]
        marked = [film for film in films if true_points(film, self.truth) is not None]
        try:
            apart = [marked[i] for i in group_folds(marked, _SHAPE_FOLDS, seed=self.seed)[0]]
        except InputError as error:
            return error.what, [self._see(films, None)]
        names = frozenset(film.film_id for film in apart)
        first = self._see(apart, None)
        points = self._points_mm([film.annotated for film in first.films])
        source = f"{len(points)} films of {self.whole.name} that the gate does not use otherwise"
        others = [film for film in films if film.film_id not in names]
        try:
            heads = Heads(self._head(points), source, names)
        except InputError as error:
            return error.what, [first, self._see(others, None)]
        return heads, [first, self._see(others, heads)]

    def _see(self, films: Sequence[AnnotatedFilm], heads: Heads | None) -> AssessedFilms:
        find = partial(_see_film, self.model, self.seed, None if heads is None else heads.head)
        chosen = replace(self.dataset, films=tuple(films))
        seen = assess_films(find, self.model, chosen, self.at, truth=self.truth)
        for film in seen.films:
            self.known.keep(film.annotated, film.facts)
        return seen

    def _training_heads(self) -> Heads | None:
        """Heads of training films that the calibration films have no part in; None where they are too few."""
        names = {film.film_id for film in self.dataset.films}
        groups = {film.group for film in self.dataset.films if film.group is not None}
        others = [film for film in self.whole.films if film.split == TRAIN and film.film_id not in names]
        points = self._points_mm([film for film in others if film.group not in groups])
        if len(points) < _FEWEST_SHAPES:
            return None
        return Heads(self._head(points), f"{len(points)} training films of {self.whole.name}")

    def _head(self, points: NDArray[np.float64]) -> HeadModel:
        bilateral = tuple(mark.side == "bilateral" for mark in self.whole.landmark_set.landmarks)
        return HeadModel(ShapeModel.fit(points), bilateral, self.model.reference.features)

    def _points_mm(self, films: Sequence[AnnotatedFilm]) -> NDArray[np.float64]:
        """(F, L, 2) true points of the films that have a scale and all points, in mm."""
        points = []
        for film in films:
            found = truth_of(film, self.truth)
            try:
                spacing = self.known.facts(film).spacing if np.isfinite(found).all() else None
            except FilmError:
                continue
            if spacing is not None:
                points.append(found * np.array((spacing.x_mm_per_px, spacing.y_mm_per_px)))
        return np.stack(points) if points else np.empty((0, 0, 2))


def _see_film(model: Model, seed: int, head: HeadModel | None, film: Film) -> Found:
    """Predict a film, without calibration but with heat maps, and look at it as the gate does."""
    prediction, maps = model.predict_with_maps(film, seed=seed)
    return Found(prediction, maps, None if head is None else film_signs(prediction, film, head=head))

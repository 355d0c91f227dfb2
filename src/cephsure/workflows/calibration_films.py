"""Calibration films: which a bundle has not seen, what it finds on them, and who marked them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from cephsure.datasets import Dataset, KnownFilms, annotators, data_sha256, group_folds, select
from cephsure.datasets import truth as truth_of
from cephsure.datasets.observers import OBSERVED_LANDMARKS, observers_of
from cephsure.errors import FilmError, InputError
from cephsure.uncertainty.calibration.data import CalibrationData, CalibrationSource, calibration_data
from cephsure.uncertainty.calibration.fitting import ReadFilms
from cephsure.uncertainty.gate import HeadModel, film_signs
from cephsure.uncertainty.plausibility import check_plausible
from cephsure.uncertainty.reference import FeatureModel
from cephsure.uncertainty.shape_model import ShapeModel
from cephsure.workflows.assess import Found, assess_films, true_points
from cephsure.workflows.batch import HERE, MEAN, TRAIN, Workplace
from cephsure.workflows.training_films import training_films

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from cephsure.bundles.bundle import Bundle
    from cephsure.datasets import AnnotatedFilm
    from cephsure.films import Film
    from cephsure.model import Model
    from cephsure.workflows.assess import AssessedFilm, AssessedFilms
    from cephsure.workflows.networks import Networks

_SHAPE_FOLDS, _FEWEST_SHAPES, _HEAD_FOLDS = 3, 20, 5
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
    whole: Dataset, split: str, bundle: Bundle, known: KnownFilms | None = None
) -> NotTrainedOn:
    """Choose a split's films that a bundle was not trained on.

    Films of the training split itself are refused; films whose group (the same exposure, the same patient)
    also holds a training film are left out.

    Raises:
        InputError: the split holds films that the bundle was trained on, or nothing is left; no such split.
    """
    chosen = select(whole, split)
    training = training_films(whole, bundle, known)
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
    checked = f"the bundle was trained on other data ({bundle.provenance.data})"
    if training:
        checked = f"the bundle was trained on {len(training)} films of this data set, none of these"
    return NotTrainedOn(replace(chosen, films=films), {SAME_AS_TRAINING: same} if same else {}, checked)


def out_of_fold(chosen: Dataset, networks: Networks) -> NotTrainedOn:
    """Choose the films that some network has not been trained on, of films that the model was.

    Raises:
        InputError: each film was trained on by every network.
    """
    films = tuple(film for film in chosen.films if networks.unseen(film.film_id) is not None)
    if not films:
        raise InputError(
            f"all {len(chosen.films)} films were trained on by every network",
            remedy="calibrate on films that were not, or name the bundles of the other folds",
        )
    kept = {film.film_id for film in films}
    left_out = tuple(film.film_id for film in chosen.films if film.film_id not in kept)
    reason = "no network knows it as left out of its training"
    checked = f"trained on {len(films)} of these films: each is predicted by networks that have not seen it"
    return NotTrainedOn(replace(chosen, films=films), {reason: left_out} if left_out else {}, checked)


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
    networks: Networks,
    dataset: Dataset,
    whole: Dataset,
    at: Workplace = HERE,
    *,
    split: str,
    truth: str = MEAN,
    seed: int = 0,
    known: KnownFilms | None = None,
    heads: Heads | str | None = None,
) -> Collected:
    """Predict films with their heat maps and take their signs for the gate; each file is opened once.

    The shape of heads comes from true points of films that a film's signs have no part in: of the data set's
    training films; where the calibration films are these themselves, of the other folds'; and where there are
    fewer than twenty, of a third of the calibration films.

    Args:
        networks: a calibration they may have already is not used.
        dataset: films that they were not trained on.
        whole: the data set with all its films.
        split: what to call the films.
        seed: of MC-Dropout's masks, and of the parting where the films are parted.
        known: films that need not be opened; takes those that are opened here.
        heads: what other films' heads look like, or why that is not known; None finds it out here.

    Raises:
        InputError: no film can be used, or none has a scale.
    """
    known = known or KnownFilms()
    heads, parts = _Looking(networks, dataset, whole, truth, seed, known, at).see_all(heads)
    place = {film.film_id: number for number, film in enumerate(dataset.films)}
    films = sorted((film for part in parts for film in part.films), key=lambda film: place[film.film_id])
    source = calibration_source(networks.model, dataset, films, split=split, truth=truth, seed=seed)
    errors = {path: error for part in parts for path, error in part.errors.items()}
    return Collected(data_of(films, source), tuple(films), heads, errors)


def data_of(films: Sequence[AssessedFilm], source: CalibrationSource) -> CalibrationData:
    """Films as calibration data; `InputError` if none has a scale, or the points are of other films."""
    maps = [film.found.maps for film in films if film.found.maps is not None]
    marks = [film.found.marks_px for film in films if film.found.marks_px is not None]
    data = calibration_data(
        [film.prediction for film in films],
        np.stack([film.truth_px for film in films]),
        film_ids=[film.film_id for film in films],
        groups=[film.annotated.group for film in films],
        source=source,
        marks_px=marks if len(marks) == len(films) else None,
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

    networks: Networks
    dataset: Dataset
    whole: Dataset
    truth: str
    seed: int
    known: KnownFilms
    at: Workplace

    def see_all(self, given: Heads | str | None = None) -> tuple[Heads | str, list[AssessedFilms]]:
        """The heads, or why there are none; and the films, in one part or more."""
        if given is not None:
            return given, [self._see(self.dataset.films, None if isinstance(given, str) else given)]
        heads, films = self._training_heads(), self.dataset.films
        if heads is None and self.networks.folds:
            return self._see_folds()
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

    def _see_folds(self) -> tuple[Heads | str, list[AssessedFilms]]:
        """Each fold's films with the shape of the others' heads; and the shape of all."""
        films = self.dataset.films
        try:
            folds = group_folds(films, _HEAD_FOLDS, seed=self.seed)
            others = ([film for i, film in enumerate(films) if i not in fold] for fold in folds)
            heads = [self._head(self._points_mm(rest)) for rest in others]
            points = self._points_mm(films)
            head = self._head(points)
        except InputError as error:
            return error.what, [self._see(films, None)]
        seen = [
            self._see([films[i] for i in fold], Heads(own, ""))
            for fold, own in zip(folds, heads, strict=True)
        ]
        seen, features = beside_own_features(seen, self.networks)
        source = f"{len(points)} films of {self.whole.name}, cross-fitted"
        return Heads(replace(head, features=features), source), seen

    def _see(self, films: Sequence[AnnotatedFilm], heads: Heads | None) -> AssessedFilms:
        find = partial(_see_film, self.networks, self.seed, None if heads is None else heads.head)
        chosen = replace(self.dataset, films=tuple(films))
        seen = assess_films(find, self.networks.model, chosen, self.at, truth=self.truth)
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
        return HeadModel(ShapeModel.fit(points), bilateral, self.networks.model.reference.features)

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


def _see_film(networks: Networks, seed: int, head: HeadModel | None, film: Film) -> Found:
    """Predict a film, without calibration but with heat maps, and look at it as the gate does."""
    raw = networks.of(film).predict_raw(film, seed=seed)
    signs = None if head is None else film_signs(*raw.as_seen(film), head=head)
    vectors = [model.features(film) for model, _ in networks.parts()] if head is not None else []
    features = tuple(vector for vector in vectors if vector is not None)
    return Found(raw.prediction, raw.maps, signs, raw.marks_px.mean(axis=0), features)


def beside_own_features(
    seen: Sequence[AssessedFilms], networks: Networks
) -> tuple[list[AssessedFilms], FeatureModel | None]:
    """Out-of-fold films whose features are told beside those of films that the same network was trained on.

    Also the model of features of the first network's own training films, by which later films are told.
    """
    features = {
        film.film_id: film.found.features for part in seen for film in part.films if film.found.features
    }
    models: dict[str, FeatureModel] = {}
    first = None
    for place, (_, names) in enumerate(networks.parts()):
        trained = [vectors[place] for name, vectors in features.items() if name not in names]
        try:
            model = FeatureModel.fit(np.stack(trained))
        except (InputError, ValueError):
            return list(seen), networks.model.reference.features
        first = first or model
        models |= dict.fromkeys(names, model)

    def beside(film: AssessedFilm) -> AssessedFilm:
        signs = film.found.signs
        if signs is None or film.film_id not in models:
            return film
        return replace(film, found=replace(film.found, signs=signs.beside(models[film.film_id])))

    parts = [replace(part, films=tuple(map(beside, part.films))) for part in seen]
    return parts, first


def read_films(collected: Collected, dataset: Dataset, *, truth: str = MEAN) -> tuple[ReadFilms, ...]:
    """Whom the films tell of: each annotator on each split, and further observers of the same films.

    If the truth is one annotator, this one alone.
    """
    films, data = collected.films, collected.data
    names = annotators(dataset.films) if truth == MEAN else (truth,)
    splits = dict.fromkeys(film.annotated.split for film in films)
    found = []
    for split in splits:
        places = [i for i, film in enumerate(films) if film.annotated.split == split]
        for name in names:
            points = np.stack([films[i].truth_by(name) for i in places])
            marked_by = data.take(places).read_by(points)
            label = name if split is None or len(splits) == 1 else f"{name}, {split}"
            found.append(ReadFilms(label, f"{dataset.name}: {name}", _marked(marked_by), name))
    columns = [number - 1 for number in OBSERVED_LANDMARKS]
    for name, marks in observers_of(dataset).items() if truth == MEAN else ():
        places = [i for i, film in enumerate(films) if film.film_id in marks]
        points = np.full((len(places), len(data.numbers), 2), np.nan)
        if places:
            points[:, columns] = np.stack([marks[films[i].film_id] for i in places])
            found.append(
                ReadFilms(name, f"{dataset.name}: {name}", _marked(data.take(places).read_by(points)))
            )
    return tuple(reader for reader in found if len(reader.data.film_ids))


def means_of(collected: Collected, dataset: Dataset) -> tuple[ReadFilms, ...]:
    """The films beside the mean of two annotators or more, where all of them marked the point."""
    names = annotators(dataset.films)
    if len(names) < 2:
        return ()
    marks = [[film.truth_by(name) for name in names] for film in collected.films]
    data = _marked(collected.data.read_by(np.mean(marks, axis=1)))
    return (ReadFilms(MEAN, MEAN, data, MEAN),) if len(data.film_ids) else ()


def _marked(data: CalibrationData) -> CalibrationData:
    """The films on which a point is marked."""
    return data.take(np.flatnonzero(np.isfinite(data.radial_mm).any(axis=1)))

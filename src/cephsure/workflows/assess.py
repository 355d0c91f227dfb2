"""Evaluate a model on annotated films: predict each film, set the points beside the truth."""

from __future__ import annotations

import csv
import io
import logging
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from cephsure.atomic import write_atomically
from cephsure.datasets import annotators, film_of, select
from cephsure.datasets import truth as truth_of
from cephsure.errors import FilmError, InputError
from cephsure.evaluation import About, LeftOut, radial_errors
from cephsure.evaluation import evaluate as evaluate_points
from cephsure.evaluation.evaluate import NO_POINT
from cephsure.exports.output_files import readable_json
from cephsure.films import Film, FilmFacts
from cephsure.uncertainty import MEASURES, Prediction
from cephsure.workflows.batch import (
    DEFAULT_MODEL,
    MEAN,
    TRAIN,
    AnnotatedData,
    Batch,
    OnProgress,
    Progress,
    as_model,
    each_film,
    films_executor,
    silent,
    usual_split,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor
    from pathlib import Path

    from numpy.typing import NDArray

    from cephsure.datasets import AnnotatedFilm, Dataset
    from cephsure.evaluation import Evaluation
    from cephsure.inference.samples import HeatMaps
    from cephsure.inference.session import Device
    from cephsure.landmarks import LandmarkSet
    from cephsure.model import Model
    from cephsure.uncertainty.gate import FilmSigns

logger = logging.getLogger(__name__)

NOT_WELL_DEFINED = {"isbi-19": (16,)}
"""Landmarks without which figures are given too: soft tissue pogonion, where the annotators of the ISBI 2015
films differ by a systematic 6 to 9 mm, decides a good part of any figure that includes it."""


class Predictor(Protocol):
    """What assessing asks of a model; `cephsure.model.Model` is one."""

    @property
    def landmark_set(self) -> LandmarkSet:
        """The landmarks it predicts."""

    def predict(self, film: Film, *, samples: int | None = None, seed: int = 0) -> Prediction:
        """Predict one film."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a model finds on a film: the prediction and, where wanted, heat maps and the gate's signs."""

    prediction: Prediction
    maps: HeatMaps | None = None
    signs: FilmSigns | None = None


@dataclass(frozen=True, slots=True)
class AssessedFilm:
    """One film: what was found and what is true.

    Attributes:
        annotated: the film in its data set.
        found: what the model found.
        truth_px: (L, 2) true points, NaN where there is none.
        facts: scale and checksum of the film's file.
    """

    annotated: AnnotatedFilm
    found: Found
    truth_px: NDArray[np.float64]
    facts: FilmFacts

    @property
    def film_id(self) -> str:
        """Its name in the data set."""
        return self.annotated.film_id

    @property
    def prediction(self) -> Prediction:
        """What the model found."""
        return self.found.prediction

    @property
    def errors_px(self) -> NDArray[np.float64]:
        """(L,) radial errors in px, NaN where there is no truth."""
        errors: NDArray[np.float64] = radial_errors(self.prediction.points_px[None], self.truth_px[None])[0]
        return errors

    @property
    def errors_mm(self) -> NDArray[np.float64] | None:
        """(L,) the same in mm, or None without a scale."""
        scale = self.prediction.film.mm_per_px
        if scale is None:
            return None
        points, true = self.prediction.points_px[None], self.truth_px[None]
        errors: NDArray[np.float64] = radial_errors(points, true, mm_per_px=[scale])[0]
        return errors


@dataclass(frozen=True, slots=True)
class AssessedFilms:
    """The films that could be used, in the data set's order, and the others.

    Attributes:
        films: the films.
        left_out: reason -> names of those that have no true point or could not be used.
        errors: film -> why it could not be used.
    """

    films: tuple[AssessedFilm, ...]
    left_out: dict[str, list[str]]
    errors: dict[Path, Exception]


@dataclass(frozen=True, slots=True)
class Assessment:
    """The evaluation, the films it comes from, and the errors of those that could not be used."""

    evaluation: Evaluation
    films: tuple[AssessedFilm, ...]
    errors: dict[Path, Exception]

    def csv(self) -> str:
        """One line a film and landmark: truth, prediction, error and measures; empty where there is none."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        measures = list(self.films[0].prediction.landmarks[0].measures.model_dump())
        points = ["truth_x_px", "truth_y_px", "x_px", "y_px", "error_px", "error_mm"]
        writer.writerow(["film", "number", "code", *points, *measures])
        for film in self.films:
            errors_px, errors_mm = film.errors_px, film.errors_mm
            for index, mark in enumerate(film.prediction.landmarks):
                error_mm = None if errors_mm is None else errors_mm[index]
                numbers = [*film.truth_px[index], mark.x_px, mark.y_px, errors_px[index], error_mm]
                numbers += mark.measures.model_dump().values()
                writer.writerow([film.film_id, mark.number, mark.code, *map(_cell, numbers)])
        return text.getvalue()


def evaluate(
    data: AnnotatedData | Path | str,
    model: Model | str | Path = DEFAULT_MODEL,
    *,
    samples: int | None = None,
    seed: int = 0,
    mirrored: bool = False,
    inverted: bool = False,
    json_file: Path | None = None,
    csv_file: Path | None = None,
    device: Device = "cpu",
    executor: Executor | None = None,
    on_progress: OnProgress = silent,
) -> Assessment:
    """Evaluate a model on annotated films and write the figures, as ``cephsure evaluate`` does.

    Args:
        data: annotated films; test1 where there is one, else all, unless a split is named.
        model: a loaded model, a shipped one's name or a bundle's folder.
        samples: members or stochastic passes; None for the model's own number.
        seed: of the stochastic passes.
        mirrored: evaluate on the films' mirror images instead, left and right exchanged.
        inverted: evaluate on the films' negatives instead.
        json_file: where all figures go.
        csv_file: where a line for each film and landmark goes.
        device: where a model that is not loaded yet is computed; "auto" is a GPU where there is one.
        executor: does the films side by side, in processes or threads.
        on_progress: told after each film.

    Returns:
        The evaluation and what it comes from.

    Raises:
        InputError: as ``assess``; the data set or a file cannot be used.
    """
    loaded = as_model(
        model, device, on_progress
    ).uncalibrated()  # regions and verdicts are not evaluated here
    data = AnnotatedData.of(data)
    dataset, split = choose_films(data.open(loaded.landmark_set), data, on_progress=on_progress)
    assessment = assess(
        loaded,
        dataset,
        truth=data.truth,
        split=split,
        samples=samples,
        seed=seed,
        mirrored=mirrored,
        inverted=inverted,
        executor=films_executor(loaded, executor),
        on_progress=on_progress,
    )
    if json_file is not None:
        write_atomically(json_file, readable_json(assessment.evaluation.document()).encode("utf-8"))
    if csv_file is not None:
        write_atomically(csv_file, assessment.csv().encode("utf-8"))
    return assessment


def choose_films(
    dataset: Dataset, data: AnnotatedData, *, on_progress: OnProgress = silent
) -> tuple[Dataset, str]:
    """The films of a data set to evaluate, and what to call the choice.

    Args:
        dataset: its films.
        data: the split, by default test1 where there is one, else all; and how many films.
        on_progress: told if films are among these that models are trained on.

    Returns:
        The data set with these films only, and the choice in words.

    Raises:
        InputError: there is no such split.
    """
    split = data.split or usual_split(dataset)
    dataset = select(dataset, split)
    if any(film.split == TRAIN for film in dataset.films):
        remark = f"films of the split {TRAIN!r} are among these: a model trained on them looks too good"
        on_progress(Progress(remark=remark))
    if data.limit is not None and data.limit < len(dataset.films):
        return replace(dataset, films=dataset.films[: data.limit]), f"{split}, first {data.limit}"
    return dataset, split


def assess(
    model: Predictor,
    dataset: Dataset,
    *,
    truth: str = MEAN,
    split: str | None = None,
    samples: int | None = None,
    seed: int = 0,
    mirrored: bool = False,
    inverted: bool = False,
    n_resamples: int = 1000,
    executor: Executor | None = None,
    on_progress: OnProgress = silent,
) -> Assessment:
    """Evaluate a model on all films of a data set; ``split`` is what they are called in the result.

    Other arguments, result and errors are those of ``evaluate``.
    """
    assessed = assess_films(
        _Predict(model, samples, seed),
        model,
        dataset,
        truth=truth,
        changed=_Changed(mirrored, inverted),
        executor=executor,
        on_progress=on_progress,
    )
    done, first = assessed.films, assessed.films[0].prediction.model
    predictions = [film.prediction for film in done]
    sources = [prediction.film.spacing_source for prediction in predictions]
    measures = [
        name
        for name, measure in MEASURES.items()
        if all(
            hasattr(prediction.landmarks[0].measures, measure.key(in_mm=False)) for prediction in predictions
        )
    ]
    evaluation = evaluate_points(
        [prediction.points_px for prediction in predictions],
        [film.truth_px for film in done],
        [prediction.film.mm_per_px or (np.nan, np.nan) for prediction in predictions],
        {name: [_measured(prediction, name) for prediction in predictions] for name in measures},
        {name: MEASURES[name].direction for name in measures},
        landmark_set=dataset.landmark_set,
        without=NOT_WELL_DEFINED.get(dataset.landmark_set.name, ()),
        left_out=[
            LeftOut(reason=why, films=len(names), names=tuple(names))
            for why, names in assessed.left_out.items()
        ],
        about=About(
            dataset=dataset.name,
            split=split,
            truth=truth,
            landmark_set=dataset.landmark_set.name,
            spacing_sources={source: sources.count(source) for source in dict.fromkeys(sources)},
            problems=dataset.problems,
            model=first.name,
            model_kind=first.kind,
            model_recipe=first.recipe,
            model_sha256=first.sha256,
            samples=first.samples,
            seed=first.seed,
            mirrored=mirrored,
            inverted=inverted,
        ),
        n_resamples=n_resamples,
    )
    return Assessment(evaluation, done, assessed.errors)


def assess_films(
    find: Callable[[Film], Found],
    model: Predictor,
    dataset: Dataset,
    *,
    truth: str,
    changed: _Changed | None = None,
    executor: Executor | None = None,
    on_progress: OnProgress = silent,
) -> AssessedFilms:
    """Predict each film that has true points, and set the points beside them; each file is opened once.

    A film that cannot be used is left out, counted and named; the others go on.

    Args:
        find: predicts a film; picklable for an executor of processes.
        model: what it predicts with.
        dataset: the films.
        truth: whose points are true.
        changed: mirror images or negatives of the films instead.
        executor: does the films side by side; None for one after the other, here.
        on_progress: told after each film, with the error if it cannot be used.

    Raises:
        InputError: the model or what is asked of it is at fault, not a film; its landmarks are not the data
            set's; nobody of that name annotated a film; no film can be used.
    """
    _check(model, dataset, truth)
    outcomes = each_film(
        _AssessFilm(find, truth, changed or _Changed()),
        dataset.films,
        path=lambda film: film.path,
        is_films_own=lambda error: isinstance(error, FilmError),
        executor=executor,
        on_progress=on_progress,
    )
    left_out = defaultdict(list)
    for film, outcome in zip(dataset.films, outcomes, strict=True):
        if isinstance(outcome.error, FilmError):
            logger.info("left out: %s", outcome.error)
            left_out[outcome.error.what].append(film.film_id)
        elif outcome.result is None:
            left_out[NO_POINT].append(film.film_id)
    done = Batch.of(outcomes)
    if not done.results:
        reasons = "; ".join(f"{len(names)} film(s): {why}" for why, names in left_out.items())
        raise InputError(f"no film of {dataset.name} can be evaluated: {reasons or 'it has none'}")
    return AssessedFilms(tuple(film for film in done.results if film is not None), left_out, done.errors)


def _check(model: Predictor, dataset: Dataset, truth: str) -> None:
    """Refuse a model of other landmarks, and a truth that nobody gave."""
    if model.landmark_set.codes != dataset.landmark_set.codes:
        raise InputError(
            f"the model predicts the landmarks of {model.landmark_set.name}, the data set {dataset.name} has "
            f"those of {dataset.landmark_set.name}",
            remedy="take a model that was trained on these landmarks",
        )
    known = (MEAN, *annotators(dataset.films))
    if truth not in known:
        raise InputError(
            f"there is no annotator {truth!r} in {dataset.name}", remedy=f"known: {', '.join(known)}"
        )


def true_points(annotated: AnnotatedFilm, which: str) -> NDArray[np.float64] | None:
    """(L, 2) the film's true points in px, NaN where missing; None if it has not one."""
    marked_by = {MEAN} if which == MEAN and annotated.annotations else set(annotated.annotations)
    points = truth_of(annotated, which) if which in marked_by else np.empty((0, 2))
    return points if np.isfinite(points).all(axis=1).any() else None


@dataclass(frozen=True, slots=True)
class _Changed:
    """Mirror images, negatives, or neither."""

    mirrored: bool = False
    inverted: bool = False

    def change(self, film: Film, points: NDArray[np.float64]) -> tuple[Film, NDArray[np.float64]]:
        """A film changed, and where its points then lie."""
        if self.mirrored:
            film = replace(film, pixels=np.ascontiguousarray(film.pixels[:, ::-1]))
            points = np.stack([film.width_px - 1 - points[:, 0], points[:, 1]], axis=1)
        if self.inverted:
            film = replace(film, pixels=np.float32(1) - film.pixels)
        return film, points


@dataclass(frozen=True, slots=True)
class _Predict:
    """Predicts a film."""

    model: Predictor
    samples: int | None
    seed: int

    def __call__(self, film: Film) -> Found:
        return Found(self.model.predict(film, samples=self.samples, seed=self.seed))


@dataclass(frozen=True, slots=True)
class _AssessFilm:
    """Reads and predicts a film; one without a true point need not be opened."""

    find: Callable[[Film], Found]
    truth: str
    changed: _Changed

    def __call__(self, annotated: AnnotatedFilm) -> AssessedFilm | None:
        points = true_points(annotated, self.truth)
        if points is None:
            return None
        read = film_of(annotated)
        film, points = self.changed.change(read, points)
        facts = FilmFacts(read.spacing, read.sha256 or "")
        return AssessedFilm(annotated, self.find(film), points, facts)


def _measured(prediction: Prediction, name: str) -> NDArray[np.float64]:
    """(L,) values of a measure; a length in mm on a film with a scale, as its errors are."""
    return prediction.measured(MEASURES[name].key(in_mm=prediction.film.mm_per_px is not None))


def _cell(value: float | None) -> str:
    """A number for CSV, short enough to read and exact enough to compute with; empty for none."""
    return "" if value is None or np.isnan(value) else f"{value:.6g}"

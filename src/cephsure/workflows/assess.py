"""Evaluate a model on annotated films: predict each film, set the points beside the truth."""

from __future__ import annotations

import csv
import io
import logging
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import numpy as np

from cephsure.atomic import write_atomically
from cephsure.datasets import annotators, film_of, select
from cephsure.datasets import truth as truth_of
from cephsure.errors import FilmError, InputError
from cephsure.evaluation import About, LeftOut, radial_errors
from cephsure.evaluation import evaluate as evaluate_points
from cephsure.evaluation.evaluate import NO_POINT
from cephsure.exports.output_files import readable_json
from cephsure.uncertainty import MEASURES
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
    silent,
    usual_split,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from concurrent.futures import Executor
    from pathlib import Path

    from numpy.typing import NDArray

    from cephsure.datasets import AnnotatedFilm, Dataset
    from cephsure.evaluation import Evaluation
    from cephsure.films import Film
    from cephsure.inference.session import Device
    from cephsure.landmarks import LandmarkSet
    from cephsure.model import Model
    from cephsure.uncertainty import Measure, Prediction

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

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
class AssessedFilm:
    """One film: what was found and what is true.

    Attributes:
        film_id: its name in the data set.
        prediction: what the model found.
        truth_px: (L, 2) true points, NaN where there is none.
        errors_px: (L,) radial errors in px, NaN where there is no truth.
        errors_mm: the same in mm, or None without a scale.
    """

    film_id: str
    prediction: Prediction
    truth_px: NDArray[np.float64]
    errors_px: NDArray[np.float64]
    errors_mm: NDArray[np.float64] | None


@dataclass(frozen=True, slots=True)
class Assessment:
    """The evaluation, the films it comes from, and the errors of those that could not be used."""

    evaluation: Evaluation
    films: tuple[AssessedFilm, ...]
    errors: Mapping[Path, Exception] = field(default_factory=dict)

    def csv(self) -> str:
        """One line a film and landmark: truth, prediction, error and measures; empty where there is none."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        measures = list(self.films[0].prediction.landmarks[0].measures.model_dump())
        points = ["truth_x_px", "truth_y_px", "x_px", "y_px", "error_px", "error_mm"]
        writer.writerow(["film", "number", "code", *points, *measures])
        for film in self.films:
            for index, landmark in enumerate(film.prediction.landmarks):
                error_mm = None if film.errors_mm is None else film.errors_mm[index]
                numbers = [
                    *film.truth_px[index],
                    landmark.x_px,
                    landmark.y_px,
                    film.errors_px[index],
                    error_mm,
                ]
                numbers += landmark.measures.model_dump().values()
                writer.writerow([film.film_id, landmark.number, landmark.code, *map(_cell, numbers)])
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
        executor=executor,
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
    """Evaluate a model on the films of a data set.

    A film that cannot be used is left out, counted and named; the others go on.

    Args:
        model: the model.
        dataset: its films are evaluated, all of them.
        truth: an annotator's name, or "mean" of those who marked the landmark.
        split: what the choice of films is called in the result.
        samples: members or stochastic passes; None for the model's own number.
        seed: of the stochastic passes.
        mirrored: evaluate on the films' mirror images instead, left and right exchanged.
        inverted: evaluate on the films' negatives instead.
        n_resamples: bootstrap resamples behind each interval.
        executor: does the films side by side, in processes or threads.
        on_progress: told after each film, with the error if it cannot be used.

    Returns:
        The evaluation and what it comes from.

    Raises:
        InputError: the model or what is asked of it is at fault, not a film; its landmarks are not the data
            set's; nobody of that name annotated a film; no film can be evaluated.
    """
    work = _AssessFilm(model, samples, seed, mirrored=mirrored, inverted=inverted)
    marked = marked_films(work, model, dataset, truth=truth, executor=executor, on_progress=on_progress)
    done = marked.results
    about = _about(done, dataset, truth=truth, split=split, mirrored=mirrored, inverted=inverted)
    left_out = [
        LeftOut(reason=why, films=len(names), names=tuple(names)) for why, names in marked.left_out.items()
    ]
    evaluation = _evaluate(done, dataset, about=about, left_out=left_out, n_resamples=n_resamples)
    return Assessment(evaluation, done, marked.errors)


@dataclass(frozen=True, slots=True)
class MarkedFilms(Generic[Result]):
    """What came of the films that have true points.

    Attributes:
        results: one a film that could be used, in the data set's order.
        films: these films.
        left_out: reason -> names of the others.
        errors: film -> why it could not be used.
    """

    results: tuple[Result, ...]
    films: tuple[AnnotatedFilm, ...]
    left_out: dict[str, list[str]]
    errors: dict[Path, Exception]


def marked_films(
    work: Callable[[AnnotatedFilm, NDArray[np.float64]], Result],
    model: Predictor,
    dataset: Dataset,
    *,
    truth: str,
    executor: Executor | None,
    on_progress: OnProgress,
) -> MarkedFilms[Result]:
    """Do something with each film of a data set that has true points.

    Args:
        work: is given a film and its true points (L, 2) in px, NaN where there is none; picklable for an
            executor of processes.
        model: what the work predicts with.
        dataset: the films.
        truth: whose points are true.
        executor: does the films side by side; None for one after the other, here.
        on_progress: told after each film, with the error if it cannot be used.

    Returns:
        What came of it.

    Raises:
        InputError: the model or what is asked of it is at fault; nobody of that name annotated a film; no
            film can be used.
    """
    _check(model, dataset, truth)
    outcomes = each_film(
        _OfMarked(work, truth),
        dataset.films,
        path=lambda film: film.path,
        is_films_own=lambda error: isinstance(error, FilmError),
        executor=executor,
        on_progress=on_progress,
    )
    results, films, left_out = [], [], defaultdict(list)
    for film, outcome in zip(dataset.films, outcomes, strict=True):
        if outcome.result is not None:
            results.append(outcome.result)
            films.append(film)
        elif isinstance(outcome.error, FilmError):
            logger.info("left out: %s", outcome.error)
            left_out[outcome.error.what].append(film.film_id)
        else:
            left_out[NO_POINT].append(film.film_id)
    if not results:
        reasons = "; ".join(f"{len(names)} film(s): {why}" for why, names in left_out.items())
        raise InputError(f"no film of {dataset.name} can be evaluated: {reasons or 'it has none'}")
    return MarkedFilms(tuple(results), tuple(films), dict(left_out), Batch.of(outcomes).errors)


@dataclass(frozen=True, slots=True)
class _OfMarked(Generic[Result]):
    """Passes over films without a true point: there is no need to open them."""

    work: Callable[[AnnotatedFilm, NDArray[np.float64]], Result]
    truth: str

    def __call__(self, annotated: AnnotatedFilm) -> Result | None:
        points = true_points(annotated, self.truth)
        return None if points is None else self.work(annotated, points)


@dataclass(frozen=True, slots=True)
class _AssessFilm:
    """Predicts a film and sets its points beside the truth."""

    model: Predictor
    samples: int | None
    seed: int
    mirrored: bool = False
    inverted: bool = False

    def __call__(self, annotated: AnnotatedFilm, points_px: NDArray[np.float64]) -> AssessedFilm:
        film, points_px = _changed(
            film_of(annotated), points_px, mirrored=self.mirrored, inverted=self.inverted
        )
        prediction = self.model.predict(film, samples=self.samples, seed=self.seed)
        return assessed(annotated.film_id, prediction, points_px)


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


def _changed(
    film: Film, points: NDArray[np.float64], *, mirrored: bool, inverted: bool
) -> tuple[Film, NDArray[np.float64]]:
    """The film's mirror image or negative, and where its points then lie."""
    if mirrored:
        film = replace(film, pixels=np.ascontiguousarray(film.pixels[:, ::-1]))
        points = np.stack([film.width_px - 1 - points[:, 0], points[:, 1]], axis=1)
    if inverted:
        film = replace(film, pixels=np.float32(1) - film.pixels)
    return film, points


def assessed(film_id: str, prediction: Prediction, truth_px: NDArray[np.float64]) -> AssessedFilm:
    """A prediction beside the true points (L, 2) of its film."""
    points = [[(one.x_px, one.y_px) for one in prediction.landmarks]]
    scale = prediction.film.mm_per_px
    errors_mm = None if scale is None else radial_errors(points, truth_px[None], mm_per_px=[scale])[0]
    return AssessedFilm(film_id, prediction, truth_px, radial_errors(points, truth_px[None])[0], errors_mm)


def _about(
    done: Sequence[AssessedFilm],
    dataset: Dataset,
    *,
    truth: str,
    split: str | None,
    mirrored: bool,
    inverted: bool,
) -> About:
    """What is evaluated against what."""
    model = done[0].prediction.model
    sources = [one.prediction.film.spacing_source for one in done]
    return About(
        dataset=dataset.name,
        split=split,
        truth=truth,
        landmark_set=dataset.landmark_set.name,
        spacing_sources={source: sources.count(source) for source in dict.fromkeys(sources)},
        problems=dataset.problems,
        model=model.name,
        model_kind=model.kind,
        model_recipe=model.recipe,
        model_sha256=model.sha256,
        samples=model.samples,
        seed=model.seed,
        mirrored=mirrored,
        inverted=inverted,
    )


def _evaluate(
    done: Sequence[AssessedFilm],
    dataset: Dataset,
    *,
    about: About,
    left_out: Sequence[LeftOut],
    n_resamples: int,
) -> Evaluation:
    """The films as arrays, to the evaluation."""
    predictions = [film.prediction for film in done]
    unknown = (np.nan, np.nan)
    measures = [name for name, measure in MEASURES.items() if all(_has(one, measure) for one in predictions)]
    return evaluate_points(
        [[(mark.x_px, mark.y_px) for mark in one.landmarks] for one in predictions],
        np.stack([film.truth_px for film in done]),
        [unknown if one.film.mm_per_px is None else one.film.mm_per_px for one in predictions],
        {name: _measured(predictions, name) for name in measures},
        {name: MEASURES[name].direction for name in measures},
        landmark_set=dataset.landmark_set,
        without=NOT_WELL_DEFINED.get(dataset.landmark_set.name, ()),
        left_out=left_out,
        about=about,
        n_resamples=n_resamples,
    )


def _has(prediction: Prediction, measure: Measure) -> bool:
    """Whether a prediction gives a measure."""
    return hasattr(prediction.landmarks[0].measures, measure.key(in_mm=False))


def _measured(predictions: Iterable[Prediction], name: str) -> NDArray[np.float64]:
    """(F, L) values of a measure; a length in mm on a film with a scale, as its errors are."""
    return np.array(
        [
            [
                getattr(mark.measures, MEASURES[name].key(in_mm=one.film.mm_per_px is not None))
                for mark in one.landmarks
            ]
            for one in predictions
        ],
        dtype=np.float64,
    )


def _cell(value: float | None) -> str:
    """A number for CSV, short enough to read and exact enough to compute with; empty for none."""
    return "" if value is None or np.isnan(value) else f"{value:.6g}"

"""Assess a model on annotated films: predict each film, set the points beside the truth, evaluate."""

from __future__ import annotations

import csv
import io
import logging
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from cephsure.datasets import annotators, film_of
from cephsure.datasets import truth as truth_of
from cephsure.errors import FilmError, InputError
from cephsure.evaluation import About, LeftOut, evaluate, radial_errors
from cephsure.evaluation.evaluate import NO_POINT
from cephsure.uncertainty import MEASURES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from cephsure.datasets import AnnotatedFilm, Dataset
    from cephsure.evaluation import Evaluation
    from cephsure.films import Film
    from cephsure.landmarks import LandmarkSet
    from cephsure.uncertainty import Measure, Prediction

logger = logging.getLogger(__name__)

MEAN = "mean"

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
    """The evaluation, and the films it comes from."""

    evaluation: Evaluation
    films: tuple[AssessedFilm, ...]

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
    on_film: Callable[[AnnotatedFilm, FilmError | None], None] | None = None,
) -> Assessment:
    """Evaluate a model on the films of a data set.

    A film that cannot be used is left out, counted and named; the others go on. The scale is the one that the
    film's own file states, or else the data set's.

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
        on_film: called after each film, with the error if it cannot be used.

    Returns:
        The evaluation and what it comes from.

    Raises:
        InputError: the model or what is asked of it is at fault, not a film; its landmarks are not the data
            set's; nobody of that name annotated a film; no film can be evaluated.
    """
    _check(model, dataset, truth)
    done: list[AssessedFilm] = []
    left_out: dict[str, list[str]] = defaultdict(list)
    for annotated in dataset.films:
        error = None
        try:
            points = _truth(annotated, truth)
            if points is None:
                left_out[NO_POINT].append(annotated.film_id)
            else:
                film, points = _changed(film_of(annotated), points, mirrored=mirrored, inverted=inverted)
                prediction = model.predict(film, samples=samples, seed=seed)
                done.append(_assessed(annotated.film_id, prediction, points))
        except FilmError as problem:
            error = problem
            logger.info("left out: %s", error)
            left_out[error.what].append(annotated.film_id)
        if on_film is not None:
            on_film(annotated, error)
    _check_some(done, left_out, dataset)
    evaluation = _evaluate(
        done,
        dataset,
        about=_about(done, dataset, truth=truth, split=split, mirrored=mirrored, inverted=inverted),
        left_out=[
            LeftOut(reason=why, films=len(names), names=tuple(names)) for why, names in left_out.items()
        ],
        n_resamples=n_resamples,
    )
    return Assessment(evaluation, tuple(done))


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


def _check_some(done: Sequence[AssessedFilm], left_out: dict[str, list[str]], dataset: Dataset) -> None:
    """Say why there is nothing, if there is nothing."""
    if not done:
        reasons = "; ".join(f"{len(names)} film(s): {why}" for why, names in left_out.items())
        raise InputError(f"no film of {dataset.name} can be evaluated: {reasons or 'it has none'}")


def _truth(annotated: AnnotatedFilm, which: str) -> NDArray[np.float64] | None:
    """The film's true points, or None if it has not one: then there is no need to predict it."""
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


def _assessed(film_id: str, prediction: Prediction, truth_px: NDArray[np.float64]) -> AssessedFilm:
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
    return evaluate(
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

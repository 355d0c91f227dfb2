"""Evaluate a model on annotated films: predict each film, set the points beside the truth."""

from __future__ import annotations

import logging
from collections import defaultdict
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure.atomic import check_files, write_atomically
from cephsure.datasets import annotators, film_of, select
from cephsure.datasets import truth as truth_of
from cephsure.errors import FilmError, InputError
from cephsure.evaluation import About, LeftOut, radial_errors
from cephsure.evaluation import evaluate as evaluate_points
from cephsure.evaluation.evaluate import NO_POINT
from cephsure.evaluation.trust import TOLERANCE_MM, check_tolerance
from cephsure.exports.output_files import readable_json
from cephsure.films import Film, FilmFacts
from cephsure.uncertainty import MEASURES, Prediction
from cephsure.workflows.assessment_csv import render
from cephsure.workflows.batch import (
    DEFAULT_MODEL,
    HERE,
    MEAN,
    AnnotatedData,
    OnProgress,
    Workplace,
    open_model,
    silent,
    usual_split,
)
from cephsure.workflows.networks import Networks, folds_of
from cephsure.workflows.training_films import training_films
from cephsure.workflows.trust_films import film_values, with_trust

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Executor
    from pathlib import Path

    from numpy.typing import NDArray

    from cephsure.datasets import AnnotatedFilm, Dataset
    from cephsure.evaluation import Evaluation
    from cephsure.inference.samples import HeatMaps
    from cephsure.inference.session import Device
    from cephsure.model import Model
    from cephsure.uncertainty.gate import FilmSigns
    from cephsure.uncertainty.readers.cases import TruthOf
    from cephsure.uncertainty.readers.reader import Reader

logger = logging.getLogger(__name__)

NOT_WELL_DEFINED = {"isbi-19": (16,)}
"""Landmarks without which figures are given too: soft tissue pogonion, where the annotators of the ISBI 2015
films differ by a systematic 6 to 9 mm, decides a good part of any figure that includes it."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a model finds on a film: the prediction and, where wanted, what is behind it.

    Attributes:
        maps: heat maps, one an annotator whom networks tell apart.
        signs: the gate's.
        marks_px: (K, L, 2) the annotators' marks.
        features: of out-of-fold films, (C,) what each fold's first network makes of the film.
    """

    prediction: Prediction
    maps: tuple[HeatMaps, ...] | None = None
    signs: FilmSigns | None = None
    marks_px: NDArray[np.float64] | None = None
    features: tuple[NDArray[np.float64], ...] = ()


@dataclass(frozen=True, slots=True)
class AssessedFilm:
    """One film: what was found, (L, 2) its true points in px, NaN where there is none, its file's facts.

    ``mirrored`` says whether its mirror image was predicted.
    """

    annotated: AnnotatedFilm
    found: Found
    truth_px: NDArray[np.float64]
    facts: FilmFacts
    mirrored: bool = False

    @property
    def film_id(self) -> str:
        """Its name in the data set."""
        return self.annotated.film_id

    @property
    def prediction(self) -> Prediction:
        """What the model found."""
        return self.found.prediction

    def truth_by(self, which: str) -> NDArray[np.float64]:
        """(L, 2) the true points by an annotator, or their mean, on the film as it was predicted."""
        points = true_points(self.annotated, which)
        if points is None:
            return np.full_like(self.truth_px, np.nan)
        return _mirror(points, self.prediction.film.width_px) if self.mirrored else points

    @property
    def errors_px(self) -> NDArray[np.float64]:
        """(L,) radial errors in px, NaN where there is no truth."""
        return self._errors(None)

    @property
    def errors_mm(self) -> NDArray[np.float64] | None:
        """(L,) the same in mm, or None without a scale."""
        scale = self.prediction.film.mm_per_px
        return None if scale is None else self._errors([scale])

    def _errors(self, scales: list[tuple[float, float]] | None) -> NDArray[np.float64]:
        points, true = self.prediction.points_px[None], self.truth_px[None]
        errors: NDArray[np.float64] = radial_errors(points, true, mm_per_px=scales)[0]
        return errors


@dataclass(frozen=True, slots=True)
class AssessedFilms:
    """The films that could be used, in the data set's order; reason -> names of the others; their errors."""

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
        """One line a film and landmark: truth, prediction, error, measures, region and verdicts.

        What there is not, is empty.
        """
        return render(self.films)


def evaluate(
    data: AnnotatedData | Path | str,
    model: Model | str | Path = DEFAULT_MODEL,
    *,
    samples: int | None = None,
    seed: int = 0,
    mirrored: bool = False,
    inverted: bool = False,
    level: float | None = None,
    reader: Reader | Path | str | None = None,
    truth_of: TruthOf | None = None,
    out_of_fold: bool = False,
    other_folds: Sequence[Path] = (),
    tolerance_mm: float = TOLERANCE_MM,
    films_table: Path | None = None,
    by: str | None = None,
    json_file: Path | None = None,
    csv_file: Path | None = None,
    device: Device = "cpu",
    executor: Executor | None = None,
    on_progress: OnProgress = silent,
) -> Assessment:
    """Evaluate a model on annotated films and write the figures, as ``cephsure evaluate`` does.

    Args:
        samples: members or stochastic passes; None for the model's own number.
        seed: of the stochastic passes.
        mirrored: evaluate on the films' mirror images instead, left and right exchanged.
        inverted: evaluate on the films' negatives instead.
        level: of the regions; None for 0.9, where the model is calibrated for so many samples.
        reader: whose marks are foretold, as ``Model.reader`` takes it.
        truth_of: whether regions are to hold one reader's marks or the mean of two readers'.
        out_of_fold: predict each film that the model was trained on by the members that have not seen it.
        other_folds: bundles that were trained likewise on the other folds, for the same.
        tolerance_mm: points farther off than this are wrong.
        films_table: a table with a row a film (``datasets.film_table``).
        by: the column of that table whose values divide the films, with figures of their own.
        json_file: where all figures go.
        csv_file: where a line for each film and landmark goes.

    Raises:
        InputError: the data set or a file cannot be used, or as ``assess_films``.
    """
    check_tolerance(tolerance_mm)
    check_files(json_file, csv_file)
    data = AnnotatedData.of(data)
    loaded, at = open_model(model, device, executor, on_progress, samples=samples)
    whole = data.open(loaded.landmark_set, at.remark)
    networks = Networks(loaded)
    if out_of_fold or other_folds:
        networks = folds_of(loaded, other_folds, whole)
    dataset, split = choose_films(whole, data, networks, at)
    values = film_values(films_table, by, dataset)
    chosen = loaded.reader(reader, truth_of=truth_of)
    for line in about_reader(chosen, loaded, data.truth, dataset):
        at.remark(line)
    assessment = assess(
        networks,
        dataset,
        at,
        truth=data.truth,
        split=split,
        samples=samples,
        seed=seed,
        mirrored=mirrored,
        inverted=inverted,
        level=level,
        reader=chosen,
    )
    assessment = with_trust(assessment, data.truth, tolerance_mm=tolerance_mm, column=by, values=values)
    if json_file is not None:
        write_atomically(json_file, readable_json(assessment.evaluation.document()).encode("utf-8"))
    if csv_file is not None:
        write_atomically(csv_file, assessment.csv().encode("utf-8"))
    return assessment


def about_reader(reader: Reader | None, model: Model, truth: str, dataset: Dataset) -> list[str]:
    """Whose marks are foretold, and which reader would fit the truth better, where the model knows one."""
    if reader is None:
        return []
    lines, names = [f"reader: {reader.name} ({reader.for_whom})"], annotators(dataset.films)
    calibration = model.calibration
    known = () if calibration is None else tuple(annotator.name for annotator in calibration.annotators)
    if reader.kind == "definition" and truth in known:
        lines.append(f"the truth is {truth}, whom the model knows: --reader {truth} foretells these marks")
    elif reader.kind == "definition" and truth == MEAN and known and set(known) == set(names):
        lines.append("the truth is the mean of readers whom the model knows: --reader mean foretells it")
    return lines


def choose_films(
    whole: Dataset, data: AnnotatedData, networks: Networks, at: Workplace
) -> tuple[Dataset, str]:
    """The films of a data set to evaluate, and what to call the choice; told and named if trained on.

    Raises:
        InputError: there is no such split.
    """
    split = data.split or usual_split(whole)
    dataset, model = select(whole, split), networks.model
    if data.limit is not None and data.limit < len(dataset.films):
        split = f"{split}, first {data.limit}"
        dataset = replace(dataset, films=dataset.films[: data.limit])
    trained = training_films(whole, model.bundle)
    judged = [film.film_id for film in dataset.films if film.film_id in trained]
    seen = [name for name in judged if not any(fold.unseen(name) for fold in networks.folds)]
    if seen:
        trained_on = f"trained on {len(seen)} of these {len(dataset.films)} films"
        way_out = "--out-of-fold predicts each by the members that have not seen it"
        if networks.folds:
            way_out = "--other-fold names the bundles of other folds"
        at.remark(f"{model.name} was {trained_on}: figures look too good; {way_out}")
        return dataset, f"{split}, {trained_on}"
    return dataset, f"{split}, out of fold" if judged else split


def assess(
    networks: Networks,
    dataset: Dataset,
    at: Workplace = HERE,
    *,
    truth: str = MEAN,
    split: str | None = None,
    samples: int | None = None,
    seed: int = 0,
    mirrored: bool = False,
    inverted: bool = False,
    level: float | None = None,
    reader: Reader | None = None,
) -> Assessment:
    """As ``evaluate``, for all films of a data set; ``split`` is what they are called in the result."""
    how = {"samples": samples, "seed": seed, "level": level, "reader": reader}
    find = partial(_predict, networks, how)
    assessed = assess_films(
        find, networks.model, dataset, at, truth=truth, mirrored=mirrored, inverted=inverted
    )
    done, first = assessed.films, assessed.films[0].prediction.model
    predictions = [film.prediction for film in done]
    sources = [prediction.film.spacing_source for prediction in predictions]
    measures = [
        name
        for name, measure in MEASURES.items()
        if all(hasattr(found.landmarks[0].measures, measure.key(in_mm=False)) for found in predictions)
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
            reader=None if reader is None else reader.for_whom,
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
    )
    return Assessment(evaluation, done, assessed.errors)


def assess_films(
    find: Callable[[Film], Found],
    model: Model,
    dataset: Dataset,
    at: Workplace,
    *,
    truth: str,
    mirrored: bool = False,
    inverted: bool = False,
) -> AssessedFilms:
    """Predict each film that has true points, and set the points beside them; each file is opened once.

    A film that cannot be used is left out, counted and named; the others go on. ``find`` predicts a film with
    the model; an executor of processes must be able to pickle it.

    Raises:
        InputError: the model or what is asked of it is at fault, not a film; its landmarks are not the data
            set's; nobody of that name annotated a film; no film can be used.
    """
    _check(model, dataset, truth)
    done = at.each_annotated(partial(_assess_film, find, truth, mirrored, inverted), dataset)
    films = tuple(film for film in done.results if film is not None)
    used, left_out = {film.film_id for film in films}, defaultdict(list)
    for film in dataset.films:
        error = done.errors.get(film.path)
        if true_points(film, truth) is None:
            left_out[NO_POINT].append(film.film_id)
        elif film.film_id not in used and isinstance(error, FilmError):
            logger.info("left out: %s", error)
            left_out[error.what].append(film.film_id)
    if not films:
        reasons = "; ".join(f"{len(names)} film(s): {why}" for why, names in left_out.items())
        raise InputError(f"no film of {dataset.name} can be evaluated: {reasons or 'it has none'}")
    return AssessedFilms(films, left_out, done.errors)


def _check(model: Model, dataset: Dataset, truth: str) -> None:
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


def _predict(networks: Networks, how: dict[str, Any], film: Film) -> Found:
    return Found(networks.of(film).predict(film, **how))


def _assess_film(
    find: Callable[[Film], Found], truth: str, mirrored: bool, inverted: bool, annotated: AnnotatedFilm
) -> AssessedFilm | None:
    """Read and predict a film, its mirror image or negative; without a true point it need not be opened."""
    points = true_points(annotated, truth)
    if points is None:
        return None
    film = read = film_of(annotated)
    if mirrored:
        film = replace(film, pixels=np.ascontiguousarray(film.pixels[:, ::-1]))
        points = _mirror(points, film.width_px)
    if inverted:
        film = replace(film, pixels=np.float32(1) - film.pixels)
    facts = FilmFacts(read.spacing, read.sha256 or "", read.pixel_aspect)
    return AssessedFilm(annotated, find(film), points, facts, mirrored)


def _mirror(points: NDArray[np.float64], width_px: int) -> NDArray[np.float64]:
    return np.stack([width_px - 1 - points[:, 0], points[:, 1]], axis=1)


def _measured(prediction: Prediction, name: str) -> NDArray[np.float64]:
    """(L,) values of a measure; a length in mm on a film with a scale, as its errors are."""
    return prediction.measured(MEASURES[name].key(in_mm=prediction.film.mm_per_px is not None))

"""Two films of a patient in, how far each landmark moved between them out; found by a model or a person."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cephsure.errors import InputError
from cephsure.workflows.batch import DEFAULT_MODEL, MEAN, Counter, OnProgress, open_model, silent
from cephsure.workflows.predict import PredictOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL import Image

    from cephsure.cephalometry import Analysis
    from cephsure.cephalometry.superimposition import On
    from cephsure.cephalometry.two_films import TwoFilms
    from cephsure.films import Film
    from cephsure.inference.session import Device
    from cephsure.landmarks import LandmarkSet
    from cephsure.model import Model
    from cephsure.uncertainty import Prediction


@dataclass(frozen=True, slots=True)
class SuperimposeOptions:
    """On what to lay the second film on the first, and where the points come from.

    Attributes:
        on: the reference: "sn" (S-N at S), "frankfort" (Frankfort plane at Po) or "best" (best fit).
        stable: with "best": codes of two or more landmarks that did not move.
        points_of_first: a person's own or corrected points, as `analyze_points` reads them; or None.
        points_of_second: of the second film.
        who: an annotator's name, or "mean" of those who marked a point.
        mm_per_px_of_second: the user's scale of the second film; None if it is that of ``predict`` too.
        predict: how to find the landmarks, and the scale.
    """

    on: On = "sn"
    stable: Sequence[str] = ()
    points_of_first: Path | str | None = None
    points_of_second: Path | str | None = None
    who: str = MEAN
    mm_per_px_of_second: float | None = None
    predict: PredictOptions = field(default_factory=PredictOptions)

    @property
    def is_for_model(self) -> bool:
        """Whether a model is to find points."""
        return None in (self.points_of_first, self.points_of_second)


@dataclass(frozen=True, slots=True)
class SuperimposedFilms:
    """Two films laid on each other, and the first one's picture."""

    films: TwoFilms
    first: Film

    def draw(self) -> Image.Image:
        """Both tracings on the first film, with an arrow where a landmark moved."""
        from cephsure.reports.superimposition_picture import draw_superimposition

        return draw_superimposition(self.first.pixels, self.films)


def superimpose_films(
    first: Path | str,
    second: Path | str,
    model: Model | str | Path = DEFAULT_MODEL,
    *,
    options: SuperimposeOptions | None = None,
    device: Device = "cpu",
    on_progress: OnProgress = silent,
) -> SuperimposedFilms:
    """Lay a patient's film on an earlier one, as ``cephsure superimpose`` does.

    No network is loaded where both films' points are a person's, and the model is the usual one.

    Args:
        first: the earlier film, whose pixels the result is in.
        second: the later film.
        model: finds the points, and says what landmarks there are.
        options: the reference, and where the points come from.
        device: where a model that is not loaded yet is computed.
        on_progress: told after each film.

    Raises:
        InputError: film, points, model or an option cannot be used, or the reference is not on both films.
    """
    from cephsure.cephalometry.two_films import lay_together
    from cephsure.films.spacing import check_mm_per_px
    from cephsure.landmarks import load_landmark_set

    options = options or SuperimposeOptions()
    scale = options.predict.mm_per_px
    scales = (scale, scale if options.mm_per_px_of_second is None else options.mm_per_px_of_second)
    for each in scales:
        check_mm_per_px(each)
    paths, points = (Path(first), Path(second)), (options.points_of_first, options.points_of_second)
    if os.path.realpath(paths[0]) == os.path.realpath(paths[1]) and points[0] == points[1]:
        raise InputError("is named twice: a film does not move against itself", where=paths[1])
    loaded, landmark_set = None, load_landmark_set()
    if options.is_for_model or model != DEFAULT_MODEL:
        loaded, _ = open_model(model, device, None, on_progress, samples=options.predict.samples)
        landmark_set = loaded.landmark_set
    step, found = Counter("films", 2, on_progress), list[_Found]()
    for path, own, mm_per_px in zip(paths, points, scales, strict=True):
        predict = replace(options.predict, mm_per_px=mm_per_px)
        if own is None and loaded is not None:
            found.append(_predicted(path, loaded, predict))
        elif own is not None:
            found.append(_marked(path, Path(own), options.who, predict, landmark_set))
        step(film=path)
    one, other = found
    films = lay_together(
        (one.analysis, other.analysis),
        (one.prediction, other.prediction),
        {mark.code: mark.name for mark in landmark_set.landmarks},
        on=options.on,
        stable=options.stable,
    )
    return SuperimposedFilms(films, one.film)


@dataclass(frozen=True, slots=True)
class _Found:
    """A film and its points; no prediction where they are a person's."""

    film: Film
    analysis: Analysis
    prediction: Prediction | None = None


def _predicted(path: Path, model: Model, options: PredictOptions) -> _Found:
    """A film's points by a model."""
    from cephsure.cephalometry import analyse

    film = options.read(path)
    prediction = options.predict(model, film)
    return _Found(film, analyse(prediction, ()), prediction)


def _marked(path: Path, points: Path, who: str, options: PredictOptions, landmark_set: LandmarkSet) -> _Found:
    """A film's points by a person."""
    from cephsure.datasets import read_marked_points
    from cephsure.workflows.measure import AnalyzeOptions
    from cephsure.workflows.measure_points import PersonsPoints, marked_tasks

    marked = read_marked_points(points, landmark_set=landmark_set, mm_per_px=options.mm_per_px)
    tasks, errors = marked_tasks(points, marked, [path])
    for error in errors.values():
        raise error
    work = PersonsPoints(points, AnalyzeOptions(predict=options), (), who, landmark_set)
    film = work.read(path, tasks[0].marked)
    return _Found(film, work.measure(tasks[0], film))


def render_two_films(done: Sequence[TwoFilms], fmt: str, folder: Path) -> str:
    """Two films laid on each other as a document, for a file that is to lie in ``folder``.

    Args:
        done: one pair of films.
        fmt: "csv", a line a landmark, or "json".
        folder: from which the table's paths lead to the films.
    """
    from cephsure.exports.output_files import readable_json, written_film
    from cephsure.workflows import superimposition_csv

    if fmt == "csv":
        return superimposition_csv.render(done, folder)
    texts = []
    for films in done:
        document = films.document()
        texts.append(
            readable_json(document | {name: written_film(document[name]) for name in ("first", "second")})
        )
    return "".join(texts)

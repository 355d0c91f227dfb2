"""What the process with the model does: films, the questions to a reader, a site's calibration."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cephsure.errors import BundleError, FilmError, InputError
from cephsure.review.details import LEVELS, Details
from cephsure.review.film_pictures import thumbnail

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from cephsure.films.spacing import UserScale
    from cephsure.model import Model
    from cephsure.uncertainty import Prediction
    from cephsure.workflows.batch import Progress

    Tell = Callable[[str, int, int], None]

_USUAL_HEIGHT_MM = 240.0
"""Of a film whose scale is not known: its points' doubt must stand in one order with that of others."""


class ModelDesk:
    """What the process keeps: the model, loaded once."""

    def __init__(self, name: str) -> None:
        self.name = name

    @cached_property
    def model(self) -> Model:
        """The model."""
        from cephsure.model import load_model

        return load_model(self.name)


@dataclass(frozen=True, slots=True)
class PredictedFilm:
    """What came of a film.

    Attributes:
        document: ``cephsure.prediction/2``, as ``cephsure predict --format json`` writes it.
        doubt: of the least certain point, in mm.
    """

    document: str
    doubt: float
    width_px: int
    height_px: int
    details: Details
    thumbnail: bytes


@dataclass(frozen=True, slots=True)
class PredictFilm:
    """The job of finding a film's landmarks.

    Attributes:
        sha256: of the film that is meant, whatever lies at the path by now.
        mm_per_px: a person's scale; None for the film's own.
        reader: whose marks are foretold, a name or a file.
    """

    path: Path
    sha256: str
    mm_per_px: UserScale | None = None
    reader: Path | str | None = None

    def run(self, desk: ModelDesk, _tell: Tell) -> PredictedFilm:
        """Find them; `InputError` where the film cannot be used."""
        from cephsure import films
        from cephsure.exports.prediction_json import render

        film = films.read(self.path, mm_per_px=self.mm_per_px)
        if film.sha256 != self.sha256:
            raise FilmError("is another film than the one that was added", where=self.path)
        try:
            reader = desk.model.reader(self.reader)
        except InputError as error:  # no film's fault: the others would say the same
            raise BundleError(error.what, where=error.where, remedy=error.remedy) from error
        levels = LEVELS if desk.model.calibration is not None else ()
        found = desk.model.predict_in_detail(film, levels=levels, reader=reader)
        prediction = found.prediction
        return PredictedFilm(
            document=render(prediction),
            doubt=doubt(prediction),
            width_px=film.width_px,
            height_px=film.height_px,
            details=Details.of(found),
            thumbnail=thumbnail(film),
        )


def doubt(prediction: Prediction) -> float:
    """How far off the least certain point is expected to be, in mm, by the best figure that there is.

    The calibrated expected error, else the heat map's own; without a scale as if the film were 24 cm high.
    """
    by_height = _USUAL_HEIGHT_MM / prediction.film.height_px
    worst = 0.0
    for mark in prediction.landmarks:
        raw_px, raw_mm = mark.measures.raw_expected_error_px, mark.measures.raw_expected_error_mm
        known = (mark.stated.expected_error_mm, raw_mm, raw_px * by_height)
        worst = max(worst, next(value for value in known if value is not None and math.isfinite(value)))
    return worst


@dataclass(frozen=True, slots=True)
class AskReader:
    """The job of finding what a reader is to be asked, and where on a film."""

    path: Path
    mm_per_px: UserScale | None = None

    def run(self, desk: ModelDesk, _tell: Tell) -> list[dict[str, Any]]:
        """The questions as JSON data; none where the model knows no annotators who differ."""
        from cephsure import films
        from cephsure.workflows.ask_reader import questions_on

        film = films.read(self.path, mm_per_px=self.mm_per_px)
        try:
            asked = questions_on(desk.model, film)
        except InputError:  # the model tells no two annotators apart: there is nothing to choose
            return []
        return [
            {
                "number": question.landmark.number,
                "code": question.landmark.code,
                "name": question.landmark.name,
                "words": question.landmark.definition,
                "distance_mm": question.apart_mm,
                "usual": question.usual,
                "evidence": question.evidence,
                "places": [
                    {"key": key, "words": words, "x_px": float(place[0]), "y_px": float(place[1])}
                    for key, words, place in zip(
                        question.answers, question.ways, question.places_px, strict=True
                    )
                ],
            }
            for question in asked
        ]


@dataclass(frozen=True, slots=True)
class WriteProfile:
    """The job of writing the file of a reader who answered."""

    answers: Mapping[str, str]
    name: str
    out: Path

    def run(self, desk: ModelDesk, _tell: Tell) -> str:
        """For whom predictions with it are, in words."""
        from cephsure.workflows.ask_reader import reader_profile

        found = reader_profile(desk.model, out=self.out, name=self.name, answers=self.answers)
        return "" if found.reader is None else found.reader.for_whom


@dataclass(frozen=True, slots=True)
class CalibrateSite:
    """The job of learning how a person marks from the films that they corrected.

    Attributes:
        project: its folder, which is the data set.
        who: whose points are true.
        out: the reader's file.
        profile: a reader's file of what the person said before any film was corrected.
        mm_per_px: the scale that was given for all films of the project.
    """

    project: Path
    who: str
    out: Path
    profile: Path | None = None
    mm_per_px: float | None = None

    def run(self, desk: ModelDesk, tell: Tell) -> dict[str, Any]:
        """What was learned, and what K films bring by cross-validation, as JSON data."""
        from dataclasses import asdict

        from cephsure.workflows.batch import AnnotatedData
        from cephsure.workflows.site_films import site_calibrate

        def on_progress(step: Progress) -> None:
            if step.total:
                tell(step.what, step.done, step.total)

        found = site_calibrate(
            AnnotatedData(self.project, truth=self.who, mm_per_px=self.mm_per_px),
            desk.model,
            name=self.who,
            out=self.out,
            truth_of="one",
            profile=self.profile,
            on_progress=on_progress,
        )
        return {
            "films": found.films,
            "promise": found.reader.for_whom,
            "about": found.about,
            "withdrawn": None if found.reader.acceptance is None else found.reader.acceptance.withdrawn,
            "gains": [asdict(row) for row in found.gains],
            "errors": {path.name: str(error) for path, error in found.errors.items()},
        }

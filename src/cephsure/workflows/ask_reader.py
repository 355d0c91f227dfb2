"""How a reader marks, as the reader says: asked on a page or answered at once, written as a reader's file."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cephsure.atomic import check_files, write_atomically
from cephsure.errors import InputError
from cephsure.workflows.batch import DEFAULT_MODEL, OnProgress, open_model, silent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from cephsure.films import Film
    from cephsure.inference.session import Device
    from cephsure.landmarks import LandmarkSet
    from cephsure.model import Model
    from cephsure.reports.reader_questions import Question
    from cephsure.uncertainty.readers.population import Population
    from cephsure.uncertainty.readers.reader import Reader

SAMPLE = "vhm_lateral_0deg"


@dataclass(frozen=True, slots=True)
class ReaderProfile:
    """What came of asking a reader.

    Attributes:
        asked: codes of the landmarks that a page asks about, () where none was written.
        answered: by code, what was answered.
        reader: what was written, None where nothing was answered.
        page: the page that asks, None where none was written.
    """

    asked: tuple[str, ...]
    answered: dict[str, str]
    reader: Reader | None
    page: Path | None


def reader_profile(
    model: Model | str | Path = DEFAULT_MODEL,
    *,
    out: Path,
    name: str | None = None,
    answers: Mapping[str, str] | None = None,
    film: Path | None = None,
    mm_per_px: float | None = None,
    page: Path | None = None,
    device: Device = "cpu",
    on_progress: OnProgress = silent,
) -> ReaderProfile:
    """Let a reader say how they mark, as ``cephsure reader-profile`` does.

    Args:
        out: the reader's file, written if there are answers; a page gives a file of this name.
        name: what the reader is called; None for the file's name.
        answers: by a landmark's code or number, an annotator of the bundle, or "between".
        film: what the page shows; None for the sample film.
        mm_per_px: that film's scale; it goes before what the file states.
        page: the page that asks; None for one beside ``out`` if there are no answers, else for none.

    Raises:
        InputError: the model does not know two annotators who differ; an answer means nothing; the film
            cannot be read; a file cannot be written.
    """
    from cephsure.uncertainty.readers.reader import profiled, write_reader

    check_files(out, page)
    loaded, _ = open_model(model, device, None, on_progress)
    profile = partial(
        profiled,
        _population(loaded),
        name=name or out.stem,
        model=loaded.name,
        model_sha256=loaded.bundle.sha256,
    )
    said = _by_number(loaded.landmark_set, answers or {})
    reader = profile(said)  # complains of answers before anything is written
    if page is None and not said:
        page = out.with_suffix(".html")
    asked: tuple[str, ...] = ()
    if page is not None:
        given = model if isinstance(model, (str, Path)) else loaded.bundle.folder
        command = ("cephsure", "reader-profile", "--model", str(given), "--out", str(out))
        asked, text = _page(loaded, profile, said, film=film, mm_per_px=mm_per_px, command=command)
        write_atomically(page, text.encode("utf-8"))
    if said:
        write_reader(reader, out)
    codes = loaded.landmark_set.codes
    answered = {codes[number - 1]: answer for number, answer in said.items()}
    return ReaderProfile(asked, answered, reader if said else None, page)


def questions_on(model: Model, film: Film) -> list[Question]:
    """What a reader is asked, with both places of each landmark on a film.

    Raises:
        InputError: the model does not know two annotators.
    """
    return _asked_on(model, film)[0]


def _asked_on(model: Model, film: Film) -> tuple[list[Question], NDArray[np.float64]]:
    """The questions, and the (T, 2, L, 2) samples of the annotators' marks on the film, in px."""
    from cephsure.reports.reader_questions import questions

    orientation = model.orientation(film)
    samples_px, scale = model.sample(film, orientation).marks_px, film.spacing
    if samples_px is None:
        raise _nothing_to_choose(model)
    asked = questions(
        _population(model),
        model.landmark_set,
        samples_px,
        mm_per_px=None if scale is None else (scale.x_mm_per_px, scale.y_mm_per_px),
        faces_left=orientation.left,
    )
    return asked, samples_px


def _page(
    model: Model,
    profile: Callable[[Mapping[int, str]], Reader],
    said: Mapping[int, str],
    *,
    film: Path | None,
    mm_per_px: float | None,
    command: tuple[str, ...],
) -> tuple[tuple[str, ...], str]:
    """The codes of the landmarks to be asked about, and the page that asks."""
    from cephsure import films
    from cephsure.reports.reader_page import reader_page
    from cephsure.reports.reader_questions import APART_MM
    from cephsure.sample_films import sample_film

    if film is None:
        sample = sample_film(SAMPLE)
        shown, credit = films.read(sample.path, mm_per_px=sample.mm_per_px), sample.credit
    else:
        shown, credit = films.read(film, mm_per_px=mm_per_px), ""
    asked, samples_px = _asked_on(model, shown)
    if not asked:
        what = f"the annotators of {model.name} mark every landmark within {APART_MM:g} mm of each other"
        raise InputError(f"{what}: there is nothing to choose")
    text = reader_page(
        asked,
        shown.pixels,
        span_px=float(np.ptp(samples_px.mean(axis=(0, 1)), axis=0).max()),
        profile=profile,
        answered=said,
        of=model.bundle.provenance.data,
        command=command,
        credit=credit,
    )
    return tuple(question.landmark.code for question in asked), text


def _population(model: Model) -> Population:
    """What the model's calibration knows of readers; InputError where it knows no two annotators."""
    if model.calibration is None:
        raise InputError(
            f"{model.name} is not calibrated: it does not know how readers differ",
            remedy="calibrate it first: cephsure calibrate",
        )
    population = model.calibration.readers
    if len(population.annotators) != 2:
        raise _nothing_to_choose(model)
    return population


def _nothing_to_choose(model: Model) -> InputError:
    return InputError(
        f"{model.name} does not tell two annotators apart: there is nothing to choose",
        remedy="a few corrected films tell how a reader marks: cephsure site-calibrate",
    )


def _by_number(landmark_set: LandmarkSet, answers: Mapping[str, str]) -> dict[int, str]:
    """Answers by the landmarks' numbers.

    Raises:
        InputError: a label is no landmark's, or two are the same one's.
    """
    by_number: dict[int, str] = {}
    for label, answer in answers.items():
        row = landmark_set.index(label)
        if row is None:
            known = ", ".join(landmark_set.codes)
            raise InputError(f"{label!r} is no landmark of {landmark_set.name}", remedy=f"known: {known}")
        if row + 1 in by_number:
            raise InputError(f"landmark {landmark_set.codes[row]} is answered twice")
        by_number[row + 1] = answer
    return by_number

"""A reader, as predictions are made for one: of the population, an annotator, a profile or a site's films."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from cephsure.atomic import write_atomically
from cephsure.bundles.bundle import read_versioned
from cephsure.errors import InputError
from cephsure.text_files import to_record
from cephsure.uncertainty.calibration.data import CalibrationSource  # noqa: TC001 - pydantic reads it
from cephsure.uncertainty.gate.film_reference import FilmReference  # noqa: TC001 - pydantic reads it
from cephsure.uncertainty.prediction import Frozen
from cephsure.uncertainty.readers.cases import ReaderKind, TruthOf  # noqa: TC001 - pydantic reads them
from cephsure.uncertainty.readers.habit import Habit, Prior, block_diagonal, diagonal_blocks
from cephsure.uncertainty.readers.population import LARGEST, SPREAD_FILMS, Population

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path


FORMAT = "cephsure.reader/1"
_FORMER = {
    "cephsure.site/1": (
        "is a site calibration of cephsure 0.1, which knew nothing of how readers differ",
        "make it again from the same films with: cephsure site-calibrate",
    )
}

DEFINITION, MEAN = "definition", "mean"
Triple = tuple[float, float, float]

PROFILE_SD = 0.35
"""How far from +1 or -1 the w of a reader may be who says to mark as one annotator does."""


class ReaderLandmark(Frozen):
    """What is known of a reader at one landmark.

    Attributes:
        mean: w, and b along x and y of the upright film in mm, as expected.
        covariance: of the three.
        spread: how much larger the reader's scatter is than the films' own covariance says.
    """

    number: int
    mean: Triple
    covariance: tuple[Triple, Triple, Triple]
    spread: float = Field(default=1.0, ge=1 / LARGEST, le=LARGEST)


class AcceptedOnFilms(Frozen):
    """How the gate's acceptance did on a site's own films, each judged by the others.

    Attributes:
        points: accepted.
        wrong: of these, off by more than the tolerance.
        withdrawn: why nothing is accepted here, in words; None where the gate holds.
    """

    points: int
    wrong: int
    withdrawn: str | None = None


class Reader(Frozen):
    """A reader's file: ``cephsure.reader/1``.

    Attributes:
        name: what the reader or site is called.
        kind: where it comes from.
        model: the name of the bundle that it is for; ``model_sha256`` is the bundle's.
        films: how many corrected films it rests on; 0 for none.
        truth_of: whether regions are for one reader's marks, or for the mean of two.
        acceptance: what a site's own films say of the gate; None elsewhere.
        film_reference: what a site's films are like, by which later ones are judged; None elsewhere.
        source: the films.
    """

    format: Literal["cephsure.reader/1"] = "cephsure.reader/1"
    name: str
    kind: ReaderKind
    model: str
    model_sha256: str
    landmarks: tuple[ReaderLandmark, ...] = Field(min_length=1)
    films: int = Field(default=0, ge=0)
    truth_of: TruthOf = "one"
    acceptance: AcceptedOnFilms | None = None
    film_reference: FilmReference | None = None
    source: CalibrationSource | None = None

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        values = np.array([[*mark.mean, *np.ravel(mark.covariance)] for mark in self.landmarks])
        if not (np.abs(values) <= LARGEST**2).all():
            raise ValueError("a number is not finite, or larger than any habit")
        if (np.linalg.eigvalsh(self.habit.covariance) < -1e-6).any():
            raise ValueError("a covariance is negative")
        return self

    @property
    def numbers(self) -> tuple[int, ...]:
        """The landmarks'."""
        return tuple(mark.number for mark in self.landmarks)

    @property
    def habit(self) -> Habit:
        """The landmarks' numbers as arrays."""
        return habit_of(self.landmarks)

    @property
    def prior(self) -> Prior:
        """What is believed before further films: of a profile, landmark by landmark."""
        habit = self.habit
        return Prior(habit.mean, block_diagonal(habit.covariance), habit.spread, SPREAD_FILMS + self.films)

    @property
    def for_whom(self) -> str:
        """For whose marks regions and expected errors hold, in words."""
        films = f"{self.films} film{'' if self.films == 1 else 's'}"
        two = self.truth_of == "mean"
        site = "this site" if self.name == "site" else f"site {self.name}"
        whose = "the mean of two readers" if two else "a reader"
        return {
            "definition": f"{whose} not met before",
            "mean": f"the mean of {self.name}",
            "annotator": f"reader {self.name}",
            "profile": f"{whose} who mark{'' if two else 's'} as profile {self.name} says",
            "site": f"{site}, {films}{f', {whose}' if two else ''}",
        }[self.kind]

    def whose(self, truth_of: TruthOf) -> Self:
        """The same, where regions are to hold one reader's marks or the mean of two.

        Raises:
            InputError: it is known of the other alone.
        """
        # Of those who were not seen to mark, both can be said; what films taught holds for their marks alone.
        if truth_of == self.truth_of or self.kind in ("definition", "profile"):
            return self.model_copy(update={"truth_of": truth_of})
        known = "the mean of two readers" if self.truth_of == "mean" else "one reader"
        raise InputError(
            f"{self.for_whom}: regions for this are those for {known}",
            remedy="leave --truth-of out, or choose another reader",
        )


def habit_of(landmarks: Sequence[ReaderLandmark]) -> Habit:
    """What is known of a reader, landmark by landmark, as arrays."""
    return Habit(
        np.array([mark.mean for mark in landmarks], dtype=np.float64),
        np.array([mark.covariance for mark in landmarks], dtype=np.float64),
        np.array([mark.spread for mark in landmarks], dtype=np.float64),
    )


def landmarks_of(numbers: Iterable[int], habit: Habit) -> tuple[ReaderLandmark, ...]:
    """A habit's numbers, landmark by landmark."""
    return tuple(
        ReaderLandmark(
            number=number, mean=tuple(mean), covariance=tuple(map(tuple, covariance)), spread=spread
        )
        for number, mean, covariance, spread in zip(
            numbers,
            habit.mean.round(5).tolist(),
            habit.covariance.round(6).tolist(),
            habit.spread.clip(1 / LARGEST, LARGEST).round(5).tolist(),
            strict=True,
        )
    )


def unknown_reader(population: Population, *, model: str, model_sha256: str) -> Reader:
    """The reader of whom nothing is known."""
    prior = population.prior()
    numbers = [mark.number for mark in population.landmarks]
    return Reader(
        name=DEFINITION,
        kind="definition",
        model=model,
        model_sha256=model_sha256,
        landmarks=landmarks_of(numbers, Habit(prior.mean, diagonal_blocks(prior.covariance), prior.spread)),
    )


def profiled(
    population: Population, answers: Mapping[int, str], *, name: str, model: str, model_sha256: str
) -> Reader:
    """A reader who says, landmark by landmark (by number), as which annotator they mark.

    The w of landmarks that are answered lies at that annotator's end, within ``PROFILE_SD``; "between" is the
    middle of the line. The others are as of a reader of whom nothing is known.

    Raises:
        InputError: an answer is of an unknown landmark, or names nobody at an end of the line.
    """
    ends = dict(zip(population.annotators, (-1.0, 1.0), strict=False)) | {"between": 0.0}
    if len(population.annotators) != 2:
        raise InputError("this model's networks do not tell two annotators apart: there is nothing to choose")
    usual = unknown_reader(population, model=model, model_sha256=model_sha256)
    known = set(usual.numbers)
    for number, answer in answers.items():
        if number not in known:
            raise InputError(f"there is no landmark {number}")
        if answer not in ends:
            raise InputError(
                f"{answer!r} is no answer for landmark {number}", remedy=f"known: {', '.join(ends)}"
            )
    w_row = (PROFILE_SD**2, 0.0, 0.0)
    marks = tuple(
        mark.model_copy(
            update={
                "mean": (ends[answers[mark.number]], 0.0, 0.0),
                "covariance": (w_row, *mark.covariance[1:]),
            }
        )
        if mark.number in answers
        else mark
        for mark in usual.landmarks
    )
    return usual.model_copy(update={"name": name, "kind": "profile", "landmarks": marks})


def plain_mean(numbers: Iterable[int], *, name: str, model: str, model_sha256: str) -> Reader:
    """The mean of a bundle's annotators, for figures that stand beside papers'."""
    nothing = (0.0, 0.0, 0.0)
    return Reader(
        name=name,
        kind="mean",
        model=model,
        model_sha256=model_sha256,
        landmarks=tuple(
            ReaderLandmark(number=number, mean=nothing, covariance=(nothing,) * 3) for number in numbers
        ),
        truth_of="mean",
    )


def write_reader(reader: Reader, path: Path) -> Path:
    """Write a reader's file; InputError where it cannot be written."""
    text = json.dumps(reader.model_dump(mode="json"), indent=1, allow_nan=False) + "\n"
    return write_atomically(path, text.encode("utf-8"))


def read_reader(path: Path) -> Reader:
    """Read a reader's file; InputError where it cannot be read, is damaged or of an unknown version."""
    data = read_versioned(
        path,
        version=FORMAT,
        what="a reader's file of",
        remedy="make one with: cephsure site-calibrate, or cephsure reader-profile",
        kind=InputError,
        former=_FORMER,
    )
    return to_record(Reader, data, where=path, what="a reader's file")

"""What a reader is asked who says how they mark: of each landmark the two annotators' places, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cephsure.uncertainty.readers.definitions import definitions_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.landmarks import Landmark, LandmarkSet
    from cephsure.uncertainty.readers.population import Definition, LandmarkHabits, Population

    Array = NDArray[np.float64]

APART_MM = 1.0
"""A landmark is asked about where the annotators' marks lie further apart than this on usual films."""

_CLEAR = 0.75
"""Share of a film's samples that must agree on which place the written definition means."""

_SIDEWAYS = 0.2
"""A part of the way from one place to the other that is a smaller share of it is not named."""


@dataclass(frozen=True, slots=True)
class Question:
    """One landmark to be asked about.

    Attributes:
        landmark: which, with its written definition.
        answers: the two annotators, as an answer names them; place 1 is the first one's.
        places_px: (2, 2) where each of them would mark it on the film.
        ways: from the other place to each, in words, and whether the written definition means it, if known.
        apart_mm: how far apart the two usually mark.
        usual: where points go without an answer, in words.
        evidence: what that rests on; "" where nothing is known.
        faces_left: whether the film's front is to the left.
    """

    landmark: Landmark
    answers: tuple[str, str]
    places_px: Array
    ways: tuple[str, str]
    apart_mm: float
    usual: str
    evidence: str
    faces_left: bool


def questions(
    population: Population,
    landmark_set: LandmarkSet,
    samples_px: Array,
    *,
    mm_per_px: tuple[float, float] | None,
    faces_left: bool,
) -> list[Question]:
    """The landmarks that the two annotators of a population mark in different places.

    Args:
        population: of two annotators; none of its landmarks is asked about where there are not two.
        landmark_set: of L landmarks; it says where a definition is an extreme of an outline.
        samples_px: (T, 2, L, 2) samples of the annotators' marks on the film that is shown.
        mm_per_px: the film's scale along x and y; without one directions alone are told.
        faces_left: whether the head on it faces left.
    """
    if len(population.annotators) != 2:
        return []
    first, second = population.annotators
    marks_px = samples_px.mean(axis=0)
    upright = np.array([-1.0 if faces_left else 1.0, 1.0]) * (mm_per_px or 1.0)
    definitions = definitions_of(landmark_set, samples_px * upright)
    found = []
    for habits in population.landmarks:
        if habits.apart_mm <= APART_MM:
            continue
        index = habits.number - 1
        places = marks_px[:, index]
        way = (places[0] - places[1]) * upright
        told, meant = mm_per_px is not None, _meant(definitions.get(index) if way.any() else None)
        found.append(
            Question(
                landmark=landmark_set.landmarks[index],
                answers=(first, second),
                places_px=places,
                ways=(in_words(way, in_mm=told) + meant[0], in_words(-way, in_mm=told) + meant[1]),
                apart_mm=habits.apart_mm,
                usual=_usual(habits),
                evidence=habits.evidence,
                faces_left=faces_left,
            )
        )
    return found


def in_words(way: Array, *, in_mm: bool) -> str:
    """A way (2,), forward and down, in words.

    Examples:
        >>> in_words(np.array([-3.7, 8.3]), in_mm=True)
        '8.3 mm further down and 3.7 mm further back'
        >>> in_words(np.array([30.0, -4.0]), in_mm=False)
        'further forward'
    """
    length = float(np.hypot(*way))
    parts = []
    for value, names in ((way[1], ("down", "up")), (way[0], ("forward", "back"))):
        if abs(value) > _SIDEWAYS * length:
            amount = f"{abs(value):.1f} mm " if in_mm else ""
            parts.append(f"{amount}further {names[int(value < 0)]}")
    return " and ".join(parts) or "in the same place on this film"


def _meant(definition: Definition | None) -> tuple[str, str]:
    """What to say of each place, where nearly all samples agree which one the definition means."""
    if definition is None or max(definition.share, 1 - definition.share) < _CLEAR:
        return "", ""
    words = f"; here {definition.words}, as the definition says"
    return ("", words) if definition.share > 0.5 else (words, "")


def _usual(habits: LandmarkHabits) -> str:
    """Where points go without an answer: by the centre of all readers, from -1 (place 1) to +1 (place 2)."""
    nearer = 1 if habits.centre < 0 else 2
    if abs(habits.centre) >= 0.75:
        return f"at place {nearer}" if abs(habits.centre) == 1 else f"near place {nearer}"
    return f"between the two, nearer to place {nearer}" if abs(habits.centre) >= 0.25 else "about halfway"

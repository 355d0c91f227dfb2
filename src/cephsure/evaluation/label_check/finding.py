"""One thing in annotated films that should be looked at, or that is worth knowing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "unreadable",
    "left out",
    "missing",
    "outside",
    "odd point",
    "swapped",
    "mirrored",
    "not on film",
    "far apart",
    "habit",
    "copy",
    "same points",
    "film size",
    "head size",
]

KINDS: dict[Kind, str] = {
    "unreadable": "films that cannot be read",
    "left out": "left out when the data set was read",
    "missing": "missing points",
    "outside": "points outside the film",
    "swapped": "swapped landmarks",
    "mirrored": "mirrored labels",
    "not on film": "labels that do not lie where they should",
    "odd point": "points that do not fit the others",
    "far apart": "annotators far apart",
    "habit": "landmarks that annotators mark in different places",
    "same points": "the same points on several films",
    "copy": "films that are there twice",
    "head size": "an unlikely size",
    "film size": "films of another size or scale",
}
"""What the findings of a kind are called, the gravest first."""

Role = Literal["marked", "expected", "other"]


@dataclass(frozen=True, slots=True)
class Mark:
    """A point to be shown on a film.

    Attributes:
        code: of its landmark.
        at_px: (x, y) on the film.
        role: marked so by the annotator; where the other points expect it; or marked by another annotator.
    """

    code: str
    at_px: tuple[float, float]
    role: Role = "marked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found.

    Attributes:
        kind: of what sort it is.
        said: in words, without film and annotator.
        serious: it must be looked at; others are good to know.
        film: its identifier; "" where it is about no single film.
        others: further films that it is about.
        annotator: whose labels; "" where it is about none of them.
        codes: the landmarks it is about.
        weight: how far beyond the limit, 1 at the limit.
        marks: the points in question.
    """

    kind: Kind
    said: str
    serious: bool = True
    film: str = ""
    others: tuple[str, ...] = ()
    annotator: str = ""
    codes: tuple[str, ...] = ()
    weight: float = 1.0
    marks: tuple[Mark, ...] = ()

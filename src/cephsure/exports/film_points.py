"""Points of one film as every format of points can hold them: of a prediction, or what a person marked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from cephsure.exports.point_lists import describe_landmark

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.landmarks import LandmarkSet
    from cephsure.uncertainty import Prediction


@dataclass(frozen=True, slots=True)
class Mark:
    """A landmark's point: its number and code in the set, its name, (x, y) in px, None where missing."""

    number: int
    code: str
    name: str
    at_px: tuple[float, float] | None
    said: str = ""  # of a prediction: how far to trust it, in a line


@dataclass(frozen=True, slots=True)
class FilmPoints:
    """A film's points in the order of the landmark set, its size, and its mm a pixel where known.

    ``said`` is a prediction's verdict, why and promise, in a line.
    """

    path: str | None
    size_px: tuple[int, int]
    marks: tuple[Mark, ...]
    mm_per_px: tuple[float, float] | None = None
    said: str = ""

    @classmethod
    def of(cls, prediction: Prediction) -> Self:
        """What a prediction says of where the points are, and of itself in words."""
        film = prediction.film
        marks = tuple(
            Mark(
                *(mark.number, mark.code, mark.name, (mark.x_px, mark.y_px)),
                describe_landmark(prediction, mark),
            )
            for mark in prediction.landmarks
        )
        words = (prediction.verdict, prediction.why, prediction.promise, prediction.for_whom)
        said = "; ".join(word for word in (*words, prediction.disclaimer) if word)
        return cls(film.path, (film.width_px, film.height_px), marks, film.mm_per_px, said)

    @classmethod
    def marked(
        cls,
        path: str | None,
        points_px: NDArray[np.float64],
        landmark_set: LandmarkSet,
        *,
        size_px: tuple[int, int],
        mm_per_px: tuple[float, float] | None = None,
    ) -> Self:
        """What somebody marked: (L, 2) positions in px, NaN where missing."""
        marks = tuple(
            Mark(
                landmark.number,
                landmark.code,
                landmark.name,
                (float(x), float(y)) if np.isfinite((x, y)).all() else None,
            )
            for landmark, (x, y) in zip(landmark_set.landmarks, points_px, strict=True)
        )
        return cls(path, size_px, marks, mm_per_px)

"""A film's points as they stand: where the model found them, with what a person decided since."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from typing import TYPE_CHECKING, Literal

import numpy as np

from cephsure.cephalometry.analysis import DRAWS, MIN_PROBABILITY, Analysis
from cephsure.cephalometry.film_measurer import FilmMeasurer
from cephsure.cephalometry.measured import MeasuredPoint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from cephsure.cephalometry.measurement import AnalysisDefinition
    from cephsure.landmarks import LandmarkSet
    from cephsure.uncertainty.prediction import FilmInfo, Prediction

Origin = Literal["predicted", "accepted", "edited", "placed", "missing", "referred"]
"""What became of a point: nobody touched it, or a person took it as it was, moved it, set it where there was
none, said that it cannot be seen, or left it to somebody else."""
BY_HAND: tuple[Origin, ...] = ("edited", "placed")
"""Points that lie where a person put them: what the model knew of its own point says nothing about them."""


@dataclass(frozen=True, slots=True)
class SettledPoint:
    """A landmark's point as it stands, in px of the film as given; None where it is missing.

    Attributes:
        who: the person who decided it; None where nobody did.
    """

    number: int
    code: str
    name: str
    x_px: float | None
    y_px: float | None
    origin: Origin = "predicted"
    who: str | None = None

    @property
    def is_by_hand(self) -> bool:
        """Whether a person put it where it is: then it has neither expected error nor region."""
        return self.origin in BY_HAND

    @property
    def is_settled(self) -> bool:
        """Whether a person vouches for it, or for its absence."""
        return self.origin not in ("predicted", "referred")


@dataclass(frozen=True)
class ReviewedFilm:
    """A prediction and what people decided of it.

    Attributes:
        prediction: the model's own, which decisions do not change.
        points: one for each landmark, in the set's order.
        mm_per_px: the scale along x and y that holds now: a person's ruler goes before the prediction's.
        spacing_source: where that comes from.
        observer: who reviewed the film, or else who decided something of it last; None if nobody did.
        decided_at: when that was, UTC in ISO 8601.
        is_complete: whether the observer said that the film is reviewed.
    """

    prediction: Prediction
    landmark_set: LandmarkSet
    points: tuple[SettledPoint, ...]
    mm_per_px: tuple[float, float] | None
    spacing_source: str
    observer: str | None = None
    decided_at: str | None = None
    is_complete: bool = False

    @classmethod
    def of(cls, prediction: Prediction, landmark_set: LandmarkSet) -> ReviewedFilm:
        """A film that nobody has looked at since it was predicted."""
        film = prediction.film
        return cls(prediction, landmark_set, found_points(prediction), film.mm_per_px, film.spacing_source)

    @property
    def film(self) -> FilmInfo:
        """What is known of the film, with the scale that holds now."""
        scale = {"mm_per_px": self.mm_per_px, "spacing_source": self.spacing_source}
        return self.prediction.film.model_copy(update=scale)

    def points_px(self, is_wanted: Callable[[SettledPoint], bool] = lambda _: True) -> NDArray[np.float64]:
        """(L, 2) the points as they stand, in px; NaN where one is missing or not wanted."""
        places = [_place(point) if is_wanted(point) else None for point in self.points]
        return np.array([place or (np.nan, np.nan) for place in places], dtype=np.float64)

    def analysis(self, analyses: str | Sequence[AnalysisDefinition] = "isbi") -> Analysis:
        """Measure the points as they stand.

        A point that a person put where it is adds nothing to an interval; what is measured from such points
        alone has none.

        Args:
            analyses: names with commas between, or "all"; or what `load_analyses` gives.

        Raises:
            InputError: there is no such analysis.
        """
        prediction, persons = self.prediction, {}
        for point in self.points:
            if point.is_by_hand or point.origin == "missing":
                persons[point.number] = _place(point)
        accepted = frozenset(point.number for point in self.points if point.origin == "accepted")
        return Analysis(
            film=self.film,
            model=prediction.model,
            points_from=self.points_from,
            verdict=prediction.verdict,
            why=prediction.why,
            promise=prediction.promise,
            for_whom=prediction.for_whom,
            errors_from=self._measurer.errors_from,
            min_probability=MIN_PROBABILITY,
            draws=DRAWS,
            seed=0,
            measurements=self._measurer.measure(analyses, persons, settled=accepted),
            points=tuple(self._measured_points()),
            reader=prediction.reader,
        )

    @property
    def points_from(self) -> str:
        """The model's name, and how many points a person decided how."""
        counts = Counter(point.origin for point in self.points if point.origin != "predicted")
        if not counts:
            return self.prediction.model.name
        words = ", ".join(f"{count} {origin}" for origin, count in counts.items())
        return f"{self.prediction.model.name}, {words} by {self.observer}"

    @cached_property
    def _measurer(self) -> FilmMeasurer:
        return FilmMeasurer(self.landmark_set, self.prediction, self.mm_per_px)

    def _measured_points(self) -> Iterable[MeasuredPoint]:
        for point, mark in zip(self.points, self.prediction.landmarks, strict=True):
            place = _place(point)
            if place is None:
                continue
            if point.is_settled:
                why = f"{point.origin} by {point.who}"
                yield MeasuredPoint(code=point.code, x_px=place[0], y_px=place[1], why=why)
                continue
            yield MeasuredPoint(
                code=point.code,
                x_px=place[0],
                y_px=place[1],
                verdict=mark.verdict,
                why=mark.why,
                note=mark.note,
            )


def found_points(prediction: Prediction) -> tuple[SettledPoint, ...]:
    """The points as the model found them."""
    return tuple(
        SettledPoint(mark.number, mark.code, mark.name, *_finite(mark.x_px, mark.y_px))
        for mark in prediction.landmarks
    )


def _finite(x_px: float, y_px: float) -> tuple[float, float] | tuple[None, None]:
    return (x_px, y_px) if isfinite(x_px) and isfinite(y_px) else (None, None)


def _place(point: SettledPoint) -> tuple[float, float] | None:
    return None if point.x_px is None or point.y_px is None else (point.x_px, point.y_px)

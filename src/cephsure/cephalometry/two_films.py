"""Two films of a patient, what was found on each, and how far each landmark moved between them."""

from __future__ import annotations

from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure.cephalometry.analysis import Analysis  # noqa: TC001 - fields' types
from cephsure.cephalometry.formula import Frozen
from cephsure.cephalometry.own_points import NO_INTERVAL
from cephsure.cephalometry.superimposition import (
    LEVEL,
    SCHEMA,
    TITLES,
    PlacedPoints,
    Superimposition,
    superimpose,
    upwards,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cephsure.cephalometry.superimposition import MovedPoint, On
    from cephsure.uncertainty.prediction import Prediction

# Sella to nasion grows by some 15 % from four years to the adult, and devices magnify by 0 to 15 %.
_MOST_GROWN = 1.25
_OF_A_FILM = ("film", "model", "reader", "points_from", "verdict", "why", "promise", "for_whom")


class TwoFilms(Frozen):
    """A patient's film laid on an earlier one, with what stands behind the points of both.

    Attributes:
        first: the earlier film and its points, nothing measured on it; ``second`` the later one.
        names: of the landmarks, by code.
        found: how far each landmark moved.
        notes: what else must be said of the two films together.
    """

    first: Analysis
    second: Analysis
    names: dict[str, str]
    found: Superimposition
    notes: tuple[str, ...] = ()
    disclaimer: str = "Research use only. Not a medical device."

    def __str__(self) -> str:
        """The table that ``cephsure superimpose`` prints."""
        from cephsure.cephalometry.two_films_table import two_films_lines

        return "\n".join(line.text for line in two_films_lines(self, get_terminal_size().columns))

    @property
    def films(self) -> tuple[tuple[str, Analysis], ...]:
        """Both films with what they are called: T1 and T2."""
        return ("T1", self.first), ("T2", self.second)

    @property
    def length(self) -> str:
        """The line whose length displacements in percent are of."""
        return "-".join(self.found.reference[:2])

    def is_for_review(self, point: MovedPoint) -> bool:
        """Whether a displacement rests on a point that is not accepted: its own, or one of the reference."""
        return bool({point.code, *self.found.reference} & self._not_accepted)

    @property
    def _not_accepted(self) -> set[str]:
        points = (*self.first.points, *self.second.points)
        return {point.code for point in points if point.verdict == "review"}

    def headline(self) -> str:
        """How many landmarks moved, in one line, or that nothing is said of it."""
        laid = f"T2 laid on T1: {TITLES[self.found.on]}"
        if self.found.on == "best":
            laid += f" of {', '.join(self.found.reference)}"
        judged = self.found.judged
        if not judged:
            return f"{laid}; what moved is not judged"
        count = sum(bool(point.moved) for point in judged)
        return f"{laid}; {count} of {len(judged)} landmarks moved by more than the points may be off"

    def document(self) -> dict[str, Any]:
        """Both films and the displacements as JSON data, ``cephsure.superimposition/1``.

        Upwards is positive: covariances are of (forward, up).
        """
        found = self.found.model_dump(mode="json", exclude={"points", "notes"})
        return {
            "schema": SCHEMA,
            "title": TITLES[self.found.on],
            **found,
            "level": LEVEL,
            "notes": [*self.found.notes, *self.notes],
            "first": self.first.model_dump(mode="json", include=set(_OF_A_FILM)),
            "second": self.second.model_dump(mode="json", include=set(_OF_A_FILM)),
            "points": [self._row(point) for point in self.found.points],
            "disclaimer": self.disclaimer,
        }

    def _row(self, point: MovedPoint) -> dict[str, Any]:
        row = point.model_dump(mode="json")
        down, covariance = row.pop("down_mm"), row.pop("covariance_mm2")
        if covariance is not None:
            (a, b), (c, d) = covariance
            covariance = [[a, -b], [-c, d]]
        return {
            "code": row.pop("code"),
            "name": self.names[point.code],
            **row,
            "up_mm": upwards(down),
            "covariance_mm2": covariance,
            "for_review": self.is_for_review(point),
        }


def placed_points(analysis: Analysis, codes: Sequence[str], prediction: Prediction | None) -> PlacedPoints:
    """A film's points with their errors; how far a person's points are off is not known.

    Args:
        analysis: of the film; its points are taken where there is no ``prediction``.
        codes: of the landmark set.
        prediction: of the film, by a model.
    """
    if prediction is not None:
        return PlacedPoints.of(prediction)
    at = {point.code: (point.x_px, point.y_px) for point in analysis.points}
    return PlacedPoints(
        codes=tuple(codes),
        points_px=np.array([at.get(code, (np.nan, np.nan)) for code in codes]),
        mm_per_px=analysis.film.mm_per_px,
        facing=analysis.film.facing,
        reason=NO_INTERVAL,
    )


def lay_together(
    analyses: tuple[Analysis, Analysis],
    predictions: tuple[Prediction | None, Prediction | None],
    names: dict[str, str],
    *,
    on: On = "sn",
    stable: Sequence[str] = (),
) -> TwoFilms:
    """Lay the second of two films on the first.

    Args:
        analyses: of the films, the earlier one first.
        predictions: of the films; None for one whose points are a person's.
        names: of the landmark set, by code, in its order.
        on: the reference.
        stable: with "best": codes of landmarks that did not move.

    Raises:
        InputError: the reference is not on both films.
    """
    first, second = (
        placed_points(analysis, tuple(names), prediction)
        for analysis, prediction in zip(analyses, predictions, strict=True)
    )
    found = superimpose(first, second, on=on, stable=stable)
    notes = _lengths(found, first, second)
    return TwoFilms(first=analyses[0], second=analyses[1], names=names, found=found, notes=notes)


def _lengths(found: Superimposition, first: PlacedPoints, second: PlacedPoints) -> tuple[str, ...]:
    """A doubt where the reference line differs more than by growth: then a scale is wrong, or a point."""
    if first.mm_per_px is None or second.mm_per_px is None:
        return ()
    ends = [first.codes.index(code) for code in found.reference[:2]]
    one, other = (
        float(np.linalg.norm((film.points_px[ends[1]] - film.points_px[ends[0]]) * film.mm_per_px))
        for film in (first, second)
    )
    if max(one, other) <= _MOST_GROWN * min(one, other):
        return ()
    line = "-".join(found.reference[:2])
    return (f"{line} is {one:.0f} mm on T1 and {other:.0f} mm on T2: are both scales right? (--mm-per-px2)",)

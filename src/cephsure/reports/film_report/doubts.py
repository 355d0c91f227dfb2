"""What is doubtful on a film, and why: points, measurements, the scale."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cephsure.cephalometry.measured import NO_SCALE, SCALE_IN_DOUBT
from cephsure.uncertainty.text_lines import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cephsure.cephalometry import Analysis
    from cephsure.cephalometry.reviewed_film import ReviewedFilm, SettledPoint
    from cephsure.uncertainty.prediction import LandmarkPrediction

_TOO_UNCERTAIN = re.compile(r"expected \S+ > (\S+ mm)")


@dataclass(frozen=True, slots=True)
class Doubt:
    """What is doubtful, and why."""

    what: str
    why: str

    def __str__(self) -> str:
        """Both in a line."""
        return f"{self.what}: {self.why}"


def doubts_of(film: ReviewedFilm, analysis: Analysis) -> tuple[Doubt, ...]:
    """What must be looked at, the film's own verdict aside, which stands above all."""
    return (*_points(film), *_measurements(analysis), *_without_errors(film, analysis))


def doubtful_points(film: ReviewedFilm) -> list[tuple[SettledPoint, LandmarkPrediction]]:
    """Points that the gate does not accept, and nobody has settled since; those that are referred too."""
    both = zip(film.points, film.prediction.landmarks, strict=True)
    return [
        (point, mark)
        for point, mark in both
        if not point.is_settled
        and point.x_px is not None
        and (mark.verdict == "review" or point.origin == "referred")
    ]


def _points(film: ReviewedFilm) -> Iterator[Doubt]:
    """Points by the reason why they are not accepted, the most uncertain first."""
    reasons: dict[str, list[tuple[float, str]]] = {}
    for point, mark in doubtful_points(film):
        code, error = printable(point.code), mark.expected_error_mm
        if point.origin == "referred":
            reasons.setdefault(f"referred by {printable(point.who or '')}", []).append((0.0, code))
        elif error is not None and (too_far := _TOO_UNCERTAIN.fullmatch(mark.why or "")):
            said = f"expected error in mm, accepted up to {too_far[1]}"
            reasons.setdefault(said, []).append((-error, f"{code} {error:.1f}"))
        else:
            reasons.setdefault(mark.why or "not accepted", []).append((0.0, code))
    for reason, points in reasons.items():
        names = [name for _, name in sorted(points, key=lambda each: each[0])]
        if len(names) == len(film.points):
            yield Doubt(f"All {len(names)} points", reason)
        elif reason.startswith("expected error"):
            yield Doubt(f"To be looked at ({reason})", ", ".join(names))
        else:
            yield Doubt(", ".join(names), reason)
    for point, mark in zip(film.points, film.prediction.landmarks, strict=True):
        if point.x_px is None:
            who = "" if point.who is None else f", says {printable(point.who)}"
            yield Doubt(printable(point.code), f"cannot be seen{who}" if who else "no point")
        elif mark.note is not None and not point.is_settled:
            yield Doubt(printable(point.code), mark.note)


def _measurements(analysis: Analysis) -> Iterator[Doubt]:
    """What could not be measured, or may not be held against a norm."""
    missing: dict[str, list[str]] = {}
    for value in analysis.measurements:
        if value.missing is not None:
            missing.setdefault(value.missing, []).append(value.code)
    for reason, codes in missing.items():
        if reason == NO_SCALE:
            yield Doubt("No distances", "the film's scale is not known; angles and ratios need none")
        else:
            yield Doubt(f"No {', '.join(dict.fromkeys(codes))}", reason)
    doubt = next(
        (
            value.not_decided
            for value in analysis.measurements
            if (value.not_decided or "").startswith(SCALE_IN_DOUBT)
        ),
        None,
    )
    if doubt is not None:
        yield Doubt("Distances are not held against norms", f"{doubt}; is the scale right?")


def _without_errors(film: ReviewedFilm, analysis: Analysis) -> Iterator[Doubt]:
    prediction = film.prediction
    is_persons = all(point.is_settled for point in film.points)  # their classes are those of their values
    if is_persons:
        return
    if analysis.errors_from == "none" and any(value.no_interval for value in analysis.measurements):
        why = (
            "the film is unfit"
            if prediction.verdict == "unfit"
            else prediction.no_promise or "the model is not calibrated"
        )
        yield Doubt("No errors and no decided classes", why)
    elif prediction.verdict is None and any(value.decision for value in analysis.measurements):
        yield Doubt("Classes are decided by probability alone", "no verdict stands behind them")

"""Two films of a patient laid on each other, by their points as they stand: people's where there are any."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure.cephalometry.own_points import NO_INTERVAL, facing_of
from cephsure.cephalometry.superimposition import TITLES, PlacedPoints, superimpose, upwards

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cephsure.cephalometry.superimposition import On, Superimposition
    from cephsure.review.desk import OpenFilm

_MARKED = ("edited", "placed")


def placed_points(film: OpenFilm) -> PlacedPoints:
    """A film's points with their errors; how far a person's own points are off is not known.

    Raises:
        InputError: there is no prediction, and where the face looks cannot be told from the points.
    """
    points_px, prediction = film.points_px(), film.measurer.prediction
    codes = film.measurer.landmark_set.codes
    if prediction is None:
        facing = facing_of(dict(zip(codes, points_px, strict=True)))
        return PlacedPoints(tuple(codes), points_px, film.mm_per_px, facing, reason=NO_INTERVAL)
    found = replace(PlacedPoints.of(prediction), points_px=points_px, mm_per_px=film.mm_per_px)
    own = [point.landmark - 1 for point in film.view.points if point.value.state in _MARKED]
    if found.covariance_px is None or not own:
        return found
    covariance = found.covariance_px.copy()
    places = np.array([[2 * row, 2 * row + 1] for row in own]).ravel()
    covariance[places], covariance[:, places] = np.nan, np.nan
    return replace(found, covariance_px=covariance, reason=NO_INTERVAL)


def superimposed(first: OpenFilm, second: OpenFilm, on: On, stable: Sequence[str]) -> dict[str, Any]:
    """The second film laid on the first, as JSON data.

    Raises:
        InputError: the reference is not on both films.
    """
    found = superimpose(placed_points(first), placed_points(second), on=on, stable=stable)
    (a, b), (c, d) = found.matrix
    marks = {mark.code: mark for mark in first.measurer.landmark_set.landmarks}
    return {
        "on": on,
        "reference": list(found.reference),
        "first": _about(first),
        "second": _about(second),
        "matrix": [[a, b, found.shift_px[0]], [c, d, found.shift_px[1]]],
        "mm": first.mm_per_px is not None and second.mm_per_px is not None,
        "points": [
            {
                "number": marks[point.code].number,
                "code": point.code,
                "name": marks[point.code].name,
                "first": list(point.first_px),
                "second": list(point.second_px),
                "forward_mm": point.forward_mm,
                "up_mm": upwards(point.down_mm),
                "distance_mm": point.displacement_mm,
                "distance_percent": point.displacement_percent,
                "interval_mm": None if point.interval_90_mm is None else list(point.interval_90_mm),
                "moved": point.moved,
            }
            for point in found.points
        ],
        "words": _words(found),
    }


def _about(film: OpenFilm) -> dict[str, Any]:
    record = film.view.film
    return {
        "film_id": record.film_id,
        "name": record.name,
        "width_px": record.width_px,
        "height_px": record.height_px,
    }


def _words(found: Superimposition) -> str:
    """What was laid on what, how much moved, and what else must be said, in one line."""
    parts = [f"laid on {TITLES[found.on]}"]
    if found.judged:
        count = sum(bool(point.moved) for point in found.judged)
        parts.append(f"{count} of {len(found.judged)} points moved by more than they may be off (90 %)")
    if found.no_interval is not None:
        parts.append(f"no intervals: {found.no_interval}")
    words = "; ".join([*parts, *found.notes])
    return words.replace("(give --mm-per-px)", "(measure a known length on each with the ruler)")

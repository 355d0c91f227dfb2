"""Whether regions hold what they promise: each corrected film beside the prediction it was marked by."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure.projects.records import MARKED
from cephsure.uncertainty.monitor import watch
from cephsure.uncertainty.prediction import Region
from cephsure.uncertainty.regions import holds

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cephsure.projects import PersonsFilm, Point
    from cephsure.review.desk import Desk


def monitor_document(desk: Desk, annotated: Iterable[PersonsFilm]) -> dict[str, Any] | None:
    """The course of coverage over the films that one person marked, in the order in which that was begun.

    None where no marked point had a region.
    """
    shares, names, level = [], [], 0.9
    for name, points in _films_in_order(desk, annotated):
        held, level = _held(desk, points, level)
        if held:
            shares.append(1.0 - sum(held) / len(held))
            names.append(name)
    if not shares:
        return None
    readings = watch(shares, level=level)
    alarm = any(reading.alarm for reading in readings)
    mean = 1.0 - readings[-1].mean_outside
    count = f"{len(readings)} corrected film{'' if len(readings) == 1 else 's'}"
    words = f"over {count} the regions held {100 * mean:.0f} % of the points; {100 * level:g} % are promised"
    if alarm:
        words += ": the promise does not hold here any more"
    return {
        "level": level,
        "alarm": alarm,
        "words": words,
        "rows": [
            {
                "name": name,
                "share": 1.0 - reading.outside_share,
                "running": 1.0 - reading.mean_outside,
                "evidence": reading.wealth,
            }
            for name, reading in zip(names, readings, strict=True)
        ],
    }


def _films_in_order(desk: Desk, annotated: Iterable[PersonsFilm]) -> list[tuple[str, list[Point]]]:
    """Each film with the points that the person marked on it, by the first of their events."""
    found = []
    for film in annotated:
        view = desk.project.film(film.film.film_id)
        points = [
            point for point in view.points if point.value.who == film.who and point.value.state in MARKED
        ]
        if points:
            found.append((min(point.event_id for point in points), film.film.name, points))
    return [(name, points) for _, name, points in sorted(found, key=lambda row: row[0])]


def _held(desk: Desk, points: list[Point], level: float) -> tuple[list[bool], float]:
    """Which of the points lie in their regions as predicted when they were marked, and at which level."""
    held = []
    for point in points:
        value = point.value
        if value.prediction_id is None or value.x_px is None or value.y_px is None:
            continue
        region = desk.region(point.film_id, value.prediction_id, point.landmark)
        if region is not None:
            level = region.level
            held.append(bool(holds(region, np.array([value.x_px, value.y_px]))))
    return held, level


def regions_of_text(document: str) -> dict[int, Region]:
    """The regions of a stored prediction by the landmark's number, those withheld from an unfit film too."""
    regions = {}
    for mark in json.loads(document)["landmarks"]:
        stated = mark.get("withheld") or mark
        if stated.get("region") is not None:
            regions[int(mark["number"])] = Region.model_validate(stated["region"])
    return regions

"""What the page is told of films, as JSON data; `docs/review-api.md` describes it."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING, Any, get_args

from cephsure.errors import InputError
from cephsure.file_names import escaped
from cephsure.projects.records import FilmState, PointState
from cephsure.review.details import regions_of
from cephsure.sample_films import sample_films

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cephsure.projects import Event, Point, Project, QueueRow
    from cephsure.review.desk import Desk, OpenFilm

TOUCHED: tuple[PointState, ...] = tuple(state for state in get_args(PointState) if state != "predicted")
STATES: tuple[FilmState, ...] = get_args(FilmState)


def queue_document(rows: Iterable[QueueRow]) -> list[dict[str, Any]]:
    """Rows of the queue."""
    return [
        {
            "film_id": row.film_id,
            "name": row.name,
            "verdict": row.verdict,
            "why": row.unread or row.why,
            "doubt": row.doubt,
            "state": row.state,
            "points": {state: row.counts.get(state, 0) for state in TOUCHED},
            "width_px": row.width_px,
            "height_px": row.height_px,
        }
        for row in rows
    ]


def counts(rows: Sequence[QueueRow]) -> dict[str, int]:
    """How many films there are, and in each state."""
    found = Counter(row.state for row in rows)
    return {"films": len(rows), **{state: found.get(state, 0) for state in STATES}}


def film_document(desk: Desk, film: OpenFilm, who: str) -> dict[str, Any]:
    """All that the page shows of a film."""
    view = desk.project.film(film.view.film.film_id, who=who)  # what this person can undo
    record, prediction = view.film, view.prediction
    details = None if prediction is None else desk.details(prediction.document)
    before, after = desk.neighbours(record.film_id)
    own = {} if film.document is None else regions_of(film.document)
    return {
        "film_id": record.film_id,
        "name": record.name,
        "path": escaped(str(record.path)),
        "sha256": record.sha256,
        "width_px": record.width_px,
        "height_px": record.height_px,
        "state": view.state,
        "verdict": None if prediction is None else prediction.verdict,
        "why": None if prediction is None else prediction.why,
        "unread": record.unread,
        "credit": _credits().get(record.sha256),
        "scale": scale_document(desk, film),
        "prediction": film.document,
        "prediction_id": None if prediction is None else prediction.prediction_id,
        "predicting": desk.predictor.is_wanted(record.film_id),
        "regions": {**({} if details is None else details.regions), **own},
        "heatmaps": details is not None and bool(details.maps.any()),
        "points": point_rows(desk.project, view.points),
        "can_undo": bool(view.undo),
        "can_redo": bool(view.redo),
        "previous": before,
        "next": after,
    }


@cache
def _credits() -> dict[str, str]:
    """The sample films' credit lines by the hashes of their files; none where they are not installed."""
    try:
        return {film.sha256: film.credit for film in sample_films()}
    except InputError:
        return {}


def scale_document(desk: Desk, film: OpenFilm) -> dict[str, Any]:
    """A film's scale, where it comes from, and what the head says of it."""
    scale = film.mm_per_px
    return {
        "mm_per_px": None if scale is None else list(scale),
        "source": film.scale_source,
        "warning": desk.facts.about_scale(film.points_px(), scale),
        "ruler": None if film.view.review.ruler is None else film.view.review.ruler.to_dict(),
    }


def point_rows(project: Project, points: Sequence[Point]) -> list[dict[str, Any]]:
    """The points of a film that somebody touched."""
    if not points:
        return []
    events = {event.event_id: event for event in project.history(points[0].film_id)}
    return [_point_row(point, events.get(point.event_id)) for point in points]


def _point_row(point: Point, event: Event | None) -> dict[str, Any]:
    value = point.value
    return {
        "number": point.landmark,
        "state": value.state,
        "x_px": value.x_px,
        "y_px": value.y_px,
        "revision": point.revision,
        "event_id": point.event_id,
        "who": value.who or (None if event is None else event.who),
        "at": None if event is None else event.at,
    }


def event_row(event: Event) -> dict[str, Any]:
    """Something that happened to a film."""
    return {
        "event_id": event.event_id,
        "at": event.at,
        "who": event.who,
        "kind": event.kind,
        "about": event.about,
        "action": event.action,
        "number": event.landmark,
        "revision": event.revision,
        "before": None if event.before is None else json.loads(event.before),
        "after": None if event.after is None else json.loads(event.after),
        "undoes": event.undoes,
    }

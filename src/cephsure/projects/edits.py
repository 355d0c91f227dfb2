"""What people do to a film becomes events, each request once; a point that others changed is not overwritten.

All functions run inside a transaction that writes; where one raises, nothing of its request is stored.
"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, get_args

from cephsure.errors import InputError
from cephsure.projects import rows
from cephsure.projects.records import (
    MARKED,
    STATE_OF_ACTION,
    UNTOUCHED,
    Conflict,
    Point,
    Recorded,
    Review,
    ReviewState,
    Ruler,
    Value,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

    from cephsure.projects.records import (
        About,
        Event,
        FilmRecord,
        Kind,
        PointEdit,
        StoredPrediction,
    )

_WHO, _REQUEST = "the person's name", "the request's identifier"
_PERSON_MEAN = "mean"
MM_PER_PX_RANGE = (0.01, 2.0)
"""As ``films.spacing`` has it, which is no room below this one."""


class Request:
    """One request of a person about a film, being stored."""

    def __init__(self, connection: sqlite3.Connection, *, film_id: int, who: str, request_id: str) -> None:
        self.connection = connection
        self.film = rows.film(connection, film_id)
        self.who = rows.checked_line(who, _WHO)
        if self.who.casefold() == _PERSON_MEAN:
            raise InputError(
                "nobody can be called 'mean': the mean of all persons is called so",
                remedy="give another name",
            )
        self.request_id = rows.checked_line(request_id, _REQUEST)
        self.at = datetime.now(UTC).isoformat(timespec="milliseconds")
        self.events: list[Event] = []

    def once(self, content: dict[str, Any], work: Callable[[], None]) -> Recorded:
        """Do the request's work, unless it was done before: then the first answer is given again.

        Raises:
            InputError: another request had this identifier, or a number in it is none.
        """
        said = {"film": self.film.film_id, "who": self.who, **content}
        try:
            text = json.dumps(said, sort_keys=True, ensure_ascii=False, allow_nan=False)
        except ValueError as error:
            raise InputError("a position or length is no number") from error
        query = "SELECT content FROM requests WHERE request_id = ?"
        row = self.connection.execute(query, (self.request_id,)).fetchone()
        if row is not None:
            if row["content"] != text:
                raise InputError(
                    f"the request's identifier {self.request_id!r} was used for another request",
                    remedy="give each request an identifier of its own",
                )
            return recorded(self.connection, self.request_id)
        self.connection.execute("INSERT INTO requests VALUES (?, ?)", (self.request_id, text))
        work()
        return recorded(self.connection, self.request_id)

    def _add(
        self,
        kind: Kind,
        about: About,
        action: str,
        *,
        before: str | None,
        after: str | None,
        landmark: int | None = None,
        revision: int | None = None,
        undoes: int | None = None,
    ) -> Event:
        event = rows.insert_event(
            self.connection,
            request_id=self.request_id,
            place=len(self.events),
            film_id=self.film.film_id,
            at=self.at,
            who=self.who,
            kind=kind,
            about=about,
            action=action,
            landmark=landmark,
            revision=revision,
            before=before,
            after=after,
            undoes=undoes,
        )
        self.events.append(event)
        return event

    def set_point(
        self, point: Point, value: Value, *, kind: Kind, action: str, undoes: int | None = None
    ) -> None:
        """Give a point another value."""
        revision = point.revision + 1
        event = self._add(
            kind,
            "point",
            action,
            before=point.value.to_json(),
            after=value.to_json(),
            landmark=point.landmark,
            revision=revision,
            undoes=undoes,
        )
        changed = replace(point, value=value, revision=revision, event_id=event.event_id)
        rows.store_point(self.connection, changed)

    def set_state(
        self, state: ReviewState, who: str | None, *, kind: Kind, action: str, undoes: int | None = None
    ) -> None:
        """Give the film another state."""
        said = rows.review(self.connection, self.film.film_id)
        changed = replace(said, state=state, who=who)
        event = self._add(
            kind, "film", action, before=state_text(said), after=state_text(changed), undoes=undoes
        )
        rows.store_review(self.connection, self.film.film_id, changed, event.event_id)

    def set_ruler(self, ruler: Ruler | None, *, kind: Kind, action: str, undoes: int | None = None) -> None:
        """Give the film another scale."""
        said = rows.review(self.connection, self.film.film_id)
        changed = replace(said, ruler=ruler)
        event = self._add(
            kind,
            "scale",
            action,
            before=rows.ruler_text(said.ruler),
            after=rows.ruler_text(ruler),
            undoes=undoes,
        )
        rows.store_review(self.connection, self.film.film_id, changed, event.event_id)

    def add_note(self, text: str) -> None:
        """Write a note."""
        self._add("note", "note", "note", before=None, after=json.dumps(text, ensure_ascii=False))


def recorded(connection: sqlite3.Connection, request_id: str) -> Recorded:
    """The answer to a request that is stored: always the same one."""
    stored = tuple(rows.events(connection, "request_id = ?", request_id))
    left = tuple(
        Point(event.film_id, event.landmark, Value.from_json(event.after), event.revision, event.event_id)
        for event in stored
        if event.landmark is not None and event.after is not None and event.revision is not None
    )
    return Recorded(request_id, stored, left)


def state_text(said: Review) -> str:
    """A film's state as an event holds it."""
    return json.dumps({"state": said.state, "who": said.who}, ensure_ascii=False)


def edit_points(request: Request, edits: Sequence[PointEdit], n_landmarks: int) -> None:
    """Store edits of points, all or none.

    Raises:
        InputError: an edit cannot be: no such landmark, no position, or one outside the film; a point twice.
        Conflict: a point is not as the person saw it.
    """
    if not edits:
        raise InputError("a request must hold at least one edit")
    numbers = [edit.landmark for edit in edits]
    if len(set(numbers)) < len(numbers):
        raise InputError("a request may edit each point only once")
    current = {point.landmark: point for point in rows.points(request.connection, request.film.film_id)}
    prediction = rows.newest_prediction(request.connection, request.film.film_id)
    stale = []
    for edit in edits:
        if not 1 <= edit.landmark <= n_landmarks:
            raise InputError(f"there is no landmark {edit.landmark}: the set has 1 to {n_landmarks}")
        if edit.base_revision != getattr(current.get(edit.landmark), "revision", 0):
            stale.append(edit.landmark)
    if stale:
        raise Conflict(
            f"{_points(stale)} changed since you saw {'it' if len(stale) == 1 else 'them'}",
            remedy="look at both and choose",
            current=tuple(current[number] for number in stale if number in current),
        )
    for edit in edits:
        point = current.get(edit.landmark, Point(request.film.film_id, edit.landmark, UNTOUCHED, 0, 0))
        value = _edited(edit, point.value, request, prediction)
        request.set_point(point, value, kind="point", action=edit.action)


def _points(numbers: Sequence[int]) -> str:
    return f"point {numbers[0]} was" if len(numbers) == 1 else f"points {', '.join(map(str, numbers))} were"


def _edited(edit: PointEdit, before: Value, request: Request, prediction: StoredPrediction | None) -> Value:
    """The value that an edit gives a point."""
    if edit.action not in STATE_OF_ACTION:
        raise InputError(f"there is no action {edit.action!r}", remedy=f"known: {', '.join(STATE_OF_ACTION)}")
    if edit.action == "reset":
        return UNTOUCHED
    place = _given_place(edit, request.film)
    if place is None and edit.action in ("edit", "place"):
        raise InputError(f"point {edit.landmark}: {edit.action} needs a position x_px, y_px")
    if place is None and edit.action in ("accept", "refer"):
        place = _shown_place(edit.landmark, before, prediction)
        if place is None and edit.action == "accept":
            raise InputError(
                f"point {edit.landmark} cannot be accepted: it is neither predicted nor marked",
                remedy="place it, or call it missing",
            )
    x_px, y_px = (None, None) if place is None or edit.action == "missing" else place
    return Value(
        STATE_OF_ACTION[edit.action],
        x_px,
        y_px,
        request.who,
        None if prediction is None else prediction.prediction_id,
    )


def _given_place(edit: PointEdit, film: FilmRecord) -> tuple[float, float] | None:
    if edit.x_px is None and edit.y_px is None:
        return None
    if edit.x_px is None or edit.y_px is None:
        raise InputError(f"point {edit.landmark}: a position needs both x_px and y_px")
    check_inside(edit.x_px, edit.y_px, film, f"point {edit.landmark}")
    return float(edit.x_px), float(edit.y_px)


def check_inside(x_px: float, y_px: float, film: FilmRecord, what: str) -> None:
    """Raise `InputError` for a position that lies outside the film, where its size is known."""
    width = math.inf if film.width_px is None else film.width_px
    height = math.inf if film.height_px is None else film.height_px
    if not (-0.5 <= x_px <= width - 0.5 and -0.5 <= y_px <= height - 0.5):
        raise InputError(f"{what} lies outside the film, at ({x_px:g}, {y_px:g})")


def _shown_place(
    landmark: int, before: Value, prediction: StoredPrediction | None
) -> tuple[float, float] | None:
    """Where a point is shown: where somebody marked it, or else where it was predicted."""
    if before.state in MARKED and before.x_px is not None and before.y_px is not None:
        return before.x_px, before.y_px
    for found in [] if prediction is None else json.loads(prediction.document).get("landmarks", []):
        if found.get("number") == landmark and found.get("x_px") is not None:
            return float(found["x_px"]), float(found["y_px"])
    return None


def measure_scale(request: Request, ruler: Ruler | None) -> None:
    """Store the film's scale by a ruler laid on it; None takes it away.

    Raises:
        InputError: the points are the same or outside the film, or the length is not positive.
    """
    if ruler is not None:
        for end in (ruler.start_px, ruler.end_px):
            check_inside(*end, request.film, "the ruler's end")
        if math.dist(ruler.start_px, ruler.end_px) < 1:
            raise InputError("the ruler's two ends are at the same place", remedy="click two points apart")
        least, most = MM_PER_PX_RANGE
        if not (ruler.length_mm > 0 and least <= ruler.mm_per_px <= most):
            raise InputError(
                f"{ruler.length_mm:g} mm between these points are {ruler.mm_per_px:g} mm per pixel: "
                f"films have {least:g} to {most:g}",
                remedy="type the known length in mm",
            )
    request.set_ruler(ruler, kind="scale", action="ruler")


def set_film_state(request: Request, state: ReviewState) -> None:
    """Store that the person reviewed the film, refers it to somebody, or opens it again."""
    states = get_args(ReviewState)
    if state not in states:
        raise InputError(f"there is no state {state!r} of a film", remedy=f"known: {', '.join(states)}")
    request.set_state(state, None if state == "open" else request.who, kind="film", action=state)

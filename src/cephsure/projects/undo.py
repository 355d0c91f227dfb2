"""Undo and redo: each person's own requests on a film, last first; both are events like any other."""

from __future__ import annotations

import json
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Literal

from cephsure.errors import InputError
from cephsure.projects import rows
from cephsure.projects.edits import state_text
from cephsure.projects.records import UNTOUCHED, Conflict, Point, Value

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from cephsure.projects.edits import Request
    from cephsure.projects.records import Event

Events = tuple["Event", ...]
Direction = Literal["undo", "redo"]


def next_to_undo_and_redo(events: Iterable[Event]) -> tuple[Events, Events]:
    """What one person would undo, and redo, next on one film: the events of a request, or none.

    ``events`` are all of this person on this film, in their order. What is redone are the "undo" events.
    """
    done: list[Events] = []
    undone: list[tuple[Events, Events]] = []  # what was done, and its undo
    for _, group in groupby(events, key=attrgetter("request_id")):
        request = tuple(group)
        kind = request[0].kind
        if kind == "undo":
            undone.append((done.pop(), request))
        elif kind == "redo":
            done.append(undone.pop()[0])
        elif kind != "note":
            done.append(request)
            undone.clear()
    return (done[-1] if done else ()), (undone[-1][1] if undone else ())


def of_person(connection: sqlite3.Connection, film_id: int, who: str) -> tuple[Events, Events]:
    """What a person would undo, and redo, next on a film."""
    return next_to_undo_and_redo(rows.events(connection, "film_id = ? AND who = ?", film_id, who))


def take_back(request: Request, direction: Direction) -> None:
    """Undo the person's last request on the film, or redo the last that was undone; all of it or nothing.

    Raises:
        InputError: there is nothing to undo or redo.
        Conflict: somebody else changed it since.
    """
    undo, redo = of_person(request.connection, request.film.film_id, request.who)
    events = undo if direction == "undo" else redo
    if not events:
        raise InputError(f"there is nothing to {direction}")
    now = {point.landmark: point for point in rows.points(request.connection, request.film.film_id)}
    changed = [event for event in events if not _stands(event, request, now)]
    if changed:
        numbers = [event.landmark for event in changed if event.landmark is not None]
        raise Conflict(
            f"somebody else changed this since: it cannot be {'undone' if direction == 'undo' else 'redone'}",
            remedy="change it as you want it",
            current=tuple(now[number] for number in numbers if number in now),
        )
    for event in reversed(events):
        _put_back(event, request, now, direction)


def _stands(event: Event, request: Request, now: dict[int, Point]) -> bool:
    """Whether what an event left is still there."""
    if event.landmark is not None:
        found = now.get(event.landmark)
        return (UNTOUCHED if found is None else found.value) == Value.from_json(event.after or "{}")
    said = rows.review(request.connection, request.film.film_id)
    return event.after == (state_text(said) if event.about == "film" else rows.ruler_text(said.ruler))


def _put_back(event: Event, request: Request, now: dict[int, Point], direction: Direction) -> None:
    """Bring back what was there before an event."""
    if event.landmark is not None:
        value = Value.from_json(event.before or "{}")
        request.set_point(
            now[event.landmark], value, kind=direction, action=event.action, undoes=event.event_id
        )
    elif event.about == "film":
        state = json.loads(event.before or "{}")
        request.set_state(
            state["state"], state["who"], kind=direction, action=event.action, undoes=event.event_id
        )
    else:
        request.set_ruler(
            rows.ruler_of(event.before), kind=direction, action=event.action, undoes=event.event_id
        )

"""Rows of the tables as records, and back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cephsure.errors import InputError
from cephsure.file_names import unescaped
from cephsure.projects.records import (
    Event,
    FilmRecord,
    NoSuchFilm,
    Point,
    Review,
    Ruler,
    StoredPrediction,
    Value,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

_EVENT_KEYS = tuple(Event.__dataclass_fields__)
EVENT_COLUMNS = ", ".join(_EVENT_KEYS)


def event_of(row: sqlite3.Row) -> Event:
    """A row of ``EVENT_COLUMNS`` as an event."""
    return Event(**{key: row[key] for key in _EVENT_KEYS})


def events(connection: sqlite3.Connection, condition: str = "TRUE", *values: Any) -> Iterator[Event]:
    """The events that meet an SQL condition, in their order."""
    query = f"SELECT {EVENT_COLUMNS} FROM events WHERE {condition} ORDER BY event_id"  # noqa: S608 - ours
    return map(event_of, connection.execute(query, values))


def insert_event(connection: sqlite3.Connection, **columns: Any) -> Event:
    """Add an event; all its columns but ``event_id`` are given."""
    names = ", ".join(columns)
    marks = ", ".join("?" * len(columns))
    query = f"INSERT INTO events ({names}) VALUES ({marks})"  # noqa: S608 - ours
    cursor = connection.execute(query, tuple(columns.values()))
    return Event(event_id=int(cursor.lastrowid or 0), **columns)


def point_of(row: sqlite3.Row) -> Point:
    """A row of ``points``."""
    value = Value(row["state"], row["x_px"], row["y_px"], row["who"], row["prediction_id"])
    return Point(row["film_id"], row["landmark"], value, row["revision"], row["event_id"])


def points(connection: sqlite3.Connection, film_id: int) -> tuple[Point, ...]:
    """The points of a film that somebody touched, by number."""
    query = "SELECT * FROM points WHERE film_id = ? ORDER BY landmark"
    return tuple(map(point_of, connection.execute(query, (film_id,))))


def store_point(connection: sqlite3.Connection, point: Point) -> None:
    """Put a point into its row."""
    value = point.value
    connection.execute(
        "INSERT INTO points (film_id, landmark, state, x_px, y_px, who, prediction_id, revision, event_id)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (film_id, landmark) DO UPDATE SET state = excluded.state, x_px = excluded.x_px,"
        " y_px = excluded.y_px, who = excluded.who, prediction_id = excluded.prediction_id,"
        " revision = excluded.revision, event_id = excluded.event_id",
        (
            *(point.film_id, point.landmark, value.state, value.x_px, value.y_px, value.who),
            *(value.prediction_id, point.revision, point.event_id),
        ),
    )


def review(connection: sqlite3.Connection, film_id: int) -> Review:
    """What people said of a film as a whole."""
    row = connection.execute("SELECT * FROM film_states WHERE film_id = ?", (film_id,)).fetchone()
    if row is None:
        return Review()
    return Review(row["state"], row["state_who"], ruler_of(row["scale"]))


def ruler_of(text: str | None) -> Ruler | None:
    """The ruler of a scale's JSON text."""
    return None if text is None else Ruler.from_dict(json.loads(text))


def ruler_text(ruler: Ruler | None) -> str | None:
    """A scale's JSON text, as events and rows hold it."""
    return None if ruler is None else json.dumps(ruler.to_dict())


def store_review(connection: sqlite3.Connection, film_id: int, said: Review, event_id: int) -> None:
    """Put what people said of a film into its row."""
    connection.execute(
        "INSERT INTO film_states (film_id, state, state_who, scale, event_id) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (film_id) DO UPDATE SET state = excluded.state, state_who = excluded.state_who,"
        " scale = excluded.scale, event_id = excluded.event_id",
        (film_id, said.state, said.who, ruler_text(said.ruler), event_id),
    )


def film(connection: sqlite3.Connection, film_id: int) -> FilmRecord:
    """A film by its number; `NoSuchFilm` if there is none."""
    row = connection.execute("SELECT * FROM films WHERE film_id = ?", (film_id,)).fetchone()
    if row is None:
        raise NoSuchFilm(f"there is no film {film_id} in this project")
    return film_of(row)


def film_of(row: sqlite3.Row) -> FilmRecord:
    """A row of ``films``."""
    columns = {key: row[key] for key in FilmRecord.__dataclass_fields__}
    return FilmRecord(**columns | {"path": Path(unescaped(row["path"]))})


def films(connection: sqlite3.Connection) -> tuple[FilmRecord, ...]:
    """All films, in the order in which they were added."""
    return tuple(map(film_of, connection.execute("SELECT * FROM films ORDER BY film_id")))


def newest_prediction(connection: sqlite3.Connection, film_id: int) -> StoredPrediction | None:
    """What was predicted last of a film."""
    query = "SELECT * FROM predictions WHERE film_id = ? ORDER BY prediction_id DESC LIMIT 1"
    row = connection.execute(query, (film_id,)).fetchone()
    return None if row is None else prediction_of(row)


def prediction_of(row: sqlite3.Row) -> StoredPrediction:
    """A row of ``predictions``."""
    columns = {key: row[key] for key in StoredPrediction.__dataclass_fields__}
    columns["reasons"] = tuple(json.loads(columns["reasons"]))
    if columns["mm_per_px"] is not None:
        x, y = json.loads(columns["mm_per_px"])
        columns["mm_per_px"] = (x, y)
    return StoredPrediction(**columns)


def checked_line(text: str, what: str, *, longest: int = 200) -> str:
    """A name that people typed, if it is one line of text.

    Raises:
        InputError: it is empty, too long or cannot be printed.
    """
    name = text.strip()
    if not name or len(name) > longest or not name.isprintable():
        raise InputError(f"{what} must be one line of 1 to {longest} letters, is {text!r}")
    return name

"""Is a project whole? SQLite's own checks, and everything derived compared with a replay of the events."""

from __future__ import annotations

import contextlib
import sqlite3
from itertools import islice
from typing import TYPE_CHECKING

from cephsure.errors import InputError
from cephsure.projects import migrations, rows
from cephsure.projects.database import Database, project_file
from cephsure.projects.records import Review
from cephsure.projects.replay import replay

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cephsure.projects.replay import Replayed

_MOST = 20


def check(project: Path) -> list[str]:
    """What is wrong with a project, given by its folder or file: a line each, none where it is whole.

    Raises:
        InputError: it is no project, of a newer cephsure, or too damaged to be opened.
    """
    database = Database.open(project_file(project), read_only=True)
    try:
        with contextlib.closing(database), database.read() as connection:
            found = _damage(connection)
            # What SQLite itself cannot read would only give the same again.
            return found or [*_schema(connection), *_numbering(connection), *_derived(connection)]
    except InputError as error:  # opened, but too damaged to be looked through
        return [error.what]


def _damage(connection: sqlite3.Connection) -> list[str]:
    """What SQLite finds: damaged pages and indexes, values and keys that may not be."""
    checked = connection.execute(f"PRAGMA integrity_check({_MOST})")
    found = [str(row[0]) for row in checked if row[0] != "ok"]
    referring = connection.execute("PRAGMA foreign_key_check")
    found += [
        f"{table}{'' if row is None else f', row {row}'}: refers to a row of {other} that is not there"
        for table, row, other, _ in islice(referring, _MOST)
    ]
    return found[:_MOST]


def _schema(connection: sqlite3.Connection) -> Iterator[str]:
    """Tables and triggers that are not as they were made."""
    query = "SELECT type || ' ' || name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'"
    with contextlib.closing(sqlite3.connect(":memory:")) as fresh:
        fresh.executescript(migrations.schema())
        expected = dict(fresh.execute(query).fetchall())
    present = {row[0]: row[1] for row in connection.execute(query)}
    yield from (f"{name} is missing" for name in expected.keys() - present.keys())
    yield from (f"{name} is not ours" for name in present.keys() - expected.keys())
    yield from (
        f"{name} was changed" for name in expected.keys() & present.keys() if expected[name] != present[name]
    )


def _numbering(connection: sqlite3.Connection) -> Iterator[str]:
    """Events and predictions that are gone: they are numbered without a gap."""
    for table, key in (("events", "event_id"), ("predictions", "prediction_id")):
        query = f"SELECT count(*), coalesce(max({key}), 0) FROM {table}"  # noqa: S608 - ours
        count, last = connection.execute(query).fetchone()
        row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
        last = max(last, 0 if row is None else row[0])
        if count != last:
            yield f"{table}: {last} were stored, {count} are there"


def _derived(connection: sqlite3.Connection) -> Iterator[str]:
    """Points and films that do not stand as the events left them."""
    replayed = replay(rows.events(connection))
    found = [*replayed.problems, *_points(connection, replayed), *_reviews(connection, replayed)]
    yield from found[:_MOST]
    if len(found) > _MOST:
        yield f"and {len(found) - _MOST} more of the like"


def _points(connection: sqlite3.Connection, replayed: Replayed) -> Iterator[str]:
    stored = {
        (row["film_id"], row["landmark"]): rows.point_of(row)
        for row in connection.execute("SELECT * FROM points")
    }
    for film_id, landmark in sorted(stored.keys() | replayed.points.keys()):
        if stored.get((film_id, landmark)) != replayed.points.get((film_id, landmark)):
            yield f"film {film_id}, point {landmark}: is not as the events left it"


def _reviews(connection: sqlite3.Connection, replayed: Replayed) -> Iterator[str]:
    stored = {row["film_id"]: row["event_id"] for row in connection.execute("SELECT * FROM film_states")}
    for film_id in sorted(stored.keys() | replayed.reviews.keys()):
        left = replayed.reviews.get(film_id, Review())
        said = rows.review(connection, film_id)
        if said != left or stored.get(film_id) != replayed.last_events.get(film_id):
            yield f"film {film_id}: its state or scale is not as the events left it"

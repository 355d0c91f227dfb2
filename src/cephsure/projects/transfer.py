"""A project on its way: a copy of its file, and a ZIP file of JSON Lines that any program can read.

The ZIP file holds no film and no folder's name: films are their hashes and the names of their files.
"""

from __future__ import annotations

import contextlib
import io
import json
import sqlite3
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

from cephsure.atomic import check_files, write_atomically
from cephsure.errors import InputError
from cephsure.landmarks import LandmarkSet
from cephsure.projects import migrations, rows
from cephsure.projects.database import FILE_NAME, Database, project_file
from cephsure.projects.replay import replay
from cephsure.text_files import is_there, opened, to_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCHEMA = "cephsure.project"
HEAD = "project.json"
TABLES = ("films", "predictions", "requests", "events")
"""In this order, each refers only to those before it. Points follow from the events."""
_MOST_LINE, _MOST_BYTES = 2**26, 2**32
_ORDER = {"films": "film_id", "predictions": "prediction_id", "requests": "rowid", "events": "event_id"}


def backup(project: Path, to: Path) -> Path:
    """Write a copy of a project's file, whole although somebody may be working in it; it is a project itself.

    Raises:
        InputError: it is no project, the copy is there already, or cannot be written.
    """
    if is_there(to):
        raise InputError("is there already", where=to, remedy="name another file")
    check_files(to)
    database = Database.open(project_file(project), read_only=True)
    with contextlib.closing(database):
        to.parent.mkdir(parents=True, exist_ok=True)
        database.copy_to(to)
    return to


def export(project: Path, to: Path) -> dict[str, int]:
    """Write a project as a ZIP file of JSON Lines: how many rows of each table is given back.

    Raises:
        InputError: it is no project, or the file cannot be written.
    """
    check_files(to)
    database = Database.open(project_file(project), read_only=True)
    buffer = io.BytesIO()
    counts = {}
    with (
        contextlib.closing(database),
        database.read() as connection,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        head = dict(
            connection.execute("SELECT name, made_at, landmark_set, settings FROM project").fetchone()
        )
        head |= {key: json.loads(head[key]) for key in ("landmark_set", "settings")}
        head = {"schema": f"{SCHEMA}/{migrations.VERSION}", **head}
        archive.writestr(HEAD, json.dumps(head, ensure_ascii=False, indent=1))
        for table in TABLES:
            with archive.open(f"{table}.jsonl", "w") as stream:
                counts[table] = 0
                for line in _exported(connection, table):
                    stream.write(f"{json.dumps(line, ensure_ascii=False)}\n".encode())
                    counts[table] += 1
    write_atomically(to, buffer.getvalue())
    return counts


def _exported(connection: sqlite3.Connection, table: str) -> Iterator[dict[str, Any]]:
    """The rows of a table, without where films lie on this machine."""
    names = {film.film_id: film.name for film in rows.films(connection)}
    for row in connection.execute(f"SELECT * FROM {table} ORDER BY {_ORDER[table]}"):  # noqa: S608 - ours
        line = dict(row)
        if table == "films":
            line["path"] = line["name"]
        if table == "predictions":
            document = json.loads(line["document"])
            document["film"]["path"] = names[line["film_id"]]
            line["document"] = json.dumps(document, ensure_ascii=False)
        yield line


def import_(archive: Path, folder: Path) -> dict[str, int]:
    """Make a project of an exported ZIP file; films are found by their hashes when they are needed.

    Raises:
        InputError: it is no such file, or damaged, or a project is there already; nothing is left behind.
    """
    file = folder / FILE_NAME
    if is_there(file):
        raise InputError("is there already", where=file, remedy="name another folder")
    with opened(archive) as stream:
        try:
            with zipfile.ZipFile(stream) as content:
                return _import(content, archive, file)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
            raise InputError(f"is no exported project, or damaged: {error}", where=archive) from error


def _import(content: zipfile.ZipFile, archive: Path, file: Path) -> dict[str, int]:
    head = _head(content, archive)
    values = (head["name"], head["made_at"], json.dumps(head["landmark_set"]), json.dumps(head["settings"]))
    counts = {}
    database = Database.create(file, ("INSERT INTO project VALUES (1, ?, ?, ?, ?)", values))
    try:
        with database.write() as connection:
            for table in TABLES:
                counts[table] = _insert(connection, table, content, archive)
            _derive(connection, archive)
    except BaseException:
        database.close()
        with contextlib.suppress(OSError):
            file.unlink()
        raise
    database.close()
    return counts


def _head(content: zipfile.ZipFile, archive: Path) -> dict[str, Any]:
    """What the ZIP file says of the project."""
    where = f"{archive}:{HEAD}"
    lines = [line for _, line in _lines(content, HEAD, archive)]
    head = to_json(b"".join(lines), where=where)
    if not isinstance(head, dict) or not str(head.get("schema", "")).startswith(f"{SCHEMA}/"):
        raise InputError("is no exported project", where=archive)
    if head["schema"] != f"{SCHEMA}/{migrations.VERSION}":
        raise InputError(
            f"is of schema {head['schema']}, this cephsure reads {SCHEMA}/{migrations.VERSION}",
            where=archive,
            remedy="import it with the cephsure that exported it",
        )
    if not isinstance(head.get("settings"), dict) or not isinstance(head.get("landmark_set"), dict):
        raise InputError("is damaged: settings and landmark_set must be objects", where=where)
    LandmarkSet.from_dict(head["landmark_set"], where=where)
    for key in ("name", "made_at"):
        try:
            head[key] = rows.checked_line(str(head.get(key, "")), f"a project's {key}")
        except InputError as error:
            raise InputError(error.what, where=where) from error
    return head


def _lines(content: zipfile.ZipFile, name: str, archive: Path) -> Iterator[tuple[int, bytes]]:
    """The lines of a file in the ZIP file, with their numbers; so much and no more."""
    if name not in content.namelist():
        raise InputError(f"is no exported project: it lacks {name}", where=archive)
    read = 0
    with content.open(name) as stream:
        for number, line in enumerate(iter(lambda: stream.readline(_MOST_LINE), b""), start=1):
            read += len(line)
            if len(line) >= _MOST_LINE or read > _MOST_BYTES:
                raise InputError(f"is too large: {name}, line {number}", where=archive)
            yield number, line


def _insert(connection: sqlite3.Connection, table: str, content: zipfile.ZipFile, archive: Path) -> int:
    """Fill a table from its file; how many rows is given back."""
    columns = [row["name"] for row in connection.execute(f"PRAGMA table_info({table})")]
    marks = ", ".join("?" * len(columns))
    query = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 - ours
    number = 0
    for number, line in _lines(content, f"{table}.jsonl", archive):
        where = f"{archive}:{table}.jsonl:{number}"
        row = to_json(line, where=where)
        if not isinstance(row, dict) or row.keys() != set(columns):
            raise InputError(f"must be an object with the keys {', '.join(columns)}", where=where)
        try:
            connection.execute(query, [row[column] for column in columns])
        except (
            sqlite3.IntegrityError,
            sqlite3.InterfaceError,
            sqlite3.ProgrammingError,
            OverflowError,
        ) as error:
            raise InputError(f"cannot be a row of {table}: {error}", where=where) from error
    return number


def _derive(connection: sqlite3.Connection, archive: Path) -> None:
    """Points and films' states as the events leave them; `InputError` where these do not follow."""
    replayed = replay(rows.events(connection))
    if replayed.problems:
        raise InputError(f"is damaged: {replayed.problems[0]}", where=archive)
    try:
        for point in replayed.points.values():
            rows.store_point(connection, point)
        for film_id, said in replayed.reviews.items():
            rows.store_review(connection, film_id, said, replayed.last_events[film_id])
    except (sqlite3.IntegrityError, sqlite3.InterfaceError) as error:
        raise InputError(f"is damaged: {error}", where=archive) from error
    (events, last) = connection.execute("SELECT count(*), coalesce(max(event_id), 0) FROM events").fetchone()
    if events != last:
        raise InputError(f"is damaged: of {last} events {events} are there", where=archive)

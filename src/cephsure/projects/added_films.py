"""Film files become films of a project: by their content's hash, wherever they lie."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cephsure.errors import InputError
from cephsure.file_names import escaped, unescaped, writable
from cephsure.projects.records import NewFilm
from cephsure.text_files import is_file, sha256_of

if TYPE_CHECKING:
    import sqlite3


@dataclass(frozen=True, slots=True)
class SeenFile:
    """A film's file that is there."""

    path: Path
    sha256: str
    size_bytes: int
    changed_ns: int
    width_px: int | None = None
    height_px: int | None = None
    unread: str | None = None


def seen(film: NewFilm | Path) -> SeenFile | InputError:
    """A film's file with its hash, or why it cannot be opened."""
    new = film if isinstance(film, NewFilm) else NewFilm(film)
    try:
        return seen_file(new.path, new)
    except InputError as error:
        return error


def seen_file(path: Path, new: NewFilm | None = None) -> SeenFile:
    """A file with its hash, and what is known of the film in it.

    Raises:
        InputError: it cannot be opened.
    """
    new = new or NewFilm(path)
    try:
        facts = path.stat()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"cannot be read: {reason}", where=path) from error
    return SeenFile(
        # Not resolve(), which follows links: a film lies where its user says.
        path=Path(os.path.abspath(path)),  # noqa: PTH100
        sha256=new.sha256 or sha256_of(path),
        size_bytes=facts.st_size,
        changed_ns=facts.st_mtime_ns,
        width_px=new.width_px,
        height_px=new.height_px,
        unread=None if new.unread is None else writable(new.unread),
    )


def add_film(connection: sqlite3.Connection, file: SeenFile) -> int:
    """Add a film, or find it by its content; its number is given back."""
    row = connection.execute("SELECT * FROM films WHERE sha256 = ?", (file.sha256,)).fetchone()
    if row is None:
        cursor = connection.execute(
            "INSERT INTO films"
            " (sha256, name, path, size_bytes, changed_ns, added_at, width_px, height_px, unread)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(file.sha256, escaped(file.path.name), escaped(str(file.path))),
                *(file.size_bytes, file.changed_ns, datetime.now(UTC).isoformat(timespec="seconds")),
                *(file.width_px, file.height_px, file.unread),
            ),
        )
        return int(cursor.lastrowid or 0)
    film_id = int(row["film_id"])
    if not is_file(Path(unescaped(row["path"]))):
        move_film(connection, film_id, file)
    if file.width_px is not None or file.unread is not None:
        query = "UPDATE films SET width_px = ?, height_px = ?, unread = ? WHERE film_id = ?"
        connection.execute(query, (file.width_px, file.height_px, file.unread, film_id))
    return film_id


def move_film(connection: sqlite3.Connection, film_id: int, file: SeenFile) -> None:
    """Store where a film's file lies now."""
    connection.execute(
        "UPDATE films SET name = ?, path = ?, size_bytes = ?, changed_ns = ? WHERE film_id = ?",
        (
            *(escaped(file.path.name), escaped(str(file.path))),
            *(file.size_bytes, file.changed_ns, film_id),
        ),
    )

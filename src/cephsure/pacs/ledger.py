"""What arrived, what was found on it, what was sent: one SQLite file in the service's folder.

A film is on the disk before it is entered here, and entered before it is acknowledged. Its results are on
the disk before they are entered, with their UIDs, and entered before they are sent: a film has one SR, whose
UID is decided once.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from typing import TYPE_CHECKING, Literal, Self

from cephsure.errors import InputError
from cephsure.projects.database import connect, one_line_errors, transaction
from cephsure.text_files import is_file

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence
    from pathlib import Path

FILE_NAME = "cephsure-dicom.sqlite"
APPLICATION_ID = 0x43455044  # "CEPD"
VERSION = 1

Kind = Literal["sr", "gsps"]


@dataclass(frozen=True, slots=True)
class StoredFilm:
    """A film that arrived. ``name`` is what we call it: a digest of its UID."""

    id: int
    name: str
    instance_uid: str
    sha256: str
    state: str
    losses: int
    why: str | None


@dataclass(frozen=True, slots=True)
class StoredResult:
    """An object of ours that is to be sent, or was.

    Attributes:
        film: the film's name.
        tries: how often sending failed.
        next_try: when it is tried again, in seconds since 1970.
        why: why it failed last.
    """

    id: int
    film: str
    kind: Kind
    instance_uid: str
    sha256: str
    state: str
    tries: int
    next_try: float
    sent_to: str | None
    why: str | None

    @property
    def file_name(self) -> str:
        """Its file in the folder of results."""
        return f"{self.film}.{self.kind}.dcm"


@dataclass(frozen=True, slots=True)
class MadeResult:
    """An object as it was made and stored."""

    kind: Kind
    instance_uid: str
    sha256: str


class Ledger:
    """The open file. Threads take turns."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        self._turn = threading.RLock()

    @classmethod
    def open(cls, folder: Path, *, read_only: bool = False) -> Ledger:
        """Open a service's ledger; it is made if it is absent, unless it is only to be read.

        Raises:
            InputError: it is none, of a newer cephsure, or cannot be opened.
        """
        path = folder / FILE_NAME
        if read_only and not is_file(path):
            raise InputError(f"no service has stored films here ({FILE_NAME})", where=folder)
        with one_line_errors(path):
            connection = connect(path, "rw" if read_only else "rwc")
            try:
                if read_only:
                    connection.execute("PRAGMA query_only = ON")
                else:
                    _fill_empty(connection)
                _check(connection, path)
            except BaseException:
                connection.close()
                raise
        return cls(path, connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        with self._turn:
            self._connection.close()

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        """One transaction; all of it is on the disk at the end, or nothing."""
        with self._turn, one_line_errors(self.path), transaction(self._connection):
            yield self._connection

    def _rows(self, query: str, *values: object) -> list[sqlite3.Row]:
        with self._turn, one_line_errors(self.path):
            return self._connection.execute(query, values).fetchall()

    def add_film(self, *, name: str, instance_uid: str, sha256: str, size: int) -> None:
        """Enter a film that is on the disk; it waits for its prediction."""
        with self._write() as connection:
            connection.execute(
                "INSERT INTO film (name, instance_uid, sha256, bytes, arrived_at) VALUES (?, ?, ?, ?, ?)",
                (name, instance_uid, sha256, size, _now()),
            )

    def film(self, instance_uid: str) -> StoredFilm | None:
        """The film of a UID."""
        rows = self._rows(f"{_FILMS} WHERE instance_uid = ?", instance_uid)
        return _film(rows[0]) if rows else None

    def films(self, state: str | None = None) -> list[StoredFilm]:
        """All films, or those of a state, in the order of their arrival."""
        if state is None:
            return list(map(_film, self._rows(f"{_FILMS} ORDER BY id")))
        return list(map(_film, self._rows(f"{_FILMS} WHERE state = ? ORDER BY id", state)))

    def next_film(self) -> StoredFilm | None:
        """The film that has waited longest."""
        rows = self._rows(f"{_FILMS} WHERE state = 'waiting' ORDER BY losses, id LIMIT 1")
        return _film(rows[0]) if rows else None

    def stored_bytes(self) -> int:
        """What all films take together."""
        return int(self._rows("SELECT coalesce(sum(bytes), 0) FROM film")[0][0])

    def count_loss(self, film: StoredFilm) -> int:
        """A film ended the process that reads it: how often it did so by now."""
        with self._write() as connection:
            connection.execute("UPDATE film SET losses = losses + 1 WHERE id = ?", (film.id,))
        return film.losses + 1

    def fail(self, film: StoredFilm, why: str) -> None:
        """A film has no results and will have none."""
        with self._write() as connection:
            connection.execute("UPDATE film SET state = 'failed', why = ? WHERE id = ?", (why, film.id))

    def add_results(self, film: StoredFilm, made: Sequence[MadeResult]) -> None:
        """Enter a film's results, which are on the disk; from here on they are the film's."""
        with self._write() as connection:
            connection.execute("UPDATE film SET state = 'predicted', why = NULL WHERE id = ?", (film.id,))
            connection.executemany(
                "INSERT INTO result (film_id, kind, instance_uid, sha256) VALUES (?, ?, ?, ?)",
                [(film.id, each.kind, each.instance_uid, each.sha256) for each in made],
            )

    def results(self, state: str | None = None) -> list[StoredResult]:
        """All results, or those of a state, in the order in which they are to be sent."""
        if state is None:
            return list(map(_result, self._rows(f"{_RESULTS} ORDER BY result.id")))
        query = f"{_RESULTS} WHERE result.state = ? ORDER BY result.next_try, result.id"
        return list(map(_result, self._rows(query, state)))

    def next_result(self) -> StoredResult | None:
        """The result that is to be sent next; it may have to wait for its time."""
        query = f"{_RESULTS} WHERE result.state = 'waiting' ORDER BY result.next_try, result.id LIMIT 1"
        rows = self._rows(query)
        return _result(rows[0]) if rows else None

    def sent(self, result: StoredResult, to: str) -> None:
        """A result has been acknowledged by whoever it was sent to."""
        with self._write() as connection:
            connection.execute(
                "UPDATE result SET state = 'sent', why = NULL, sent_to = ?, sent_at = ? WHERE id = ?",
                (to, _now(), result.id),
            )

    def not_sent(self, result: StoredResult, why: str, next_try: float) -> None:
        """A result could not be sent."""
        with self._write() as connection:
            connection.execute(
                "UPDATE result SET tries = tries + 1, why = ?, next_try = ? WHERE id = ?",
                (why, next_try, result.id),
            )

    def try_all_now(self) -> None:
        """Let no result wait for its time: the service has been started anew, perhaps to another peer."""
        with self._write() as connection:
            connection.execute("UPDATE result SET next_try = 0 WHERE state = 'waiting'")


_FILMS = "SELECT id, name, instance_uid, sha256, state, losses, why FROM film"
_RESULTS = (
    "SELECT result.id, film.name AS film, kind, result.instance_uid, result.sha256, result.state, tries,"
    " next_try, sent_to, result.why FROM result JOIN film ON film.id = film_id"
)


def _film(row: sqlite3.Row) -> StoredFilm:
    return StoredFilm(**dict(row))


def _result(row: sqlite3.Row) -> StoredResult:
    return StoredResult(**dict(row))


def _fill_empty(connection: sqlite3.Connection) -> None:
    """Make the tables where there are none, all of them or nothing."""
    with transaction(connection):
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if not tables:
            schema = resources.files("cephsure.pacs").joinpath("ledger.sql").read_text("utf-8")
            for statement in filter(str.strip, schema.split(";")):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {VERSION}")


def _check(connection: sqlite3.Connection, path: Path) -> None:
    """Raise `InputError` for a file that is something else, or of another cephsure."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        raise InputError("was not made by cephsure dicom serve", where=path, remedy="give another --folder")
    if version != VERSION:
        raise InputError(f"is of another cephsure (schema {version}, this one knows {VERSION})", where=path)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")

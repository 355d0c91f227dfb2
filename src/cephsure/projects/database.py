"""A project's SQLite file: opened, brought to the present schema, read and written in whole transactions.

The rollback journal and ``synchronous = FULL``: what was committed is on the disk when `Database.write` ends.
Whatever SQLite says of the disk, of rights, locks or damage becomes one line.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from cephsure.errors import InputError
from cephsure.projects import migrations
from cephsure.text_files import is_file, is_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILE_NAME = "project.sqlite"
BUSY_SECONDS = 10.0
"""How long a write waits for another process's."""
SUFFIX = ".sqlite"
_NOTHING_LOST = "what was stored before is whole"


class Database:
    """An open project file. Threads take turns; other processes wait for each other (`BUSY_SECONDS`)."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        self._turn = threading.RLock()

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> Database:
        """Open a project file; an older one is brought to the present schema, a copy being kept beside it.

        Raises:
            InputError: it is no project, of a newer cephsure (it is left as it is), damaged, or cannot be
                opened.
        """
        _check_regular(path)
        with one_line_errors(path):
            database = cls(path, connect(path, "rw"))
            try:
                is_older = database.is_older()
                database._connection.execute("PRAGMA journal_mode = DELETE")
                if is_older:
                    database.migrate()
                if read_only:
                    database._connection.execute("PRAGMA query_only = ON")
            except BaseException:
                database.close()
                raise
        return database

    @classmethod
    def create(cls, path: Path, first: tuple[str, tuple[Any, ...]]) -> Database:
        """Make a project file; ``first`` is the statement, with its values, that fills the first row.

        Raises:
            InputError: there is one already, or it cannot be written.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"cannot be written: {error.strerror or error}", where=path.parent) from error
        with one_line_errors(path):
            database = cls(path, connect(path, "rwc"))
        try:
            with database.write() as connection:
                _check_empty(connection, path)
                for statement in migrations.statements(migrations.schema()):
                    connection.execute(statement)
                connection.execute(*first)
                connection.execute(f"PRAGMA application_id = {migrations.APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {migrations.VERSION}")
        except BaseException:
            database.close()
            raise
        return database

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction that writes: all of it is on the disk at the end, or nothing.

        Raises:
            InputError: it cannot be stored: the disk is full, the folder read-only, another process writes
                for too long, or the file is damaged.
        """
        with self._transaction("BEGIN IMMEDIATE") as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """One transaction that only reads: it sees the project at one moment.

        Raises:
            InputError: it cannot be read.
        """
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with self._turn, one_line_errors(self.path), transaction(self._connection, begin):
            yield self._connection

    def data_version(self) -> int:
        """A number that is another one after somebody else's connection has stored something."""
        with self._turn, one_line_errors(self.path):
            (number,) = self._connection.execute("PRAGMA data_version").fetchone()
        return int(number)

    def version(self) -> int:
        """The version of the schema; `InputError` where it is no project."""
        (application,) = self._connection.execute("PRAGMA application_id").fetchone()
        if application != migrations.APPLICATION_ID:
            raise InputError("is no cephsure project", where=self.path)
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        return int(version)

    def is_older(self) -> bool:
        """Whether the schema is older than the present one; `InputError` where it is newer."""
        version = self.version()
        if version > migrations.VERSION:
            raise InputError(
                f"is a project of a newer cephsure (schema {version}, this one knows {migrations.VERSION})",
                where=self.path,
                remedy="install the newer cephsure; the project was left as it is",
            )
        return version < migrations.VERSION

    def migrate(self) -> None:
        """Bring an older schema to the present one, all in one transaction; a copy is kept beside it.

        Raises:
            InputError: there is no way from that version.
        """
        # Tables that others refer to may be made anew: keys are held up to the end only.
        self._connection.execute("PRAGMA foreign_keys = OFF")
        with self.write() as connection:
            version = self.version()
            if version == migrations.VERSION:  # another process was first
                return
            if any(step not in migrations.MIGRATIONS for step in range(version, migrations.VERSION)):
                raise InputError(f"has schema {version}, which nothing can read any more", where=self.path)
            # The copy is read by a connection of its own, while this one keeps all others from writing.
            with contextlib.closing(connect(self.path, "rw")) as reader:
                old = self.path.with_name(f"{self.path.stem}-schema-{version}{self.path.suffix}")
                Database(self.path, reader).copy_to(old)
            for step in range(version, migrations.VERSION):
                for statement in migrations.statements(migrations.MIGRATIONS[step]):
                    connection.execute(statement)
            if connection.execute("PRAGMA foreign_key_check").fetchone() is not None:
                raise InputError(f"cannot be brought from schema {version} to the present", where=self.path)
            connection.execute(f"PRAGMA user_version = {migrations.VERSION}")
        self._connection.execute("PRAGMA foreign_keys = ON")

    def copy_to(self, path: Path) -> None:
        """Write a whole copy of the project file; it is the same at one moment, whoever writes meanwhile.

        Raises:
            InputError: the copy cannot be written.
        """
        part = path.with_name(f"{path.name}.part")
        try:
            part.unlink(missing_ok=True)
            with one_line_errors(path), contextlib.closing(sqlite3.connect(part)) as copy:
                copy.execute("PRAGMA journal_mode = DELETE")
                copy.execute("PRAGMA synchronous = FULL")
                with self._turn:
                    self._connection.backup(copy)
            part.replace(path)
        except OSError as error:
            raise InputError(f"cannot be written: {error.strerror or error}", where=path) from error
        finally:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file."""
        with self._turn:
            self._connection.close()


def project_file(path: Path) -> Path:
    """The file of a project that is given by its folder, or by the file itself."""
    return path / FILE_NAME if is_folder(path) else path


def is_project(path: Path) -> bool:
    """Whether a folder or file is a project, of whatever version."""
    file = project_file(path)
    if file.suffix.lower() != SUFFIX or not is_file(file):
        return False
    try:
        with one_line_errors(file), contextlib.closing(connect(file, "rw")) as connection:
            return Database(file, connection).version() >= 0
    except InputError:
        return False


def _check_empty(connection: sqlite3.Connection, path: Path) -> None:
    """Raise `InputError` where there are tables already: what was left half made has none."""
    if connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
        raise InputError("is there already", where=path, remedy="open it, or name another folder")


def _check_regular(path: Path) -> None:
    """Raise `InputError` for what is no regular file.

    SQLite alone may open an open project's file: who opens and closes it beside SQLite, in the same process,
    gives up SQLite's locks (POSIX).
    """
    if is_file(path):
        return
    if path.name == FILE_NAME and is_folder(path.parent):
        raise InputError(f"holds no project ({FILE_NAME})", where=path.parent)
    raise InputError("there is no such project", where=path, remedy="give a project's folder, or its file")


@contextmanager
def transaction(connection: sqlite3.Connection, begin: str = "BEGIN IMMEDIATE") -> Iterator[None]:
    """One transaction: all of it is on the disk at the end, or nothing."""
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # SQLite itself rolls back what a full disk broke off.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """Open an SQLite file so that what is committed is on the disk; ``mode`` is "rw", or "rwc" to make it."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,  # transactions begin and end where we say
        check_same_thread=False,
    )
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA recursive_triggers = ON")
        connection.execute("PRAGMA synchronous = FULL")
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def one_line_errors(path: Path) -> Iterator[None]:
    """What SQLite says of a project file becomes the user's error."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        known = _COMPLAINTS.get(code)
        if known is None:
            raise
        what, remedy = known
        raise InputError(what, where=path, remedy=remedy) from error


_COMPLAINTS = {
    sqlite3.SQLITE_FULL: (
        "cannot be stored: the disk is full",
        f"make room and try again; {_NOTHING_LOST}",
    ),
    sqlite3.SQLITE_READONLY: (
        "cannot be stored: the file or its folder is read-only",
        f"give the right to write, or copy the project elsewhere; {_NOTHING_LOST}",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "cannot be opened or written: SQLite needs to make a journal beside it",
        "is its folder there, and may you write in it?",
    ),
    sqlite3.SQLITE_BUSY: (
        "cannot be stored: another program is writing in it",
        f"close the other cephsure or SQLite program and try again; {_NOTHING_LOST}",
    ),
    sqlite3.SQLITE_LOCKED: (
        "cannot be stored: another program is writing in it",
        f"close the other cephsure or SQLite program and try again; {_NOTHING_LOST}",
    ),
    sqlite3.SQLITE_IOERR: (
        "cannot be read or written: the disk reports an error",
        f"try again; if it stays, copy the project to another disk; {_NOTHING_LOST}",
    ),
    sqlite3.SQLITE_CORRUPT: (
        "is damaged",
        "bring back a backup (cephsure project check says what is damaged)",
    ),
    sqlite3.SQLITE_NOTADB: ("is no cephsure project, or damaged: no SQLite file", "bring back a backup"),
}

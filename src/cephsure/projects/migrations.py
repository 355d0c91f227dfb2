"""The schema's version, and the way to it from each older one."""

from __future__ import annotations

import sqlite3
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

APPLICATION_ID = 0x43455048
"""In the file's header: what tells a project from any other SQLite file ("CEPH")."""
VERSION = 1
"""Of ``schema.sql``; goes up with every change of it."""
MIGRATIONS: Mapping[int, str] = {}
"""By version: the SQL that makes a project of that version one of the next."""


def schema() -> str:
    """The SQL of a new project's tables."""
    return (resources.files("cephsure.projects") / "schema.sql").read_text("utf-8")


def statements(script: str) -> Iterator[str]:
    """The statements of an SQL script: ``executescript`` would end the transaction they are to run in.

    >>> list(statements("SELECT 1; SELECT 2;"))
    ['SELECT 1;', 'SELECT 2;']
    """
    statement = ""
    for part in script.split(";")[:-1]:
        statement += f"{part};"
        if sqlite3.complete_statement(statement):
            yield statement.strip()
            statement = ""

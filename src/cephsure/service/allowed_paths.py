"""Films that a request names instead of sending: only those in folders that were allowed at the start."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from cephsure.errors import FilmError, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

NOT_ALLOWED = "is in no folder whose films may be asked for"
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
# A pipe would wait for whoever writes into it.
_NO_WAITING = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def checked_roots(folders: Sequence[Path]) -> tuple[Path, ...]:
    """Allowed folders with all links resolved.

    Raises:
        InputError: one is no folder.
    """
    for folder in folders:
        if not folder.is_dir():
            raise InputError("is no folder", where=folder, remedy="name a folder of films by --allow-root")
    return tuple(folder.resolve() for folder in folders)


def read_allowed(given: str, roots: Sequence[Path], *, most_bytes: int) -> bytes:
    """The content of a film in an allowed folder, whatever links lead to it.

    What is read is the file that was looked at: one that is put in its place meanwhile is refused.

    Raises:
        InputError: the path is not absolute, or leads out of the allowed folders; whether anything lies there
            is not told then.
        FilmError: it cannot be read, or is larger than ``most_bytes``.
    """
    path = Path(given)
    if not path.is_absolute() or "\0" in given:
        raise InputError("a film's path begins at the root of the file system", remedy="give the whole path")
    try:
        real = path.resolve()
    except (OSError, RuntimeError, ValueError):
        raise InputError(NOT_ALLOWED, where=path) from None
    if not any(real.is_relative_to(root) for root in roots):
        raise InputError(NOT_ALLOWED, where=path, remedy="see --allow-root of cephsure serve")
    try:
        opened = os.open(real, os.O_RDONLY | _NO_LINK | _NO_WAITING)
    except OSError as error:
        raise FilmError(f"cannot be read: {error.strerror}", where=path) from None
    try:
        status = os.fstat(opened)
        if not stat.S_ISREG(status.st_mode):
            raise FilmError("this is not a regular file", where=path)
        if path.resolve() != real or not os.path.samestat(status, real.lstat()):
            raise FilmError("was changed while it was opened", where=path)
        if status.st_size > most_bytes:
            raise FilmError(f"the file has more than {most_bytes / 2**20:.0f} MiB", where=path)
        with os.fdopen(opened, "rb", closefd=False) as stream:
            return stream.read(most_bytes)
    finally:
        os.close(opened)

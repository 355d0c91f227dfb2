"""Write a file so that a reader sees either the old one or the whole new one, never a part.

And find out beforehand whether it can be written: nobody should wait for what then cannot be kept.
"""

from __future__ import annotations

import errno
import os
import secrets
from contextlib import contextmanager, suppress
from itertools import takewhile
from typing import TYPE_CHECKING

from cephsure.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def write_atomically(path: Path, content: bytes) -> Path:
    """Write ``content`` to ``path`` through a temporary file in the same folder; ``path`` is given back.

    The folder is made if it is absent. The file gets the permissions the user's umask gives any new file.

    Raises:
        InputError: the place cannot be written to.
    """
    temporary = _beside(path)
    with _complaints(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, path)  # noqa: PTH105 - named as in POSIX: the rename that replaces in one step
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    return path


def check_files(*files: Path | None) -> None:
    """Find out by trying whether files can be written, and leave nothing behind; None is no file.

    Raises:
        InputError: one cannot: it is a folder, a file is in a folder's place, nothing can be written there,
            its path is too long.
    """
    for path in files:
        if path is not None:
            with _complaints(path):
                if path.exists() and not path.is_file():
                    what = "is a folder" if path.is_dir() else "is no ordinary file"
                    raise InputError(f"{what}: a file is to be written", where=path, remedy="name a file")
                _try(path)


def check_folders(*folders: Path | None, name: str = "x") -> None:
    """Likewise whether files can be written into folders, which need not be there yet.

    Args:
        folders: None is no folder.
        name: the longest name of a file that is to be written there.

    Raises:
        InputError: as ``check_files``.
    """
    for folder in folders:
        if folder is not None:
            with _complaints(folder):
                if folder.exists() and not folder.is_dir():
                    what = "is a file: a folder is needed for what is to be written"
                    raise InputError(what, where=folder, remedy="name a folder")
                _try(folder / name)


def _try(path: Path) -> None:
    """Write a file beside the path, and one at it if there is none; what is made for it goes again."""
    above = [path.parent, *path.parent.parents]
    taken = next((place for place in above if place.exists() and not place.is_dir()), None)
    if taken is not None:
        raise NotADirectoryError(f"{taken} is a file, not a folder")
    absent = list(takewhile(lambda folder: not folder.exists(), above))
    temporary = _beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(b"x")
        if not path.exists():
            temporary.rename(path)
            path.unlink()
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        for folder in absent:
            with suppress(OSError):
                folder.rmdir()


def _beside(path: Path) -> Path:
    return path.with_name(f".{secrets.token_hex(8)}.part")


@contextmanager
def _complaints(path: Path) -> Iterator[None]:
    """What the system says of a place becomes the user's error."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        remedy = "name another output folder"
        if error.errno == errno.ENAMETOOLONG:
            # Another folder is no help to a name that is too long by itself.
            remedy = "shorten its name, or that of the film it is named after"
        raise InputError(f"cannot be written: {reason}", where=path, remedy=remedy) from error

"""Write a file so that a reader sees either the old one or the whole new one, never a part."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

from cephsure.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


def write_atomically(path: Path, content: bytes) -> Path:
    """Write ``content`` to ``path`` through a temporary file in the same folder; ``path`` is given back.

    The folder is made if it is absent. The file gets the permissions the user's umask gives any new file.

    Raises:
        InputError: the place cannot be written to.
    """
    temporary = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
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
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(
            f"cannot be written: {reason}", where=path, remedy="name another output folder"
        ) from error
    return path

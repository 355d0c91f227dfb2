"""Errors that are the input's fault: one clear line each, exit status 2 in the CLI."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


class InputError(ValueError):
    """Something given to cephsure cannot be used.

    Args:
        what: what is wrong, in words a user understands, without a final full stop.
        where: the file (or ``file:line``) it is about, if any.
        remedy: what to do about it, if something can be done.
    """

    def __init__(self, what: str, *, where: Path | str | None = None, remedy: str | None = None) -> None:
        self.what = what
        self.where = where
        self.remedy = remedy
        line = what if where is None else f"{printable_name(where)}: {what}"
        super().__init__(line if remedy is None else f"{line} ({remedy})")

    def __reduce__(self) -> tuple[Any, ...]:
        """Comes whole out of another process."""
        return partial(type(self), where=self.where, remedy=self.remedy), (self.what,)


def printable_name(name: Path | str) -> str:
    r"""A file's name fit for one line: what cannot be printed, or was not decodable, is escaped.

    Examples:
        >>> printable_name("m\udcfcller\n.png")
        'm\\xfcller\\n.png'
    """
    return "".join(_shown(character) for character in str(name))


def _shown(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # how Python keeps a byte that it cannot decode
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")


class FilmError(InputError):
    """A film cannot be read."""


class AnnotationError(InputError):
    """An annotation file is malformed."""


class BundleError(InputError):
    """A model bundle is missing, damaged, unknown or unsafe."""

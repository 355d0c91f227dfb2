"""Errors that are the input's fault: one clear line each, exit status 2 in the CLI."""

from __future__ import annotations

import unicodedata
from functools import partial
from typing import TYPE_CHECKING, Any

from cephsure.file_names import in_hexadecimal, writable

if TYPE_CHECKING:
    from pathlib import Path

LONGEST = 400
"""Characters that each part of an error may have: a file can put a book into what is quoted of it."""

# Zero-width joiners and non-joiners: no letters, but Persian and Indian names are misspelt without them.
_JOINERS = "\u200c\u200d"


def one_line(text: str, *, longest: int = LONGEST) -> str:
    r"""Text as one line that every terminal shows as it is: without control characters, long ones cut short.

    What is cut is the middle. Bytes of a file name that no alphabet knows are written as ``%E9``.

    Examples:
        >>> one_line("a\tb\x1b[31mc"), one_line("caf\udce9"), one_line("x" * 30 + "y", longest=9)
        ('a b[31mc', 'caf%E9', 'xxx … xxy')
    """
    if len(text) > longest:
        kept = longest - 3
        text = f"{text[: (kept + 1) // 2]} … {text[len(text) - kept // 2 :]}"
    return text if text.isprintable() else " ".join("".join(map(_shown, text)).split())


def _shown(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cs":  # half a pair, or a byte that Python could not read as part of a file's name
        return in_hexadecimal(character) if "\udc80" <= character <= "\udcff" else "\ufffd"
    if category in ("Zl", "Zp") or character in "\t\n\v\f\r\x85":
        return " "
    return "" if category in ("Cc", "Cf") and character not in _JOINERS else character


class InputError(ValueError):
    """Something given to cephsure cannot be used. Its text is one line, whatever stood in the file.

    Args:
        what: what is wrong, in words a user understands, without a final full stop.
        where: the file (or ``file:line``) it is about, if any.
        remedy: what to do about it, if something can be done.
    """

    def __init__(self, what: str, *, where: Path | str | None = None, remedy: str | None = None) -> None:
        self.what = one_line(what)
        self.where = where
        self.remedy = None if remedy is None else one_line(remedy)
        line = self.what if where is None else f"{one_line(writable(str(where)))}: {self.what}"
        super().__init__(line if remedy is None else f"{line} ({self.remedy})")

    def __reduce__(self) -> tuple[Any, ...]:
        """Comes whole out of another process."""
        return partial(type(self), where=self.where, remedy=self.remedy), (self.what,)


class FilmError(InputError):
    """A film cannot be read."""


class AnnotationError(InputError):
    """An annotation file is malformed."""


class BundleError(InputError):
    """A model bundle is missing, damaged, unknown or unsafe."""

"""What files and third parties say: warnings caught instead of printed, texts made fit for one line."""

from __future__ import annotations

import logging
import os
import tempfile
import threading
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator

# The warning filters belong to the whole process, so two threads must not swap them at the same time.
_LOCK = threading.RLock()


@contextmanager
def captured_warnings() -> Iterator[list[warnings.WarningMessage]]:
    """Catch the warnings that Pillow and pydicom issue in a list, so that none reaches the user's terminal.

    Their log records go to whatever handlers the application has set up, but not to Python's handler of last
    resort, which would print them. What other threads warn of meanwhile is shown as ever.
    """
    for name in ("PIL", "pydicom"):
        logger = logging.getLogger(name)
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())
    caught: list[warnings.WarningMessage] = []
    own, shown = threading.get_ident(), warnings.showwarning

    def keep(  # noqa: PLR0917 - as Python calls it
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if threading.get_ident() == own:
            caught.append(warnings.WarningMessage(message, category, filename, lineno, file, line))
        else:
            shown(message, category, filename, lineno, file, line)

    with _LOCK, warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = keep
        yield caught


@contextmanager
def captured_stderr() -> Iterator[list[str]]:
    """Catch the lines that are written to file descriptor 2, in a list that holds them afterwards.

    libtiff, gdcm and openjpeg write there on damaged content, past Python. The descriptor belongs to the
    whole process, its other threads included: only for a process that does nothing else (`child_main`).
    """
    lines: list[str] = []
    try:
        kept = os.dup(2)
    except OSError:  # no standard error, for instance in a windowed application
        yield lines
        return
    with tempfile.TemporaryFile() as caught:
        os.dup2(caught.fileno(), 2)
        try:
            yield lines
        finally:
            os.dup2(kept, 2)
            os.close(kept)
        caught.seek(0)
        lines.extend(caught.read().decode("utf-8", "replace").splitlines())


def printable(text: str, *, longest: int = 200) -> str:
    r"""Fold ``text`` into one line without control characters, cut to ``longest`` characters.

    Examples:
        >>> printable("cannot read\n\ttile \x1b[31m1")
        'cannot read tile ?[31m1'
    """
    line = "".join(character if character.isprintable() else "?" for character in " ".join(text.split()))
    return line if len(line) <= longest else f"{line[: longest - 3]}..."

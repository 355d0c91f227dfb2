"""Standard output and error whatever their code page, and files that are standard output.

Results are text in the terminal's own encoding. A letter that it lacks is replaced, never an error: a sign of
ours by what looks like it, a byte of a file's name as it stands in files, any other letter by its number.
Documents that go to standard output (``--json -``) are UTF-8 as files are.
"""

from __future__ import annotations

import codecs
import io
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from cephsure.file_names import in_hexadecimal, writable

if TYPE_CHECKING:
    from collections.abc import Iterator

STANDARD = Path("-")
"""What standard input, as a film, and standard output, as a file, are called on the command line."""
REPLACE = "cephsure-replace"
"""The error handler of encoders that replaces what a code page lacks."""
_IN_ASCII = {
    "·": "-",
    "°": "deg",
    "²": "2",
    "±": "+-",
    "×": "x",
    "≤": "<=",
    "≥": ">=",
    "Δ": "d",
    "′": "'",
    "″": '"',
    "…": "...",
    **dict.fromkeys("‐‑–—−", "-"),
    **dict.fromkeys("‘’‚‹›´", "'"),
    **dict.fromkeys("“”„«»", '"'),
    **dict.fromkeys("\u00a0\u202f", " "),
}


def replace_letters(error: UnicodeError) -> tuple[str, int]:
    """What stands for the letters that an encoding lacks, and where to go on: an encoder's error handler."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end]
    return "".join(map(_replaced, letters)), error.end


def _replaced(letter: str) -> str:
    if letter in _IN_ASCII:
        return _IN_ASCII[letter]
    if writable(letter) != letter:
        return in_hexadecimal(letter)
    return letter.encode("ascii", "backslashreplace").decode("ascii")


codecs.register_error(REPLACE, replace_letters)


def replace_what_lacks() -> None:
    """Make standard output and error replace what their code page lacks; their encoding stays."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=REPLACE)


def is_standard_output(*files: Path | None) -> bool:
    """Whether one of some files is standard output: then nothing else may go there.

    Raises:
        BadParameter: two are; the one document would run into the other.
    """
    count = files.count(STANDARD)
    if count > 1:
        raise typer.BadParameter("only one file can be - (standard output): name the other one")
    return count == 1


def write_document(text: str) -> None:
    """Write a document to standard output, in UTF-8 whatever its code page."""
    sys.stdout.flush()
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is None:
        sys.stdout.write(text)
    else:
        buffer.write(text.encode("utf-8"))
    sys.stdout.flush()


@contextmanager
def written_file(file: Path | None) -> Iterator[Path | None]:
    """The file to write; for ``-`` another one, whose content goes to standard output in the end."""
    if file != STANDARD:
        yield file
        return
    import tempfile  # not needed by most: it costs a cold start

    with tempfile.TemporaryDirectory(prefix="cephsure-") as folder:
        place = Path(folder) / "document"
        yield place
        if place.is_file():
            write_document(place.read_text("utf-8"))

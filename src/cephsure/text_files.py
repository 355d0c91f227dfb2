"""The one place where JSON, TOML, CSV and other text files are opened; whatever they are, an answer comes.

A name may belong to a pipe that nobody writes into, to a device without an end, or to a file of any size and
nesting. Only regular files are opened, and only so much of them is read; everything else, and every text that
is not what it should be, is an `InputError` (or the kind of it that is asked for) of one line.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import json
import math
import os
import re
import stat
import tomllib
from contextlib import contextmanager
from itertools import accumulate
from typing import TYPE_CHECKING, Any, TypeVar

from cephsure.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedReader
    from pathlib import Path

    from pydantic import BaseModel

    Record = TypeVar("Record", bound="BaseModel")

MIB = 2**20
MOST_BYTES = 64 * MIB
"""A label file with its film inside has some 20 MiB."""
MOST_TABLE_BYTES, MOST_TOML_BYTES = 32 * MIB, MIB
MOST_VALUES = 4_000_000
"""Values of a JSON document, cells of a table: with more, of few bytes each, they would fill the memory."""
MOST_DEPTH = 64
"""Lists and objects inside each other; what reads them afterwards calls itself as often."""

_SAVE_AS_UTF8 = "save it as UTF-8"
_UTF_16_OR_32 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)
_JSON_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_NO_BRACKETS = bytes(sorted(set(range(256)) - set(b"[]{}")))
_STEPS = {ord(bracket): 1 if bracket in "[{" else -1 for bracket in "[]{}"}
_DOTTED_KEY = re.compile(
    r"""(?<![\w-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+)""" + f"{{{MOST_DEPTH}}}"
)


def is_there(path: Path) -> bool:
    """Whether anything is there, be it a link that leads nowhere; False where no file could be called so."""
    try:
        path.lstat()
    except (OSError, ValueError):
        return False
    return True


def is_file(path: Path) -> bool:
    """Whether a regular file is there; False too where the name is none that a file could have."""
    return _kind(path, stat.S_ISREG)


def is_folder(path: Path) -> bool:
    """Whether a folder is there; False too where the name is none that a folder could have."""
    return _kind(path, stat.S_ISDIR)


def _kind(path: Path, is_kind: Any) -> bool:
    try:
        return bool(is_kind(path.stat().st_mode))
    except (OSError, ValueError):  # too long, or with a character that no name has
        return False


@contextmanager
def opened(path: Path, *, kind: type[InputError] = InputError) -> Iterator[BufferedReader]:
    """Give a regular file, open to be read; nothing else is opened at all.

    Raises:
        InputError: it is absent, no regular file, or cannot be read; also where that shows only while it is
            read. Of the kind asked for.
    """
    try:
        _check_regular(path.stat().st_mode, path, kind)
        # Without waiting, and looked at again: between the two it may have become a pipe.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        with open(os.open(path, flags | getattr(os, "O_CLOEXEC", 0)), "rb") as stream:  # noqa: PTH123 - a descriptor
            _check_regular(os.fstat(stream.fileno()).st_mode, path, kind)
            yield stream
    except OSError as error:
        raise kind(f"cannot be read: {error.strerror or error}", where=path) from error
    except MemoryError as error:
        raise kind("cannot be read: there is not enough memory", where=path) from error
    except InputError:
        raise
    except ValueError as error:  # a name with a zero byte
        raise kind(f"cannot be read: {error}", where=path) from error


def _check_regular(mode: int, path: Path, kind: type[InputError]) -> None:
    if stat.S_ISREG(mode):
        return
    others = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
    what = others.get(stat.S_IFMT(mode), "a device")
    raise kind(f"cannot be read: it is {what}, not a file", where=path)


def read_bytes(path: Path, *, most_bytes: int = MOST_BYTES, kind: type[InputError] = InputError) -> bytes:
    """The content of a regular file.

    Raises:
        InputError: it cannot be read, or has more than ``most_bytes``; of the kind asked for.
    """
    with opened(path, kind=kind) as stream:
        content = stream.read(most_bytes + 1) or b""  # None of what would have to be waited for
    if len(content) > most_bytes:
        raise kind(f"is too large: more than {most_bytes / MIB:g} MiB", where=path)
    return content


def sha256_of(path: Path, *, kind: type[InputError] = InputError) -> str:
    """The SHA-256 of a regular file of any size, in hexadecimal digits; an `InputError` as of `opened`."""
    with opened(path, kind=kind) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_text(path: Path, *, most_bytes: int = MOST_TABLE_BYTES, kind: type[InputError] = InputError) -> str:
    """The text of a regular file in UTF-8, without its byte order mark; line ends as they are.

    Raises:
        InputError: it cannot be read, is too large, or is not UTF-8 (names the line); of the kind asked for.
    """
    return to_text(read_bytes(path, most_bytes=most_bytes, kind=kind), where=path, kind=kind)


def to_text(content: bytes, *, where: Path | str, kind: type[InputError] = InputError) -> str:
    """Bytes as UTF-8 text, without a byte order mark; an `InputError` says what they are instead."""
    if content.startswith(_UTF_16_OR_32):
        raise kind("is not UTF-8 text, but UTF-16 or UTF-32", where=where, remedy=_SAVE_AS_UTF8)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        what = f"is not UTF-8 text: byte 0x{content[error.start]:02X} in line {line}"
        raise kind(what, where=where, remedy=_SAVE_AS_UTF8) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise kind(f"is not UTF-8 text: a zero byte in line {line}", where=where, remedy=_SAVE_AS_UTF8)
    return text


def read_json(
    path: Path,
    *,
    most_bytes: int = MOST_BYTES,
    kind: type[InputError] = InputError,
    strict: bool = False,
) -> Any:
    """The value that a JSON file holds; see `to_json`."""
    content = read_bytes(path, most_bytes=most_bytes, kind=kind)
    return to_json(content, where=path, kind=kind, strict=strict)


def read_json_object(
    path: Path,
    *,
    most_bytes: int = MOST_BYTES,
    kind: type[InputError] = InputError,
    strict: bool = False,
) -> dict[str, Any]:
    """The object that a JSON file holds; see `to_json`. Anything else is an `InputError` too."""
    value = read_json(path, most_bytes=most_bytes, kind=kind, strict=strict)
    if not isinstance(value, dict):
        raise kind("must be a JSON object", where=path)
    return value


def to_json(
    content: bytes, *, where: Path | str, kind: type[InputError] = InputError, strict: bool = False
) -> Any:
    """The value of a JSON document in UTF-8; as Python has it, NaN and Infinity are numbers.

    Args:
        content: the document.
        where: its file, for errors.
        kind: of the error.
        strict: whether it is an error that a key stands twice in an object, of which else the last holds, and
            that a number is not finite.

    Raises:
        InputError: it is no JSON (names the line), not UTF-8, nested too deeply or of too many values.
    """
    text = to_text(content, where=where, kind=kind)
    if sum(map(content.count, (b",", b"[", b"{"))) > MOST_VALUES:
        raise kind(f"is too large: more than {MOST_VALUES:,} values", where=where)
    too_deep = f"is nested too deeply: more than {MOST_DEPTH} levels"
    try:
        value = json.loads(text, **_STRICT if strict else {})
    except json.JSONDecodeError as error:
        raise kind(f"is not valid JSON: {error.msg}", where=f"{where}:{error.lineno}") from error
    except RecursionError as error:
        raise kind(too_deep, where=where) from error
    except (ValueError, MemoryError) as error:  # a number of thousands of digits, for one
        raise kind(f"is not valid JSON: {_reason(error)}", where=where) from error
    if _brackets_depth(content) > MOST_DEPTH:
        raise kind(too_deep, where=where)
    return value


def _brackets_depth(document: bytes) -> int:
    """How many lists and objects lie inside each other in a valid JSON document, at most."""
    if document.count(b"[") + document.count(b"{") <= MOST_DEPTH:
        return MOST_DEPTH
    brackets = _JSON_STRING.sub(b"", document).translate(None, _NO_BRACKETS)
    return max(accumulate(map(_STEPS.__getitem__, brackets)), default=0)


def _reason(error: Exception) -> str:
    """What a parser says, without advice to programmers."""
    said = str(error) or "there is not enough memory"
    return "a whole number has too many digits" if "set_int_max_str_digits" in said else said


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of its keys and values, each key once."""
    values = dict(pairs)
    if len(values) < len(pairs):
        seen: set[str] = set()
        doubled = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"key {doubled!r} stands twice in one object")
    return values


def read_toml(path: Path, *, kind: type[InputError] = InputError) -> dict[str, Any]:
    """The tables of a TOML file; see `to_toml`."""
    return to_toml(read_bytes(path, most_bytes=MOST_TOML_BYTES, kind=kind), where=path, kind=kind)


def to_toml(content: bytes, *, where: Path | str, kind: type[InputError] = InputError) -> dict[str, Any]:
    """The tables of a TOML document in UTF-8.

    Raises:
        InputError: it is no TOML (names the line), not UTF-8, or nested too deeply; of the kind asked for.
    """
    text = to_text(content, where=where, kind=kind)
    too_deep = f"is nested too deeply: more than {MOST_DEPTH} levels"
    # tomllib takes hours over a key of a hundred thousand parts.
    if _DOTTED_KEY.search(text):
        raise kind(too_deep, where=where)
    try:
        tables = tomllib.loads(text)
    except RecursionError as error:
        raise kind(too_deep, where=where) from error
    except (ValueError, MemoryError) as error:
        raise kind(f"is not valid TOML: {_reason(error)}", where=where) from error
    if _depth(tables) > MOST_DEPTH:
        raise kind(too_deep, where=where)
    return tables


def _depth(value: Any) -> int:
    """How many lists and tables lie inside each other."""
    depth, level = 0, [value]
    while level:
        inner = [
            one.values() if isinstance(one, dict) else one for one in level if isinstance(one, dict | list)
        ]
        depth += bool(inner)
        level = [each for one in inner for each in one]
    return depth


def _finite(number: str) -> float:
    """A number as Python has it; NaN, Infinity and what is as large to it are none."""
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(f"{number} is not a finite number")
    return value


_STRICT: dict[str, Any] = {
    "object_pairs_hook": _unique,
    "parse_constant": _finite,
    "parse_float": _finite,
}


def read_rows(
    path: Path, *, delimiter: str = ",", kind: type[InputError] = InputError
) -> Iterator[tuple[int, list[str]]]:
    """Each row of a CSV file that is not empty, its cells stripped, with the number of its (last) line."""
    yield from to_rows(read_text(path, kind=kind), where=path, delimiter=delimiter, kind=kind)


def to_rows(
    text: str, *, where: Path | str, delimiter: str = ",", kind: type[InputError] = InputError
) -> Iterator[tuple[int, list[str]]]:
    """Each row of a CSV text that is not empty, its cells stripped, with the number of its (last) line.

    Raises:
        InputError: a row is no CSV (names the line), or there are too many cells; of the kind asked for.
    """
    if sum(map(text.count, (delimiter, "\n", "\r"))) > MOST_VALUES:
        raise kind(f"is too large: more than {MOST_VALUES:,} cells", where=where)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                yield reader.line_num, cells
    except csv.Error as error:
        raise kind(f"is not valid CSV: {error}", where=f"{where}:{reader.line_num}") from error


def to_record(
    record: type[Record],
    data: Any,
    *,
    where: Path | str,
    what: str | None = None,
    kind: type[InputError] = InputError,
) -> Record:
    """Data as a pydantic model.

    Args:
        record: the model.
        data: JSON or TOML data.
        where: the file that it is from, for errors.
        what: it should be, as in "a gate": the error then says that it is none.
        kind: of the error.

    Raises:
        InputError: the data do not fit (names the key, items counted from 1), or hold numbers that nothing
            can be computed with; of the kind asked for.
    """
    from pydantic import ValidationError

    head = "" if what is None else f"not {what}: "
    try:
        return record.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        message = first["msg"].removeprefix("Value error, ")
        place = _place(first["loc"])
        raise kind(f"{head}{place}: {message}" if place else f"{head}{message}", where=where) from error
    except InputError as error:
        raise kind(f"{head}{error.what}", where=where) from error
    except (ArithmeticError, RecursionError, MemoryError, TypeError, ValueError) as error:
        raise kind(f"{head}its numbers cannot be used: {error}", where=where) from error


def _place(location: tuple[int | str, ...]) -> str:
    """A key as it is written, list items counted from 1.

    >>> _place(("entries", 0, "norms", 1, "sd"))
    'entries[1].norms[2].sd'
    """
    parts = [f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in location]
    return "".join(parts).removeprefix(".")

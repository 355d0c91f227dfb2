"""Reads JSON annotation files, with errors that name the file and the line or the place in the document."""

from __future__ import annotations

import codecs
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cephsure import text_files
from cephsure.errors import AnnotationError
from cephsure.films.third_party import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

DUPLICATES = "duplicates.json"
_DUPLICATE_KEYS = ("same_exposure_pairs", "likely_same_patient_other_date")


def read_text(path: Path) -> str:
    """Read a text file in UTF-8, or in UTF-16 that says so; `AnnotationError` if it is no such text."""
    content = text_files.read_bytes(path, most_bytes=text_files.MOST_BYTES, kind=AnnotationError)
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):  # "Unicode" of spreadsheet programs
        content = content.decode("utf-16", "replace").encode("utf-8", "replace")
    return text_files.to_text(content, where=path, kind=AnnotationError)


def read_json(path: Path) -> Any:
    """Read a JSON file; `AnnotationError` if it cannot be read, is not UTF-8 or not JSON (names the line)."""
    return text_files.read_json(path, kind=AnnotationError)


def parse_json(text: str, *, where: Path | str) -> Any:
    """Read a JSON document; `AnnotationError` if it is none."""
    return text_files.to_json(text.encode("utf-8", "replace"), where=where, kind=AnnotationError)


@dataclass(frozen=True, slots=True)
class JsonObject:
    """A JSON object that knows where it stands; every method raises `AnnotationError` with that place."""

    path: Path
    place: str  # where in the document, as in ``shapes[2]``; empty for the document itself
    content: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> JsonObject:
        """The document of a file."""
        content = read_json(path)
        if not isinstance(content, dict):
            raise AnnotationError("document: must be an object", where=path)
        return cls(path, "", content)

    def error(self, key: str, what: str) -> AnnotationError:
        """An error about what stands at ``key``."""
        return AnnotationError(f"{self.place}{'.' if self.place else ''}{key}: {what}", where=self.path)

    def items(self, key: str) -> list[Any]:
        """The list at ``key``."""
        value = self.content.get(key)
        if not isinstance(value, list):
            raise self.error(key, "must be a list")
        return value

    def objects(self, key: str) -> Iterator[JsonObject]:
        """The objects of the list at ``key``."""
        for index in range(len(self.items(key))):
            yield self.object_at(key, index)

    def object_at(self, key: str, index: int) -> JsonObject:
        """The object at a place of the list at ``key``."""
        value = self.items(key)[index]
        if not isinstance(value, dict):
            raise self.error(f"{key}[{index}]", "must be an object")
        return JsonObject(self.path, f"{self.place}{'.' if self.place else ''}{key}[{index}]", value)

    def member(self, key: str) -> JsonObject:
        """The object at ``key``."""
        value = self.content.get(key)
        if not isinstance(value, dict):
            raise self.error(key, "must be an object")
        return JsonObject(self.path, f"{self.place}{'.' if self.place else ''}{key}", value)

    def text(self, key: str) -> str:
        """The text at ``key``, which is not empty."""
        value = self.content.get(key)
        if not isinstance(value, str) or not value.strip():
            raise self.error(key, "must be a text")
        return value

    def identifier(self, key: str) -> str | int:
        """The whole number or text at ``key``; 1.0 is a whole number, as some tools write it."""
        value = self.content.get(key)
        if isinstance(value, float) and value.is_integer():
            return int(value)
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise self.error(key, "must be a whole number or a text")
        return value

    def number(self, value: Any, key: str) -> float:
        """``value``, which stands at ``key``, as float if it is a finite number, or a text that is one."""
        try:
            is_number = not isinstance(value, bool) and "_" not in str(value)  # Python reads 1_0 as 10
            number = float(value) if is_number else math.nan
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not math.isfinite(number):
            raise self.error(key, f"must be a finite number, is {printable(str(value), longest=40)}")
        return number

    def position(self, x: Any, y: Any, *, keys: tuple[str, str] = ("x", "y")) -> tuple[float, float] | None:
        """A position that stands at two keys; None where both say, as tools do, that it is missing."""
        if is_missing(x) and is_missing(y):
            return None
        return self.number(x, keys[0]), self.number(y, keys[1])

    def size(self, width: str, height: str) -> tuple[int, int] | None:
        """An image's (width, height) in px at two keys, or None where neither is stated."""
        values = [self.content.get(key) for key in (width, height)]
        if all(value in (None, 0) and value is not False for value in values):
            return None
        sides = []
        for key, value in zip((width, height), values, strict=True):
            side = math.nan if is_missing(value) else self.number(value, key)
            if not (side >= 1 and side.is_integer()):
                raise self.error(key, "must be a positive whole number")
            sides.append(int(side))
        return sides[0], sides[1]


_MISSING = frozenset(
    {"", "na", "n/a", "#n/a", "<na>", "nan", "nil", "none", "null", "nd", "-", "--", "?", "."}
)


def is_missing(value: Any) -> bool:
    """Whether a value is what a tool writes where there is no number: nothing, null, NaN, NA, ...

    >>> [is_missing(value) for value in (None, " ", "NaN", float("nan"), "#N/A", 0, "0", False)]
    [True, True, True, True, True, False, False, False]
    """
    if isinstance(value, float):
        return math.isnan(value)
    return value is None or (isinstance(value, str) and value.strip().casefold() in _MISSING)


def read_duplicate_groups(path: Path) -> dict[str, str]:
    """Read ``duplicates.json``: an object whose lists name films of the same exposure or the same patient.

    Keys: ``same_exposure_pairs`` and, if there, ``likely_same_patient_other_date``, each a list of lists of
    film identifiers. A film that stands in several lists joins them all into one group.

    Returns:
        Film identifier -> group name, for the films that belong to a group; empty where there is no file.

    Raises:
        AnnotationError: the file has not this form; names the file and the key or line.
    """
    if not text_files.is_file(path):
        return {}
    data = read_json(path)
    if not isinstance(data, dict) or not any(key in data for key in _DUPLICATE_KEYS):
        raise AnnotationError(f"must be an object with the key {_DUPLICATE_KEYS[0]!r}", where=path)
    lists = []
    for key in _DUPLICATE_KEYS:
        groups = data.get(key, [])
        if not isinstance(groups, list):
            raise AnnotationError(f"{key}: must be a list of lists of film identifiers", where=path)
        for index, group in enumerate(groups):
            if not isinstance(group, list) or len(group) < 2 or not all(isinstance(i, str) for i in group):
                what = "must be a list of at least two film identifiers (texts)"
                raise AnnotationError(f"{key}[{index}]: {what}", where=path)
            lists.append(group)
    return join_groups(lists)


def join_groups(lists: Iterable[Sequence[str]]) -> dict[str, str]:
    """Group name by identifier, the same for all that are linked through any chain of lists.

    Examples:
        >>> join_groups([["1", "2"], ["8", "9"], ["2", "3"]])
        {'1': '1+2+3', '2': '1+2+3', '3': '1+2+3', '8': '8+9', '9': '8+9'}
    """
    members: dict[str, set[str]] = {}
    for identifiers in lists:
        joined = set(identifiers).union(*(members.get(identifier, set()) for identifier in identifiers))
        members.update(dict.fromkeys(joined, joined))
    return {identifier: "+".join(sorted(members[identifier])) for identifier in sorted(members)}

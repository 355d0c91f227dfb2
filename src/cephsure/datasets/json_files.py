"""Reads JSON annotation files, with errors that name the file and the line or the place in the document."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cephsure.errors import AnnotationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

DUPLICATES = "duplicates.json"
_DUPLICATE_KEYS = ("same_exposure_pairs", "likely_same_patient_other_date")


def read_json(path: Path) -> Any:
    """Read a JSON file; `AnnotationError` if it cannot be read, is not UTF-8 or not JSON (names the line)."""
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError as error:
        raise AnnotationError(f"is not valid JSON: {error.msg}", where=f"{path}:{error.lineno}") from error
    except (OSError, ValueError) as error:
        raise AnnotationError("cannot be read as text", where=path) from error
    except RecursionError as error:
        raise AnnotationError("is nested too deeply", where=path) from error


def annotation_files(path: Path, suffix: str) -> list[Path]:
    """The annotation files of a folder in alphabetical order, or the file itself; none if it is neither."""
    if not path.is_dir():
        return [path] if path.is_file() else []
    return [file for file in sorted(path.glob(f"[!.]*{suffix}")) if file.name != DUPLICATES]


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
        for index, value in enumerate(self.items(key)):
            if not isinstance(value, dict):
                raise self.error(f"{key}[{index}]", "must be an object")
            yield JsonObject(self.path, f"{self.place}{'.' if self.place else ''}{key}[{index}]", value)

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
        """The whole number or text at ``key``."""
        value = self.content.get(key)
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise self.error(key, "must be a whole number or a text")
        return value

    def number(self, value: Any, key: str) -> float:
        """``value``, which stands at ``key``, as float if it is a finite number."""
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < math.inf:
            try:
                return float(value)
            except OverflowError:
                pass
        raise self.error(key, f"must be a finite number, is {str(value)[:40]}")

    def size(self, width: str, height: str) -> tuple[int, int] | None:
        """An image's (width, height) in px at two keys, or None where neither is stated."""
        values = [self.content.get(key) for key in (width, height)]
        if all(value is None for value in values):
            return None
        for key, value in zip((width, height), values, strict=True):
            if type(value) is not int or value < 1:
                raise self.error(key, "must be a positive whole number")
        return values[0], values[1]  # type: ignore[return-value]  # just checked


def read_duplicate_groups(path: Path) -> dict[str, str]:
    """Read ``duplicates.json``: an object whose lists name films of the same exposure or the same patient.

    Keys: ``same_exposure_pairs`` and, if there, ``likely_same_patient_other_date``, each a list of lists of
    film identifiers. A film that stands in several lists joins them all into one group.

    Returns:
        Film identifier -> group name, for the films that belong to a group; empty where there is no file.

    Raises:
        AnnotationError: the file has not this form; names the file and the key or line.
    """
    if not path.is_file():
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

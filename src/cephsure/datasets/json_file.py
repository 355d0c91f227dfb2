"""Reads JSON annotation files, with errors that name the file and the line or the place in the document."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from cephsure.errors import AnnotationError

if TYPE_CHECKING:
    from pathlib import Path


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        AnnotationError: it cannot be read, is not UTF-8 or not JSON; names the file and the line.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError as error:
        raise AnnotationError(f"is not valid JSON: {error.msg}", where=f"{path}:{error.lineno}") from error
    except (OSError, ValueError) as error:
        raise AnnotationError("cannot be read as text", where=path) from error
    except RecursionError as error:
        raise AnnotationError("is nested too deeply", where=path) from error


def list_at(parent: dict[str, Any], key: str, *, prefix: str, path: Path) -> list[Any]:
    """Give the list at ``key`` of a JSON object that stands at ``prefix`` of the document."""
    value = parent.get(key)
    if not isinstance(value, list):
        raise AnnotationError(f"{prefix}{key}: must be a list", where=path)
    return value


def text_at(parent: dict[str, Any], key: str, *, prefix: str, path: Path) -> str:
    """Give the non-empty text at ``key`` of a JSON object that stands at ``prefix`` of the document."""
    value = parent.get(key)
    if not isinstance(value, str) or not value.strip():
        raise AnnotationError(f"{prefix}{key}: must be a text", where=path)
    return value


def object_of(value: Any, *, place: str, path: Path) -> dict[str, Any]:
    """Give ``value``, which stands at ``place`` of the document, if it is a JSON object."""
    if not isinstance(value, dict):
        raise AnnotationError(f"{place}: must be an object", where=path)
    return value


def number_of(value: Any, *, place: str, path: Path) -> float:
    """Give ``value``, which stands at ``place`` of the document, as float if it is a finite number."""
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < math.inf:
        try:
            return float(value)
        except OverflowError:
            pass
    raise AnnotationError(f"{place}: must be a finite number, is {str(value)[:40]}", where=path)


def size_at(
    parent: dict[str, Any], keys: tuple[str, str], *, prefix: str, path: Path
) -> tuple[int, int] | None:
    """Give an image's stated (width, height) in px, or None where it is not stated.

    Args:
        parent: the JSON object.
        keys: its keys for width and height.
        prefix: where the object stands in the document.
        path: the file.
    """
    values = [parent.get(key) for key in keys]
    if all(value is None for value in values):
        return None
    for key, value in zip(keys, values, strict=True):
        if type(value) is not int or value < 1:
            raise AnnotationError(f"{prefix}{key}: must be a positive whole number", where=path)
    return values[0], values[1]  # type: ignore[return-value]  # just checked

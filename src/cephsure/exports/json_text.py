"""JSON that a person can read and a line tool can search: one list item a line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def readable_json(document: Mapping[str, Any]) -> str:
    """Write an object with each of its keys, and each object of its lists, on a line of its own.

    Plain indentation would give every coordinate of every sample its own line, some two thousand a film.

    Args:
        document: what ``json`` can write.

    Returns:
        JSON text, ending in a line feed.

    Raises:
        ValueError: a number is NaN or infinite, which JSON cannot hold.

    >>> print(readable_json({"name": "S", "points": [{"x": 1.5}, {"x": 2}]}), end="")
    {
      "name": "S",
      "points": [
        {"x": 1.5},
        {"x": 2}
      ]
    }
    """
    members = [f"  {_one_line(key)}: {_value(value)}" for key, value in document.items()]
    return "{\n" + ",\n".join(members) + "\n}\n"


def _value(value: Any) -> str:
    if isinstance(value, (list, tuple)) and value and all(isinstance(item, dict) for item in value):
        return "[\n" + ",\n".join(f"    {_one_line(item)}" for item in value) + "\n  ]"
    return _one_line(value)


def _one_line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)

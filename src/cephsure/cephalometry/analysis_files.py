"""The schema of an analysis' JSON form."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of an analysis' JSON form, with the meaning and unit of every field."""
    file = resources.files("cephsure.cephalometry") / "schema" / "analysis-2.schema.json"
    parsed: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return parsed

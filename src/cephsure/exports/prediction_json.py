"""The prediction itself as JSON, ``cephsure.prediction/2``: nothing is left out, and it reads back."""

from __future__ import annotations

import json
from importlib import resources
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from cephsure.errors import InputError
from cephsure.exports.output_files import readable_json
from cephsure.uncertainty.prediction import SCHEMA, Prediction

if TYPE_CHECKING:
    from pathlib import Path


FORMER = "cephsure.prediction/1"
_DERIVED = ("for_whom", "promise")
"""Sentences that follow from the other fields: written for those who read the file, not read back."""


def render(prediction: Prediction, _out_dir: Path | None = None) -> str:
    """Write a prediction as the JSON that `schema` describes, its landmarks one a line.

    The film's path is written as it was given.
    """
    said = {key: getattr(prediction, key) for key in _DERIVED}
    return readable_json({"schema": SCHEMA, **said, **prediction.model_dump(mode="json")})


def read(path: Path) -> Prediction:
    """Read a prediction that `render` wrote; it is the same to the last digit.

    Raises:
        InputError: the file is absent, no JSON, of another schema, or does not hold what the schema asks for.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", where=path) from error
    except ValueError as error:
        raise InputError(f"is not JSON: {error}", where=path) from error
    found = document.pop("schema", None) if isinstance(document, dict) else None
    if found == FORMER:
        _rename_measures(document)
    elif found != SCHEMA:
        raise InputError(
            f"is not a prediction of schema {SCHEMA!r}",
            where=path,
            remedy="give a .json file written by 'cephsure predict'",
        )
    for key in _DERIVED:
        document.pop(key, None)
    try:
        return Prediction.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{place}: {first['msg']}", where=path) from error


def _rename_measures(document: dict[str, Any]) -> None:
    """Version 1 calls the heat maps' own expected error as the calibrated one: the measures' new names."""
    marks = document.get("landmarks")
    for mark in marks if isinstance(marks, list) else []:
        measures = mark.get("measures") if isinstance(mark, dict) else None
        if isinstance(measures, dict):
            for old in {"expected_error_px", "expected_error_mm"} & set(measures):
                measures[f"raw_{old}"] = measures.pop(old)


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of `render`'s output, with the meaning and unit of every field."""
    text = resources.files("cephsure.exports").joinpath("schema/prediction-2.schema.json").read_text("utf-8")
    parsed: dict[str, Any] = json.loads(text)
    return parsed

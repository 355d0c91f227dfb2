"""The prediction itself as JSON, ``cephsure.prediction/1``: nothing is left out, and it reads back."""

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


def render(prediction: Prediction, _out_dir: Path | None = None) -> str:
    """Write a prediction as the JSON that `schema` describes, its landmarks one a line.

    The film's path is written as it was given.
    """
    return readable_json({"schema": SCHEMA, **prediction.model_dump(mode="json")})


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
    if found != SCHEMA:
        raise InputError(
            f"is not a prediction of schema {SCHEMA!r}",
            where=path,
            remedy="give a .json file written by 'cephsure predict'",
        )
    try:
        return Prediction.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{place}: {first['msg']}", where=path) from error


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of `render`'s output, with the meaning and unit of every field."""
    text = resources.files("cephsure.exports").joinpath("schema/prediction-1.schema.json").read_text("utf-8")
    parsed: dict[str, Any] = json.loads(text)
    return parsed

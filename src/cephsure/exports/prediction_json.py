"""The prediction itself as JSON, ``cephsure.prediction/2``: nothing is left out, and it reads back.

Files of version 1 are read as well. What version 2 withholds on an unfit film stood there as if it held.
"""

from __future__ import annotations

import json
from copy import deepcopy
from importlib import resources
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from cephsure.errors import InputError
from cephsure.exports.output_files import one_line_json, readable_json, written_film
from cephsure.file_names import unescaped
from cephsure.uncertainty.gate.verdict import UNFIT
from cephsure.uncertainty.missing import NO_SCALE, without_promise
from cephsure.uncertainty.prediction import SCHEMA, Prediction

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FORMER = "cephsure.prediction/1"
FORMER_IS_SILENT = "a file of cephsure.prediction/1 does not say why"
_DERIVED = ("promise", "for_whom")
"""Sentences that follow from the other fields: written for those who read the file, not read back."""


def render(prediction: Prediction, _out_dir: Path | None = None) -> str:
    """Write a prediction as the JSON that `schema` describes, its landmarks one a line.

    The film's path is written as it was given, escaped where no text can hold it.
    """
    return readable_json(_document(prediction))


def render_many(predictions: Sequence[Prediction], _out_dir: Path | None = None) -> str:
    """Write the predictions of many films as JSON Lines: each the document of `render`, one a line."""
    return "".join(f"{one_line_json(_document(prediction))}\n" for prediction in predictions)


def _document(prediction: Prediction) -> dict[str, Any]:
    # What is said of the film is read before any number.
    return {"schema": SCHEMA, **prediction.in_words, **written_film(prediction.model_dump(mode="json"))}


def read(path: Path) -> Prediction:
    """Read a prediction that `render` wrote; it is the same to the last digit.

    Of a file of version 1 what an unfit film promised is withheld, and what it does not say is said to be so.

    Raises:
        InputError: the file is absent, no JSON, of another schema, or does not hold what the schema asks for.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", where=path) from error
    except ValueError as error:
        raise InputError(f"is not JSON: {error}", where=path) from error
    return of_document(document, where=path)


def of_document(document: Any, *, where: Path | str) -> Prediction:
    """The prediction of a document that `render` wrote, parsed already; raises what `read` raises of it."""
    document = deepcopy(document)
    found = document.pop("schema", None) if isinstance(document, dict) else None
    if found == FORMER:
        _rename_measures(document)
    elif found != SCHEMA:
        raise InputError(
            f"is not a prediction of schema {SCHEMA!r}",
            where=where,
            remedy="give a .json file written by 'cephsure predict'",
        )
    for key in _DERIVED:
        document.pop(key, None)
    film = document.get("film")
    if isinstance(film, dict) and isinstance(film.get("path"), str):
        film["path"] = unescaped(film["path"])
    try:
        prediction = Prediction.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{place}: {first['msg']}", where=where) from error
    return _of_version_1(prediction) if found == FORMER else prediction


def _rename_measures(document: dict[str, Any]) -> None:
    """Version 1 calls the heat maps' own expected error as the calibrated one: the measures' new names."""
    marks = document.get("landmarks")
    for mark in marks if isinstance(marks, list) else []:
        measures = mark.get("measures") if isinstance(mark, dict) else None
        if isinstance(measures, dict):
            for old in {"expected_error_px", "expected_error_mm"} & set(measures):
                measures[f"raw_{old}"] = measures.pop(old)


def _of_version_1(prediction: Prediction) -> Prediction:
    """A prediction of a file that has neither the verdict's reason nor why nothing is promised."""
    said = {"why": "; ".join(prediction.reasons) or FORMER_IS_SILENT}
    if prediction.level is None:
        said["no_promise"] = NO_SCALE if prediction.film.mm_per_px is None else FORMER_IS_SILENT
    prediction = prediction.model_copy(update=said)
    return without_promise(prediction, UNFIT) if prediction.verdict == "unfit" else prediction


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of `render`'s output, with the meaning and unit of every field."""
    text = resources.files("cephsure.exports").joinpath("schema/prediction-2.schema.json").read_text("utf-8")
    parsed: dict[str, Any] = json.loads(text)
    return parsed

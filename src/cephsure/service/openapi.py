"""What `/openapi.json` says beyond what routes say of themselves: forms, and the documents' own schemas."""

from __future__ import annotations

import json
from importlib import resources
from typing import TYPE_CHECKING, Any

from fastapi.openapi.utils import get_openapi

from cephsure import __version__
from cephsure.exports import prediction_json
from cephsure.service.documents import NOTICE
from cephsure.service.uploads import FILM_FIELD, FORM, JSON

if TYPE_CHECKING:
    from fastapi import FastAPI
    from pydantic import BaseModel

_SCHEMAS = "#/components/schemas/"
DESCRIPTION = f"""Cephalometric landmarks on lateral skull films, each with how far to trust it.

{NOTICE} Send a film to `/v1/predict` or `/v1/analyze`, or name one that lies where the service may read it.
Errors are `{{"error": "one line", "remedy": "what to do" or null}}`. A scale is never guessed: without one in
the film or from `mm_per_px`, lengths in millimetres are null.
"""


def _document(name: str, what: str) -> dict[int | str, dict[str, Any]]:
    schema = {"$ref": f"{_SCHEMAS}{name}"}
    return {200: {"description": what, "content": {JSON: {"schema": schema}}}}


PREDICTION = _document("Prediction", "The prediction, cephsure.prediction/2.")
ANALYSIS = _document("Analysis", "The measurements, cephsure.analysis/2.")


def body_of(options: type[BaseModel]) -> dict[str, Any]:
    """A request's two kinds of body: a form with the film, or JSON with the film's path."""
    schema = options.model_json_schema()
    fields = schema["properties"]

    def kind(name: str, what: dict[str, Any]) -> dict[str, Any]:
        return {
            "schema": {
                "type": "object",
                "required": [name],
                "additionalProperties": False,
                "properties": {name: what, **fields},
            }
        }

    film = {"type": "string", "format": "binary", "description": "PNG, JPEG, BMP, TIFF or DICOM."}
    path = {"type": "string", "description": "The whole path of a film in a folder given by --allow-root."}
    content = {FORM: kind(FILM_FIELD, film), JSON: kind("path", path)}
    return {"requestBody": {"required": True, "content": content}}


def describe(app: FastAPI, *, has_token: bool) -> None:
    """Let an application describe itself, the documents' shipped schemas among it."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            found = get_openapi(
                title="cephsure", version=__version__, description=DESCRIPTION, routes=app.routes
            )
            schemas = found["components"]["schemas"]
            for name, schema in _documents().items():
                schemas |= _components(name, schema)
            if has_token:
                found["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
                found["security"] = [{"token": []}]
            app.openapi_schema = found
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _documents() -> dict[str, dict[str, Any]]:
    measured = resources.files("cephsure.cephalometry").joinpath("schema/analysis-2.schema.json")
    return {"Prediction": prediction_json.schema(), "Analysis": json.loads(measured.read_text("utf-8"))}


def _components(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """A schema and its parts, each under a name of its own."""
    text = json.dumps({key: part for key, part in schema.items() if key not in ("$schema", "$id", "$defs")})
    parts = {f"{name}.{part}": each for part, each in schema.get("$defs", {}).items()}
    found = {name: json.loads(text), **parts}
    moved: dict[str, Any] = json.loads(json.dumps(found).replace("#/$defs/", f"{_SCHEMAS}{name}."))
    return moved

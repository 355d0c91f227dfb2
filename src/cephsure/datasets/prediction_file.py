"""Reads the points of a prediction (``cephsure predict --format json``), as found or corrected by hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cephsure.datasets.builder import DatasetBuilder
    from cephsure.datasets.json_files import JsonObject

SCHEMAS = ("cephsure.prediction/1", "cephsure.prediction/2")


def add_file(document: JsonObject, annotator: str, builder: DatasetBuilder) -> None:
    """Add a prediction's points; nothing but positions and the film's size and scale is read.

    A point without ``x_px`` and ``y_px``, or with null there, is a missing one.

    Raises:
        AnnotationError: the file is malformed.
    """
    said = document.member("film")
    named = said.text("path") if said.content.get("path") is not None else document.path.stem
    film = Path(named)
    scale = _scale(said)
    size_px = said.size("width_px", "height_px")
    builder.add_film(film, annotator=annotator, size_px=size_px, mm_per_px=scale, where=document.path)
    for mark in document.objects("landmarks"):
        at = [mark.content.get(key) for key in ("x_px", "y_px")]
        if at == [None, None]:
            continue
        x_px, y_px = (mark.number(value, key) for value, key in zip(at, ("x_px", "y_px"), strict=True))
        builder.add_mark(film, annotator, mark.identifier("code"), x_px, y_px)


def _scale(film: JsonObject) -> tuple[float, float] | None:
    if film.content.get("mm_per_px") is None:
        return None
    pair = film.items("mm_per_px")
    if len(pair) != 2:
        raise film.error("mm_per_px", "must be two numbers, along x and along y")
    x, y = (film.number(value, "mm_per_px") for value in pair)
    if min(x, y) <= 0:
        raise film.error("mm_per_px", "must be positive")
    return x, y

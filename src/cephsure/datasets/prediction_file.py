"""Reads the points of a prediction (``cephsure predict --format json``), as found or corrected by hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cephsure.datasets.label_file import LabelFile, LabelFormat
from cephsure.text_files import is_file

if TYPE_CHECKING:
    from cephsure.datasets.builder import DatasetBuilder
    from cephsure.datasets.json_files import JsonObject

SCHEMAS = ("cephsure.prediction/1", "cephsure.prediction/2")


def looks_like_prediction(file: LabelFile) -> bool:
    """Whether a file is a prediction of ours."""
    return isinstance(file.value, dict) and file.value.get("schema") in SCHEMAS


def add_prediction(file: LabelFile, builder: DatasetBuilder) -> None:
    """Add a prediction's points; nothing but positions and the film's size and scale is read.

    A point without ``x_px`` and ``y_px``, or with null there, is a missing one.

    Raises:
        AnnotationError: the file is malformed.
    """
    document, annotator = file.document, file.folder_name
    said = document.member("film")
    path = Path(file.stem)
    if said.content.get("path") is not None:
        path = builder.film(said.text("path"), file.path.parent)
        # Paths are as they were given when the film was predicted: from another folder than the file's.
        path = path if is_file(path) else Path(said.text("path"))
    size_px = said.size("width_px", "height_px")
    builder.add_film(path, annotator=annotator, size_px=size_px, mm_per_px=_scale(said), where=file.path)

    def add(mark: JsonObject) -> None:
        at = mark.position(mark.content.get("x_px"), mark.content.get("y_px"), keys=("x_px", "y_px"))
        if at is not None:
            builder.add_mark(path, annotator, mark.identifier("code"), *at)

    builder.each("landmark", document, "landmarks", add)


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


PREDICTION = LabelFormat(
    name="prediction",
    title="prediction of cephsure",
    suffixes=(".json",),
    looks_like=looks_like_prediction,
    add=add_prediction,
    writes="json",
)

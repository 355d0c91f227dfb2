"""The CL-Detection 2023 challenge: 38 points by number, and films padded to one size in one stack.

``train-gt.json`` has a point as ``{"name": 1, "point": [x, y, film], "scale": "0.1"}``, films counted from 1.
Films are ``1.bmp``, ``2.png``, ... where they were unpacked; else they are taken from the stack (``*.mha``)
beside the file, without the black rows and columns that fill up its lower and right edge: positions count
from the upper left. They are whole pixels, taken as they stand.

A model of isbi-19 gets the first 19, which are the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cephsure.datasets.label_file import LabelFile, LabelFormat
from cephsure.datasets.mha_stack import StackedFilm, read_header
from cephsure.datasets.other_set import OtherSet
from cephsure.text_files import is_folder

if TYPE_CHECKING:
    from pathlib import Path

    from cephsure.datasets.builder import DatasetBuilder
    from cephsure.datasets.json_files import JsonObject

ANNOTATOR = "cl-detection"


def looks_like_cl_detection(file: LabelFile) -> bool:
    """Whether a file has the challenge's list of points."""
    points = file.value.get("points") if isinstance(file.value, dict) else None
    return isinstance(points, list) and bool(points) and isinstance(points[0], dict) and "point" in points[0]


def add_cl_detection(file: LabelFile, builder: DatasetBuilder) -> None:
    """Add one file's points; `AnnotationError` if it is malformed."""
    document, films = file.document, _Films(file, builder)
    other = OtherSet("cl-detection-38", builder, file.path)

    def add(mark: JsonObject) -> None:
        point = mark.items("point")
        if len(point) != 3:
            raise mark.error("point", "must be x, y and the film's number")
        number = mark.number(point[2], "point[2]")
        if not (1 <= number < 1e6 and number.is_integer()):
            raise mark.error("point[2]", "must be a film's number, from 1")
        path, held = films.film(int(number), mark)
        scale = mark.content.get("scale")
        mm_per_px = None if scale is None else mark.number(scale, "scale")
        if mm_per_px is not None and mm_per_px <= 0:
            raise mark.error("scale", "must be positive")
        builder.add_film(
            path,
            annotator=ANNOTATOR,
            mm_per_px=None if mm_per_px is None else (mm_per_px, mm_per_px),
            held=held,
            where=file.path,
        )
        at = mark.position(*point[:2], keys=("point[0]", "point[1]"))
        if at is not None:
            other.add_mark(path, ANNOTATOR, mark.identifier("name"), *at)

    builder.each("point", document, "points", add)


class _Films:
    """The films of a file by their numbers: files of their own, or films of the stack."""

    def __init__(self, file: LabelFile, builder: DatasetBuilder) -> None:
        folder = file.path.parent
        self._builder = builder
        self._places = [folder, folder / "images", folder.parent / "images"]
        stacks = [
            path
            for place in (builder.images, *self._places)
            if place is not None and is_folder(place)
            for path in sorted(place.glob("*.mha"))
        ]
        self._header = read_header(stacks[0]) if stacks else None

    def film(self, number: int, mark: JsonObject) -> tuple[Path, Any]:
        """The path of a film, and how it is read where it has no file of its own."""
        finder = self._builder.finder
        found = finder.find_stem(str(number), self._places) or finder.find_number(number, self._places)
        if found is not None or self._header is None:
            return found or self._places[0] / str(number), None
        if number > self._header.count:
            raise mark.error(
                "point[2]", f"is film {number}; the stack {self._header.path.name} has {self._header.count}"
            )
        return self._header.path / str(number), StackedFilm(self._header, number - 1)


CL_DETECTION = LabelFormat(
    name="cl-detection",
    title="CL-Detection 2023 file",
    suffixes=(".json",),
    looks_like=looks_like_cl_detection,
    add=add_cl_detection,
)

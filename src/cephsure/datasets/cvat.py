"""CVAT's own XML (CVAT for images 1.1): points and skeletons, their labels the landmarks' names.

Pixel convention: CVAT counts from the first pixel's corner, so that the middle of that pixel is (0.5, 0.5)
there; half a pixel is taken off on reading and put on on writing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cephsure.datasets.label_file import HALF_A_PIXEL, LabelFile, LabelFormat
from cephsure.datasets.table_file import number
from cephsure.datasets.xml_file import Element, read_xml
from cephsure.errors import AnnotationError

if TYPE_CHECKING:
    from pathlib import Path

    from cephsure.datasets.builder import DatasetBuilder


def looks_like_cvat(file: LabelFile) -> bool:
    """Whether a file is XML whose first element is CVAT's."""
    return "<annotations" in file.text[:2000]


def add_cvat(file: LabelFile, builder: DatasetBuilder) -> None:
    """Add one file's points; `AnnotationError` if it is malformed."""
    root = read_xml(file.text, where=file.path)
    if root.tag != "annotations":
        raise file.error(f"is no CVAT file: its first element is {root.tag[:40]!r}")
    if any(element.tag == "track" for element in root.children):
        raise AnnotationError(
            "holds tracks of a video", where=file.path, remedy="export as CVAT for images 1.1"
        )
    for image in root.children:
        if image.tag == "image":
            with builder.entry("image"):
                _add_image(file, image, builder)


def _add_image(file: LabelFile, image: Element, builder: DatasetBuilder) -> None:
    path = builder.film(image.attribute("name", file.path), file.path.parent)
    size_px = _size(image, image.where(file.path))
    annotator = file.stem
    builder.add_film(path, annotator=annotator, size_px=size_px, where=image.where(file.path))
    others = 0
    for shape in image.children:
        points = [point for point in shape.children if point.tag == "points"]
        if shape.tag not in ("points", "skeleton"):
            others += shape.tag != "tag"
        if shape.tag == "points" and _count(shape) == len(builder.landmark_set) > 1:
            _add_ordered(file, shape, builder, path)
            continue
        for point in points if shape.tag == "skeleton" else [shape][: shape.tag == "points"]:
            with builder.entry("point"):
                at = _position(point, file.path)
                if at is not None:
                    builder.add_mark(path, annotator, point.attribute("label", file.path), *at)
    if others:
        what = "1 shape is no point" if others == 1 else f"{others} shapes are no points"
        builder.problems.append(f"film {path.stem}: {what}; left out")


def _size(image: Element, where: str) -> tuple[int, int] | None:
    """A film's width and height; None where they are not both stated."""
    sides = [number(image.attributes.get(key, ""), where=where) for key in ("width", "height")]
    whole = [int(side) for side in sides if side is not None and 1 <= side < 1e9 and side.is_integer()]
    if None in sides:
        return None
    if len(whole) != 2:
        raise AnnotationError("image: width and height must be positive whole numbers", where=where)
    return whole[0], whole[1]


def _count(shape: Element) -> int:
    """How many positions one shape has."""
    return shape.attributes.get("points", "").strip().strip(";").count(";") + 1


def _add_ordered(file: LabelFile, shape: Element, builder: DatasetBuilder, path: Path) -> None:
    """Add a shape that has as many positions as there are landmarks, in their order."""
    cells = shape.attribute("points", file.path).strip().strip(";").split(";")
    for label, text in enumerate(cells, start=1):
        with builder.entry("point"):
            x, y = _pair(text, shape.where(file.path))
            builder.add_mark(path, file.stem, label, x, y)
    builder.problems.append(
        f"film {path.stem}: one shape of {len(cells)} points; taken in the landmark set's order"
    )


def _position(point: Element, path: Path) -> tuple[float, float] | None:
    """A position in px from the first pixel's centre; None for a point that CVAT calls outside."""
    if point.attributes.get("outside") == "1":
        return None
    if (count := _count(point)) > 1:
        label = point.attributes.get("label", "")[:40]
        raise AnnotationError(
            f"points: shape {label!r} has {count} positions, a landmark has one", where=point.where(path)
        )
    return _pair(point.attribute("points", path).strip().strip(";"), point.where(path))


def _pair(text: str, where: str) -> tuple[float, float]:
    """A position in px from the first pixel's centre."""
    pair = [number(cell, where=where) for cell in text.split(",")]
    if len(pair) != 2 or pair[0] is None or pair[1] is None:
        raise AnnotationError("points: must be one pair x,y", where=where)
    return pair[0] - HALF_A_PIXEL, pair[1] - HALF_A_PIXEL


CVAT = LabelFormat(
    name="cvat",
    title="CVAT file",
    suffixes=(".xml",),
    looks_like=looks_like_cvat,
    add=add_cvat,
    writes="cvat",
)

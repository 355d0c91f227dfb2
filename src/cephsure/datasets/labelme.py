"""labelme: one JSON file a film, points with labels; a folder ``labelme_NAME`` an annotator, or one folder.

Pixel convention: labelme's window counts from the first pixel's corner, so that a point clicked in the middle
of that pixel is (0.5, 0.5) there. Positions are taken as they stand all the same, as every figure published
on such files was measured (docs/formats.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cephsure.datasets.held_film import EncodedFilm
from cephsure.datasets.label_file import LabelFile, LabelFormat, read_format
from cephsure.text_files import is_file

if TYPE_CHECKING:
    from pathlib import Path

    from cephsure.datasets.annotated_film import Dataset
    from cephsure.datasets.builder import DatasetBuilder
    from cephsure.datasets.json_files import JsonObject
    from cephsure.films import Spacing
    from cephsure.landmarks import LabelKind, LandmarkSet

_SHOWN = 5


def looks_like_labelme(file: LabelFile) -> bool:
    """Whether a file has labelme's shapes or the path of its film."""
    return bool({"shapes", "imagePath"} & file.keys)


def read_labelme(
    path: str | Path,
    *,
    landmark_set: LandmarkSet,
    spacing: Spacing | None = None,
    images: Path | None = None,
    labels: LabelKind = "auto",
) -> Dataset:
    r"""Read labelme files; arguments and errors are those of ``label_file.read_format``.

    Each folder ``labelme_NAME`` holds annotator NAME's files; where there is none, the files in the folder
    itself are read, the annotator being called as the folder. Shapes of the kind "point" are landmarks,
    others are passed over and named. Films are found by ``imagePath``, relative to the JSON file, with / or \
    between its parts; a film that is not there is taken from ``imageData`` where the file holds it.
    """
    return read_format(
        LABELME, path, landmark_set=landmark_set, spacing=spacing, images=images, labels=labels
    )


def add_labelme(file: LabelFile, builder: DatasetBuilder) -> None:
    """Add one labelme file's points; `AnnotationError` if it is malformed."""
    document, folder = file.document, file.path.parent
    document.items("shapes")
    image = builder.film(document.text("imagePath"), folder)
    held = None
    if document.content.get("imageData") and not is_file(image):
        held = EncodedFilm(file.path, "imageData")
    annotator = file.folder_name
    size_px = document.size("imageWidth", "imageHeight")
    builder.add_film(image, annotator=annotator, size_px=size_px, held=held, where=file.path)
    others: list[str] = []

    def add(shape: JsonObject) -> None:
        kind = shape.content.get("shape_type", "point")
        label = str(shape.identifier("label"))
        if kind != "point":
            what = "list of points" if kind == "points" else str(kind)[:20]
            others.append(f"{label!r} is a {what}")
        elif (at := _position(shape)) is not None:
            builder.add_mark(image, annotator, label, *at)

    builder.each("shape", document, "shapes", add)
    if others:
        what = "; ".join(others[:_SHOWN]) + ("; ..." if len(others) > _SHOWN else "")
        count = "shape" if len(others) == 1 else f"{len(others)} shapes are no points:"
        end = ", not a point" if len(others) == 1 else ""
        builder.problems.append(f"film {image.stem}: {annotator}'s {count} {what}{end}; left out")


def _position(shape: JsonObject) -> tuple[float, float] | None:
    points = shape.items("points")
    if len(points) != 1 or not isinstance(points[0], list) or len(points[0]) != 2:
        raise shape.error("points", "a point must be one pair [[x, y]]")
    return shape.position(*points[0], keys=("points[0][0]", "points[0][1]"))


LABELME = LabelFormat(
    name="labelme",
    title="labelme file",
    suffixes=(".json",),
    looks_like=looks_like_labelme,
    add=add_labelme,
    writes="labelme",
)

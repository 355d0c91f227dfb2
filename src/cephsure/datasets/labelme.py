"""Reads labelme annotations: one JSON file a film, one folder ``labelme_NAME`` an annotator."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cephsure.datasets.builder import DatasetBuilder, image_path
from cephsure.datasets.json_files import JsonObject, annotation_files, read_json
from cephsure.errors import InputError

if TYPE_CHECKING:
    from cephsure.datasets.annotated_film import Dataset
    from cephsure.films import Spacing
    from cephsure.landmarks import LandmarkSet

_PREFIX = "labelme_"


def looks_like_labelme(root: Path) -> bool:
    """Say whether a folder has an annotator's folder, or is one itself."""
    if not root.is_dir():
        return False
    if any(folder.is_dir() for folder in root.glob(f"{_PREFIX}*")):
        return True
    first = next(iter(annotation_files(root, ".json")), None)
    if first is None:
        return False
    data = read_json(first)
    return isinstance(data, dict) and "shapes" in data and "imagePath" in data


def read_labelme(root: str | Path, *, landmark_set: LandmarkSet, spacing: Spacing | None = None) -> Dataset:
    r"""Read a folder of labelme files.

    Each folder ``labelme_NAME`` in ``root`` holds annotator NAME's JSON files; where there is none, the files
    in ``root`` itself are read, the annotator being called as the folder. Shapes of the kind "point" are
    landmarks; their labels are the landmark's number (``7``, ``l7``, ``L7``) or its code, whatever the case.
    Images are found by ``imagePath``, relative to the JSON file, with / or \ between its parts. Positions are
    taken as they stand.

    Missing and doubled labels are missing points, never guessed; ``problems`` names them.

    Raises:
        InputError: there are no JSON files, or no film is left.
        AnnotationError: a file is malformed; names the file and the line or the place in it.
    """
    root = Path(root)
    folders = [folder for folder in sorted(root.glob(f"{_PREFIX}*")) if folder.is_dir()] or [root]
    builder = DatasetBuilder(root=root, landmark_set=landmark_set)
    for folder in folders:
        files = annotation_files(folder, ".json")
        if not files or not folder.is_dir():
            raise InputError("holds no labelme file (*.json)", where=folder)
        annotator = folder.resolve().name.removeprefix(_PREFIX)
        for path in files:
            add_file(JsonObject.read(path), annotator, builder)
    return builder.build(name=root.resolve().name, spacing=spacing)


def add_file(document: JsonObject, annotator: str, builder: DatasetBuilder) -> None:
    """Add one labelme file's points; `AnnotationError` if it is malformed."""
    shapes = list(document.objects("shapes"))
    image = image_path(document.path.parent, document.text("imagePath"))
    size_px = document.size("imageWidth", "imageHeight")
    builder.add_film(image, annotator=annotator, size_px=size_px, where=document.path)
    for shape in shapes:
        label = shape.text("label")
        kind = shape.content.get("shape_type", "point")
        if kind == "point":
            builder.add_mark(image, annotator, label, *_position(shape))
        else:
            builder.problems.append(
                f"film {image.stem}: {annotator}'s shape {label!r} is a {kind}, not a point; left out"
            )


def _position(shape: JsonObject) -> tuple[float, float]:
    points = shape.items("points")
    if len(points) != 1 or not isinstance(points[0], list) or len(points[0]) != 2:
        raise shape.error("points", "a point must be one pair [[x, y]]")
    x_px, y_px = (shape.number(value, f"points[0][{axis}]") for axis, value in enumerate(points[0]))
    return x_px, y_px

"""Reads labelme annotations: one JSON file a film, one folder ``labelme_NAME`` an annotator."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cephsure.datasets.builder import DatasetBuilder, image_path
from cephsure.datasets.json_file import list_at, number_of, object_of, read_json, size_at, text_at
from cephsure.errors import AnnotationError, InputError

if TYPE_CHECKING:
    from cephsure.datasets.annotated_film import Dataset
    from cephsure.films import Spacing
    from cephsure.landmarks import LandmarkSet

_PREFIX = "labelme_"


def looks_like_labelme(root: Path) -> bool:
    """Say whether a folder has an annotator's folder, or is one itself."""
    if any(folder.is_dir() for folder in root.glob(f"{_PREFIX}*")):
        return True
    first = next(iter(_json_files(root)), None)
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

    Args:
        root: the folder.
        landmark_set: which points, in which order.
        spacing: the scale of the films, or None; labelme files do not state it.

    Returns:
        The films. Missing and doubled labels are missing points, never guessed; ``problems`` names them.

    Raises:
        InputError: there are no JSON files, or no film is left.
        AnnotationError: a file is malformed; names the file and the line or the place in it.
    """
    root = Path(root)
    folders = [folder for folder in sorted(root.glob(f"{_PREFIX}*")) if folder.is_dir()] or [root]
    builder = DatasetBuilder(root=root, landmark_set=landmark_set)
    for folder in folders:
        files = _json_files(folder)
        if not files:
            raise InputError("holds no labelme file (*.json)", where=folder)
        annotator = folder.resolve().name.removeprefix(_PREFIX)
        for path in files:
            _read_file(path, annotator, builder)
    return builder.build(name=root.resolve().name, spacing=spacing)


def _json_files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.glob("[!.]*.json")) if path.name != "duplicates.json"]


def _read_file(path: Path, annotator: str, builder: DatasetBuilder) -> None:
    data = object_of(read_json(path), place="document", path=path)
    shapes = list_at(data, "shapes", prefix="", path=path)
    image = image_path(path.parent, text_at(data, "imagePath", prefix="", path=path))
    size_px = size_at(data, ("imageWidth", "imageHeight"), prefix="", path=path)
    builder.add_film(image, annotator=annotator, size_px=size_px, where=path)
    for index, entry in enumerate(shapes):
        place = f"shapes[{index}]"
        shape = object_of(entry, place=place, path=path)
        label = text_at(shape, "label", prefix=f"{place}.", path=path)
        if shape.get("shape_type", "point") != "point":
            kind = shape["shape_type"]
            builder.problems.append(
                f"film {image.stem}: {annotator}'s shape {label!r} is a {kind}, not a point; left out"
            )
            continue
        x_px, y_px = _position(shape, place=place, path=path)
        builder.add_mark(image, annotator, label, x_px, y_px)


def _position(shape: dict[str, Any], *, place: str, path: Path) -> tuple[float, float]:
    points = list_at(shape, "points", prefix=f"{place}.", path=path)
    if len(points) != 1 or not isinstance(points[0], list) or len(points[0]) != 2:
        raise AnnotationError(f"{place}.points: a point must be one pair [[x, y]]", where=path)
    x_px, y_px = (
        number_of(value, place=f"{place}.points[0][{axis}]", path=path)
        for axis, value in enumerate(points[0])
    )
    return x_px, y_px

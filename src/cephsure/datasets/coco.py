"""Reads COCO key points, from one file or a file for each annotator.

Pixel convention: COCO's key points are positions counted from 0 at the centre of the first pixel, which is
ours, so they are taken as they stand. (COCO's boxes and masks count from the pixel's corner; they are not
read.)
"""

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

_NOT_LABELLED = 0


def looks_like_coco(path: Path) -> bool:
    """Say whether a file, or the first JSON file of a folder, has COCO's three lists."""
    first = next(iter(_json_files(path)), None)
    if first is None or first.suffix.lower() != ".json":
        return False
    data = read_json(first)
    return isinstance(data, dict) and {"images", "annotations", "categories"} <= set(data)


def read_coco(path: str | Path, *, landmark_set: LandmarkSet, spacing: Spacing | None = None) -> Dataset:
    """Read COCO key points.

    An annotation's annotator is its own key ``annotator``, if it has one, else the name of its file without
    ``.json`` and ``.coco``. A category's ``keypoints`` names are numbers or codes of the landmark set; a
    category without names must have as many key points as the set has landmarks. Visibility 0 is a missing
    point; 1 and 2 are read alike. Images are looked for beside the file, then in ``images`` beside it, then
    in ``../images``.

    Args:
        path: a JSON file, or a folder all of whose JSON files are read.
        landmark_set: which points, in which order.
        spacing: the scale of the films, or None; COCO files do not state it.

    Returns:
        The films. Where one annotator has two annotations of a film that differ, the points that differ are
        missing.

    Raises:
        InputError: there is no JSON file, or no film is left.
        AnnotationError: a file is malformed; names the file and the line or the place in it.
    """
    path = Path(path)
    files = _json_files(path)
    if not files:
        raise InputError("holds no COCO file (*.json)", where=path)
    root = path if path.is_dir() else path.parent
    builder = DatasetBuilder(root=root, landmark_set=landmark_set)
    for file in files:
        _read_file(file, builder)
    return builder.build(name=path.resolve().stem, spacing=spacing)


def _json_files(path: Path) -> list[Path]:
    if path.is_dir():
        return [file for file in sorted(path.glob("[!.]*.json")) if file.name != "duplicates.json"]
    return [path] if path.is_file() else []


def _read_file(path: Path, builder: DatasetBuilder) -> None:
    data = object_of(read_json(path), place="document", path=path)
    images = _images(data, path, builder)
    labels = _labels(data, path)
    for index, entry in enumerate(list_at(data, "annotations", prefix="", path=path)):
        place = f"annotations[{index}]"
        annotation = object_of(entry, place=place, path=path)
        image = images.get(_identifier(annotation, "image_id", place=place, path=path))
        if image is None:
            raise AnnotationError(f"{place}.image_id: there is no such image", where=path)
        category = _identifier(annotation, "category_id", place=place, path=path)
        if category not in labels:
            raise AnnotationError(f"{place}.category_id: there is no such category", where=path)
        annotator = path.stem.removesuffix(".coco")
        if "annotator" in annotation:
            annotator = text_at(annotation, "annotator", prefix=f"{place}.", path=path)
        builder.add_film(image, annotator=annotator, where=path)
        names = labels[category] or [landmark.code for landmark in builder.landmark_set.landmarks]
        values = list_at(annotation, "keypoints", prefix=f"{place}.", path=path)
        for name, x_px, y_px in _marks(values, names, place=f"{place}.keypoints", path=path):
            builder.add_mark(image, annotator, name, x_px, y_px)


def _images(data: dict[str, Any], path: Path, builder: DatasetBuilder) -> dict[str | int, Path]:
    """Give each image's path by its identifier."""
    images: dict[str | int, Path] = {}
    for index, entry in enumerate(list_at(data, "images", prefix="", path=path)):
        place = f"images[{index}]"
        image = object_of(entry, place=place, path=path)
        identifier = _identifier(image, "id", place=place, path=path)
        if identifier in images:
            raise AnnotationError(f"{place}.id: {identifier!r} is given twice", where=path)
        images[identifier] = _find_image(
            path.parent, text_at(image, "file_name", prefix=f"{place}.", path=path)
        )
        size_px = size_at(image, ("width", "height"), prefix=f"{place}.", path=path)
        builder.add_film(images[identifier], size_px=size_px, where=path)
    return images


def _find_image(folder: Path, reference: str) -> Path:
    beside = image_path(folder, reference)
    places = (
        beside,
        image_path(folder / "images", reference),
        image_path(folder.parent / "images", reference),
    )
    return next((place for place in places if place.is_file()), beside)


def _labels(data: dict[str, Any], path: Path) -> dict[str | int, list[str]]:
    """Give each category's key point names; an empty list where it names none."""
    labels: dict[str | int, list[str]] = {}
    for index, entry in enumerate(list_at(data, "categories", prefix="", path=path)):
        place = f"categories[{index}]"
        category = object_of(entry, place=place, path=path)
        names = list_at({"keypoints": [], **category}, "keypoints", prefix=f"{place}.", path=path)
        if not all(isinstance(name, str) for name in names):
            raise AnnotationError(f"{place}.keypoints: must be a list of texts", where=path)
        labels[_identifier(category, "id", place=place, path=path)] = names
    return labels


def _marks(values: list[Any], names: list[str], *, place: str, path: Path) -> list[tuple[str, float, float]]:
    """Take x, y and visibility of each key point apart; those not labelled are left out."""
    if len(values) != 3 * len(names):
        raise AnnotationError(
            f"{place}: has {len(values)} numbers, expected 3 for each of {len(names)} key points", where=path
        )
    numbers = [number_of(value, place=f"{place}[{index}]", path=path) for index, value in enumerate(values)]
    triples = zip(names, numbers[0::3], numbers[1::3], numbers[2::3], strict=True)
    return [(name, x_px, y_px) for name, x_px, y_px, visibility in triples if visibility != _NOT_LABELLED]


def _identifier(parent: dict[str, Any], key: str, *, place: str, path: Path) -> str | int:
    value = parent.get(key)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise AnnotationError(f"{place}.{key}: must be a whole number or a text", where=path)
    return value

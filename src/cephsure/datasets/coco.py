"""Reads COCO key points, from one file or a file for each annotator.

Pixel convention: COCO's key points are positions counted from 0 at the centre of the first pixel, which is
ours, so they are taken as they stand. (COCO's boxes and masks count from the pixel's corner; they are not
read.)
"""

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

_NOT_LABELLED = 0


def looks_like_coco(path: Path) -> bool:
    """Say whether a file, or the first JSON file of a folder, has COCO's three lists."""
    first = next(iter(annotation_files(path, ".json")), None)
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

    ``path`` is a JSON file, or a folder all of whose JSON files are read. Where one annotator has two
    annotations of a film that differ, the points that differ are missing.

    Raises:
        InputError: there is no JSON file, or no film is left.
        AnnotationError: a file is malformed; names the file and the line or the place in it.
    """
    path = Path(path)
    builder = DatasetBuilder(root=path if path.is_dir() else path.parent, landmark_set=landmark_set)
    files = annotation_files(path, ".json")
    if not files:
        raise InputError("holds no COCO file (*.json)", where=path)
    for file in files:
        add_file(JsonObject.read(file), builder)
    return builder.build(name=path.resolve().stem, spacing=spacing)


def add_file(document: JsonObject, builder: DatasetBuilder) -> None:
    """Add one COCO file's points; `AnnotationError` if it is malformed."""
    images = _images(document, builder)
    labels = _labels(document)
    for annotation in document.objects("annotations"):
        image = images.get(annotation.identifier("image_id"))
        if image is None:
            raise annotation.error("image_id", "there is no such image")
        category = annotation.identifier("category_id")
        if category not in labels:
            raise annotation.error("category_id", "there is no such category")
        annotator = document.path.stem.removesuffix(".coco")
        if "annotator" in annotation.content:
            annotator = annotation.text("annotator")
        builder.add_film(image, annotator=annotator, where=document.path)
        for name, x_px, y_px in _marks(annotation, labels[category] or list(builder.landmark_set.codes)):
            builder.add_mark(image, annotator, name, x_px, y_px)


def _images(document: JsonObject, builder: DatasetBuilder) -> dict[str | int, Path]:
    """Give each image's path by its identifier."""
    images: dict[str | int, Path] = {}
    for image in document.objects("images"):
        identifier = image.identifier("id")
        if identifier in images:
            raise image.error("id", f"{identifier!r} is given twice")
        folder, reference = document.path.parent, image.text("file_name")
        places = [
            image_path(place, reference) for place in (folder, folder / "images", folder.parent / "images")
        ]
        images[identifier] = next((place for place in places if place.is_file()), places[0])
        builder.add_film(images[identifier], size_px=image.size("width", "height"), where=document.path)
    return images


def _labels(document: JsonObject) -> dict[str | int, list[str]]:
    """Give each category's key point names; an empty list where it names none."""
    labels: dict[str | int, list[str]] = {}
    for category in document.objects("categories"):
        names = category.items("keypoints") if "keypoints" in category.content else []
        if not all(isinstance(name, str) for name in names):
            raise category.error("keypoints", "must be a list of texts")
        labels[category.identifier("id")] = names
    return labels


def _marks(annotation: JsonObject, names: list[str]) -> list[tuple[str, float, float]]:
    """Take x, y and visibility of each key point apart; those not labelled are left out."""
    values = annotation.items("keypoints")
    if len(values) != 3 * len(names):
        expected = f"3 for each of {len(names)} key points"
        raise annotation.error("keypoints", f"has {len(values)} numbers, expected {expected}")
    numbers = [annotation.number(value, f"keypoints[{index}]") for index, value in enumerate(values)]
    triples = zip(names, numbers[0::3], numbers[1::3], numbers[2::3], strict=True)
    return [(name, x_px, y_px) for name, x_px, y_px, visibility in triples if visibility != _NOT_LABELLED]

"""COCO key points: one file for many films, or a file for each annotator.

As CVAT, Roboflow, RectLabel and Label Studio write them too: films in ``images/default``, boxes and outlines
beside the key points, a category for each landmark.

Pixel convention: COCO's key points are positions counted from 0 at the centre of the first pixel, which is
ours, so they are taken as they stand. (COCO's boxes and masks count from the pixel's corner; they are not
read.)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cephsure.datasets.json_files import is_missing
from cephsure.datasets.label_file import LabelFile, LabelFormat, read_format
from cephsure.films.third_party import printable

if TYPE_CHECKING:
    from pathlib import Path

    from cephsure.datasets.annotated_film import Dataset
    from cephsure.datasets.builder import DatasetBuilder
    from cephsure.datasets.json_files import JsonObject
    from cephsure.films import Spacing
    from cephsure.landmarks import LabelKind, LandmarkSet

_NOT_LABELLED = 0
_SPLITS = ("train", "valid", "val", "test")


def looks_like_coco(file: LabelFile) -> bool:
    """Whether a file has COCO's three lists."""
    return {"images", "annotations", "categories"} <= file.keys


def read_coco(
    path: str | Path,
    *,
    landmark_set: LandmarkSet,
    spacing: Spacing | None = None,
    images: Path | None = None,
    labels: LabelKind = "auto",
) -> Dataset:
    """Read COCO key points; arguments and errors are those of ``label_file.read_format``.

    An annotation's annotator is its own key ``annotator``, if it has one, else the name of its file without
    ``.json`` and ``.coco``. A category's ``keypoints`` name the landmarks; a category without names must have
    as many key points as the set has landmarks, or a single one and the landmark's name. Visibility 0 is a
    missing point; 1 and 2 are read alike. Films are looked for beside the file and in ``images``,
    ``images/default`` and ``../images``. Annotations without key points are passed over.

    Where one annotator has two annotations of a film that differ, the points that differ are missing.
    """
    return read_format(COCO, path, landmark_set=landmark_set, spacing=spacing, images=images, labels=labels)


def add_coco(file: LabelFile, builder: DatasetBuilder) -> None:
    """Add one COCO file's points; `AnnotationError` if it is malformed."""
    reading = _Reading(file, builder)
    document = file.document
    for key in ("images", "annotations", "categories"):
        document.items(key)
    builder.each("image", document, "images", reading.add_image)
    builder.each("category", document, "categories", reading.add_category)
    builder.each("annotation", document, "annotations", reading.add_annotation)
    if reading.without_points:
        what = (
            "1 annotation has"
            if reading.without_points == 1
            else f"{reading.without_points} annotations have"
        )
        builder.problems.append(f"{file.path.name}: {what} no key points (boxes, outlines); passed over")
    if reading.not_labelled:
        builder.problems.append(
            f"{file.path.name}: key points with a position and visibility 0 (not labelled): "
            f"{reading.not_labelled}; left missing"
        )


@dataclass(slots=True)
class _Reading:
    """One file while it is read: each image's path and each category by its identifier."""

    file: LabelFile
    builder: DatasetBuilder
    # By the identifier's text: some tools write 1 in one place and "1" in another.
    images: dict[str, Path] = field(default_factory=dict)
    categories: dict[str, tuple[str, list[str]]] = field(default_factory=dict)  # name, key points
    without_points: int = 0
    not_labelled: int = 0  # key points with a position and visibility 0

    def add_image(self, image: JsonObject) -> None:
        identifier = str(image.identifier("id"))
        if identifier in self.images:
            raise image.error("id", f"{printable(identifier, longest=40)} is given twice")
        folder = self.file.path.parent
        path = self.builder.film(image.text("file_name"), folder)
        self.images[identifier] = path
        split = folder.name if folder.name in _SPLITS and self.file.stem == "_annotations" else None
        self.builder.add_film(path, size_px=image.size("width", "height"), split=split, where=self.file.path)

    def add_category(self, category: JsonObject) -> None:
        names = category.items("keypoints") if category.content.get("keypoints") is not None else []
        if not all(isinstance(name, str) for name in names):
            raise category.error("keypoints", "must be a list of texts")
        name = category.content.get("name")
        self.categories[str(category.identifier("id"))] = (str(name) if name is not None else "", names)

    def add_annotation(self, annotation: JsonObject) -> None:
        if not annotation.content.get("keypoints"):
            self.without_points += 1
            return
        image = self.images.get(str(annotation.identifier("image_id")))
        if image is None:
            raise annotation.error("image_id", "there is no such image")
        if str(annotation.identifier("category_id")) not in self.categories:
            raise annotation.error("category_id", "there is no such category")
        annotator = self.file.stem
        if annotation.content.get("annotator") is not None:
            annotator = annotation.text("annotator")
        marks = self._marks(annotation)
        self.builder.add_film(image, annotator=annotator, where=self.file.path)
        for name, x_px, y_px in marks:
            self.builder.add_mark(image, annotator, name, x_px, y_px)

    def _marks(self, annotation: JsonObject) -> list[tuple[str, float, float]]:
        """Take x, y and visibility of each key point apart; those not labelled are left out."""
        category, names = self.categories[str(annotation.identifier("category_id"))]
        values = annotation.items("keypoints")
        if not names:
            names = [category] if len(values) == 3 and category else list(self.builder.landmark_set.codes)
        if len(values) != 3 * len(names):
            expected = f"3 for each of {len(names)} key points"
            raise annotation.error("keypoints", f"has {len(values)} numbers, expected {expected}")
        marks = []
        for place, name in enumerate(names):
            x, y, visibility = values[3 * place : 3 * place + 3]
            seen = annotation.number(visibility, f"keypoints[{3 * place + 2}]")
            with self.builder.entry("key point"):
                at = None
                if seen != _NOT_LABELLED:
                    at = annotation.position(x, y, keys=_keys(place))
                elif any(not is_missing(value) and value not in (0, "0") for value in (x, y)):
                    self.not_labelled += 1
                if at is not None:
                    marks.append((name, *at))
        return marks


def _keys(place: int) -> tuple[str, str]:
    return f"keypoints[{3 * place}]", f"keypoints[{3 * place + 1}]"


COCO = LabelFormat(
    name="coco",
    title="COCO file",
    suffixes=(".json",),
    looks_like=looks_like_coco,
    add=add_coco,
    writes="coco",
)

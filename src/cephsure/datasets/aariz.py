"""The Aariz data set (Khalid et al. 2025): 29 points by senior and by junior orthodontists, seven machines.

As it ships: ``train|valid|test/Cephalograms/ID.*`` and, beside it, ``Annotations/Cephalometric Landmarks/
Senior|Junior Orthodontists/ID.json``; ``cephalogram_machine_mappings.csv`` has each film's mm a pixel. The
two readers are annotators of their own. Positions are whole pixels, taken as they stand.

A model of another landmark set gets the points that both sets define alike (``same_as`` in the set's file).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cephsure.datasets.label_file import LabelFile, LabelFormat, label_files
from cephsure.datasets.other_set import OtherSet
from cephsure.datasets.table_file import number, table_rows
from cephsure.errors import AnnotationError
from cephsure.text_files import is_file, is_folder

if TYPE_CHECKING:
    from pathlib import Path

    from cephsure.datasets.builder import DatasetBuilder
    from cephsure.datasets.json_files import JsonObject

_POINTS = "Cephalometric Landmarks"
_SCALES = "cephalogram_machine_mappings.csv"
_SPLITS = ("train", "valid", "test")


def looks_like_aariz(file: LabelFile) -> bool:
    """Whether a file has a cephalogram's name and points with symbols."""
    return {"ceph_id", "landmarks"} <= file.keys


def aariz_folders(root: Path) -> list[Path]:
    """The readers' folders of the data set as it ships, of one of its splits or of its annotations."""
    for base in (root, *_folders(root)):  # the archive unpacks into a folder of its own
        splits = [folder for folder in _folders(base) if folder.name.casefold() in _SPLITS]
        found: list[Path] = []
        for above in (*sorted(splits, key=lambda split: _SPLITS.index(split.name.casefold())), base):
            for points in (above / "Annotations" / _POINTS, above / _POINTS):
                found += _folders(points)
        if found:
            return found
    return []


def _folders(folder: Path) -> list[Path]:
    """The folders in a folder; none where it is none or cannot be listed."""
    try:
        return sorted(inner for inner in folder.iterdir() if is_folder(inner)) if is_folder(folder) else []
    except OSError:
        return []


def aariz_files(root: Path) -> list[LabelFile]:
    """All files of the data set as it ships; of another folder those in it, and a file itself."""
    folders = aariz_folders(root) or [root]
    return [file for folder in folders for file in label_files(folder, (".json",))]


def add_aariz(file: LabelFile, builder: DatasetBuilder) -> None:
    """Add one file's points; `AnnotationError` if it is malformed."""
    document, folder = file.document, file.path.parent
    name = str(document.identifier("ceph_id"))
    # split/Annotations/Cephalometric Landmarks/Senior Orthodontists/ID.json
    above = folder.parents[2] if len(folder.parents) > 2 and folder.parent.name == _POINTS else folder.parent
    places = [above / "Cephalograms", folder, folder / "images", folder.parent]
    path = builder.finder.find_stem(name, places) or builder.finder.find_stem(file.path.stem, places)
    path = path or places[0] / name
    annotator = _annotator(folder.name) or file.folder_name
    builder.add_film(
        path,
        annotator=annotator,
        mm_per_px=_scales(above.parent, builder).get(name),
        split=above.name.casefold() if above.name.casefold() in _SPLITS else None,
        where=file.path,
    )
    other = OtherSet("aariz-29", builder, file.path)

    def add(mark: JsonObject) -> None:
        value = mark.member("value")
        at = value.position(value.content.get("x"), value.content.get("y"))
        label = mark.content.get("symbol") or mark.content.get("title")
        if not isinstance(label, str):
            raise mark.error("symbol", "must be a text")
        if at is not None:
            other.add_mark(path, annotator, label, *at)

    builder.each("landmark", document, "landmarks", add)


def _annotator(folder: str) -> str | None:
    """Senior or junior, by the folder's name."""
    return next((word for word in ("senior", "junior") if folder.casefold().startswith(word)), None)


def _scales(root: Path, builder: DatasetBuilder) -> dict[str, tuple[float, float]]:
    """Each film's mm a pixel, of the table in the data set's folder; empty where there is none."""
    path = root / _SCALES
    if path not in builder.kept:
        scales: dict[str, tuple[float, float]] = {}
        rows = table_rows(LabelFile(path)) if is_file(path) else []
        header = rows[0][1] if rows else []
        if {"cephalogram_id", "pixel_size"} <= set(header):
            for line, row in rows[1:]:
                with builder.entry("row"):
                    if len(row) != len(header):
                        raise AnnotationError("has not as many cells as the header", where=f"{path}:{line}")
                    size = number(row[header.index("pixel_size")], where=f"{path}:{line}")
                    if size is not None and 0 < size < 10:
                        scales[row[header.index("cephalogram_id")]] = (size, size)
        builder.kept[path] = scales
    kept: dict[str, tuple[float, float]] = builder.kept[path]
    return kept


AARIZ = LabelFormat(
    name="aariz",
    title="Aariz annotation file",
    suffixes=(".json",),
    looks_like=looks_like_aariz,
    add=add_aariz,
    find=aariz_files,
)

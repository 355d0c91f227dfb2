"""Reads 3D Slicer's point lists (``.mrk.json``, ``.fcsv``), those that we write and those that Slicer writes.

A flat film lies in Slicer's space as our own point lists say: pixel (i, j) stands at L = i * (mm a pixel
along x), P = j * (mm a pixel along y). In RAS both have the other sign. How many mm a pixel was given is no
part of Slicer's format: our description says it; else it must be said by hand.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from cephsure.datasets.label_file import LabelFile, LabelFormat
from cephsure.datasets.table_file import number, table_rows
from cephsure.errors import AnnotationError

if TYPE_CHECKING:
    from pathlib import Path

    from cephsure.datasets.builder import DatasetBuilder
    from cephsure.datasets.json_files import JsonObject

_SPACING = re.compile(r"image spacing of (\S+) x (\S+) mm")
_PIXELS = ("positions are in pixels", "(pixels, scale unknown)")
_PIXEL_UNITS = ("px", "pixel", "pixels")
_SIGNS = {"LPS": 1.0, "RAS": -1.0}
_LARGEST_HEAD_MM = 400.0  # points of one head are never farther apart


def looks_like_slicer(file: LabelFile) -> bool:
    """Whether a file is a point list, in JSON or as the table of earlier versions."""
    if file.suffix == ".fcsv":
        return file.text.startswith("#") and "columns" in file.text[:2000]
    return "markups" in file.keys


def add_slicer(file: LabelFile, builder: DatasetBuilder) -> None:
    """Add the points of a list, by their labels, to the film that is called as the file.

    Only points that Slicer calls defined count. The spacing with which Slicer showed the film is what the
    list says, or else the user's scale.

    Raises:
        AnnotationError: the file is malformed, nobody says the spacing, or no head is as large as these
            positions.
    """
    path, annotator = film_of(file, builder), file.folder_name
    builder.add_film(path, annotator=annotator, is_named=False, where=file.path)
    if file.suffix == ".fcsv":
        _add_list(file, builder, path, _fcsv_positions(file, builder), in_pixels=False, stated=None)
        return
    for markup in file.document.objects("markups"):
        points = _positions(markup)
        in_pixels, stated = _is_in_pixels(markup), _stated_spacing(markup)
        _add_list(file, builder, path, points, in_pixels=in_pixels, stated=stated)


def film_of(file: LabelFile, builder: DatasetBuilder) -> Path:
    """The film of a list: Slicer names none, so it is called as the file."""
    folder = file.path.parent
    places = [folder, folder / "images", folder.parent, folder.parent / "images"]
    return builder.finder.find_stem(file.stem, places) or folder / file.stem


def _add_list(
    file: LabelFile,
    builder: DatasetBuilder,
    path: Path,
    points: list[tuple[str, float, float]],
    *,
    in_pixels: bool,
    stated: tuple[float, float] | None,
) -> None:
    scale = (1.0, 1.0) if in_pixels else stated or builder.mm_per_px
    if scale is None:
        raise AnnotationError(
            "does not say how many mm a pixel has in Slicer",
            where=file.path,
            remedy="give it with --mm-per-px, as Slicer's Volumes module shows it",
        )
    if not in_pixels:
        _check_size(points, file.path)
    if stated is not None:
        builder.add_film(path, mm_per_px=stated, is_named=False, where=file.path)
    for label, x, y in points:
        builder.add_mark(path, file.folder_name, label, x / scale[0], y / scale[1])


def _fcsv_positions(file: LabelFile, builder: DatasetBuilder) -> list[tuple[str, float, float]]:
    """Label, L and P of each point of a ``.fcsv`` table."""
    header = {
        key.strip(" #").casefold(): value.strip()
        for key, _, value in (line.partition("=") for line in file.text.splitlines() if line.startswith("#"))
    }
    system = header.get("coordinatesystem", "RAS").upper()
    system = {"0": "RAS", "1": "LPS"}.get(system, system)
    columns = [name.strip() for name in header.get("columns", "").split(",")]
    if system not in _SIGNS or not {"x", "y", "label"} <= set(columns):
        raise file.error("names no columns x, y and label, or its coordinate system is not LPS or RAS")
    at = {name: columns.index(name) for name in ("x", "y", "label")}
    points = []
    for line, row in table_rows(file):
        if row[0].startswith("#"):
            continue
        with builder.entry("point"):
            where = f"{file.path}:{line}"
            if len(row) <= max(at.values()) or not row[at["label"]]:
                raise AnnotationError("is no point with a label", where=where)
            x, y = (number(row[at[axis]], where=where) for axis in ("x", "y"))
            if x is not None and y is not None and math.isfinite(x) and math.isfinite(y):
                points.append((row[at["label"]], _SIGNS[system] * x, _SIGNS[system] * y))
    return points


def _positions(markup: JsonObject) -> list[tuple[str, float, float]]:
    """Label, L and P of each defined point of a list."""
    system = str(markup.content.get("coordinateSystem", "LPS"))
    if system not in _SIGNS:
        raise markup.error("coordinateSystem", f"must be LPS or RAS, is {system[:20]!r}")
    points = []
    for point in markup.objects("controlPoints"):
        if point.content.get("positionStatus", "defined") != "defined":
            continue
        position = point.items("position")
        if len(position) != 3:
            raise point.error("position", "must be three numbers")
        x, y = (point.number(position[axis], f"position[{axis}]") for axis in (0, 1))
        points.append((str(point.identifier("label")), _SIGNS[system] * x, _SIGNS[system] * y))
    return points


def _is_in_pixels(markup: JsonObject) -> bool:
    said = f"{markup.content.get('name', '')} {markup.content.get('description', '')}"
    return markup.content.get("coordinateUnits") in _PIXEL_UNITS or any(sign in said for sign in _PIXELS)


def _stated_spacing(markup: JsonObject) -> tuple[float, float] | None:
    """The spacing that our description states; None without it."""
    found = _SPACING.search(str(markup.content.get("description", "")))
    try:
        x, y = (float(number) for number in found.groups()) if found else (0.0, 0.0)
    except ValueError:
        return None
    return (x, y) if min(x, y) > 0 else None


def _check_size(points: list[tuple[str, float, float]], path: Path) -> None:
    """Refuse positions that cannot be in mm: Slicer shows a film without a scale with 1 mm a pixel."""
    spans = [max(axis) - min(axis) for axis in zip(*((x, y) for _, x, y in points), strict=True)]
    if spans and max(spans) > _LARGEST_HEAD_MM:
        raise AnnotationError(
            f"its points lie {max(spans):.0f} mm apart, which no head's do: they seem to be pixels",
            where=path,
            remedy='if Slicer showed the film with 1 mm a pixel, write "coordinateUnits": "px" into the file',
        )


SLICER = LabelFormat(
    name="slicer",
    title="3D Slicer point list",
    suffixes=(".json", ".fcsv"),
    looks_like=looks_like_slicer,
    add=add_slicer,
    writes="slicer",
)

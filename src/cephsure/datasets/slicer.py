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
_OF_POINTS = re.compile(r"[ _.-](landmarks?|points?|labels?|annotations?)$", re.IGNORECASE)
_SIGNS = {"LPS": 1.0, "RAS": -1.0}
_POINT_LIST = "Fiducial"
_DEFINED, _STATUS_COLUMN = "2", 14  # since Slicer 5.2 a column without a name, behind associatedNodeID
_MOST_OFF_PLANE = 1.0  # mm, or px: a flat film lies in the plane 0
_LARGEST_HEAD_MM = 400.0  # points of one head are never farther apart


def looks_like_slicer(file: LabelFile) -> bool:
    """Whether a file is a point list, in JSON or as the table of earlier versions."""
    if file.suffix == ".fcsv":
        return file.text.startswith("#") and ("columns" in file.text[:2000] or bool(_fcsv_columns(file)))
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
        kind = markup.content.get("type", _POINT_LIST)
        if kind != _POINT_LIST:  # a line's points are called L-1 and L-2, which is no landmark
            builder.problems.append(f"{file.path.name}: a {str(kind)[:20]} is no point list; passed over")
            continue
        points = _positions(markup, builder)
        in_pixels, stated = _is_in_pixels(markup), _stated_spacing(markup)
        _add_list(file, builder, path, points, in_pixels=in_pixels, stated=stated)


def film_of(file: LabelFile, builder: DatasetBuilder) -> Path:
    """The film of a list, which names none: it is called as the file, but for a word such as _landmarks."""
    folder = file.path.parent
    places = [folder, folder / "images", folder.parent, folder.parent / "images"]
    stems = dict.fromkeys((file.stem, _OF_POINTS.sub("", file.stem)))
    found = (builder.finder.find_stem(stem, places) for stem in stems)
    return next(filter(None, found), None) or folder / file.stem


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
    columns = _fcsv_columns(file)
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
            if len(row) > _STATUS_COLUMN and row[_STATUS_COLUMN] not in ("", _DEFINED):
                continue
            x, y = (number(row[at[axis]], where=where) for axis in ("x", "y"))
            if "z" in columns and len(row) > columns.index("z"):
                _check_plane(number(row[columns.index("z")], where=where), where)
            if x is not None and y is not None and math.isfinite(x) and math.isfinite(y):
                points.append((row[at["label"]], _SIGNS[system] * x, _SIGNS[system] * y))
    return points


def _fcsv_columns(file: LabelFile) -> list[str]:
    """The columns' names of a ``.fcsv`` table: behind "columns =", or in Slicer 3's own line; else empty."""
    for line in file.text[:20_000].splitlines():
        names = [name.strip() for name in line.rpartition("=")[2].strip(" #").split(",")]
        if line.startswith("#") and {"x", "y", "label"} <= set(names):
            return names
    return []


def _positions(markup: JsonObject, builder: DatasetBuilder) -> list[tuple[str, float, float]]:
    """Label, L and P of each defined point of a list."""
    system = str(markup.content.get("coordinateSystem", "LPS"))
    if system not in _SIGNS:
        raise markup.error("coordinateSystem", f"must be LPS or RAS, is {system[:20]!r}")
    _check_unit(markup)
    points = []

    def add(point: JsonObject) -> None:
        if point.content.get("positionStatus", "defined") != "defined":
            return
        position = point.items("position")
        if len(position) != 3:
            raise point.error("position", "must be three numbers")
        x, y, z = (point.number(position[axis], f"position[{axis}]") for axis in range(3))
        _check_plane(z, markup.path)
        points.append((str(point.identifier("label")), _SIGNS[system] * x, _SIGNS[system] * y))

    builder.each("point", markup, "controlPoints", add)
    return points


def _check_plane(z: float | None, where: Path | str) -> None:
    """Refuse a point of a volume."""
    if z is not None and not abs(z) <= _MOST_OFF_PLANE:
        raise AnnotationError(f"a point lies {abs(z):g} off the film's plane: it is of a volume", where=where)


def _check_unit(markup: JsonObject) -> None:
    """Refuse units that are neither millimetres nor pixels; newer Slicers have one for each axis."""
    said = markup.content.get("coordinateUnits", "mm")
    for unit in said if isinstance(said, list) else [said]:
        if unit not in ("mm", "", *_PIXEL_UNITS):
            raise markup.error("coordinateUnits", f"must be mm or px, is {str(unit)[:20]!r}")


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

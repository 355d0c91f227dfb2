"""Reads 3D Slicer's point lists (``.mrk.json``), those that we write and those that Slicer writes.

A flat film lies in Slicer's space as our own point lists say: pixel (i, j) stands at L = i * (mm a pixel
along x), P = j * (mm a pixel along y). In RAS both have the other sign. How many mm a pixel was given is no
part of Slicer's format: our description says it; else it must be said by hand.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cephsure.errors import AnnotationError, InputError

if TYPE_CHECKING:
    from pathlib import Path

    from cephsure.datasets.builder import DatasetBuilder
    from cephsure.datasets.json_files import JsonObject

_SPACING = re.compile(r"image spacing of (\S+) x (\S+) mm")
_PIXELS = ("positions are in pixels", "(pixels, scale unknown)")
_PIXEL_UNITS = ("px", "pixel", "pixels")
_SIGNS = {"LPS": 1.0, "RAS": -1.0}
_LARGEST_HEAD_MM = 400.0  # points of one head are never farther apart


def add_file(
    document: JsonObject,
    annotator: str,
    builder: DatasetBuilder,
    *,
    mm_per_px: tuple[float, float] | None = None,
) -> None:
    """Add the points of a list, by their labels, to the film that is called as the file.

    Only points that Slicer calls defined count. ``mm_per_px`` is the spacing with which Slicer showed the
    film, where the file does not say it.

    Raises:
        AnnotationError: the file is malformed.
        InputError: nobody says the spacing, or no head is as large as these positions.
    """
    film = film_of(document.path)
    builder.add_film(film, annotator=annotator, where=document.path)
    for markup in document.objects("markups"):
        points = _positions(markup)
        in_pixels, stated = _is_in_pixels(markup), _stated_spacing(markup)
        scale = (1.0, 1.0) if in_pixels else stated or mm_per_px
        if scale is None:
            raise InputError(
                "does not say how many mm a pixel has in Slicer",
                where=document.path,
                remedy="give it with --mm-per-px, as Slicer's Volumes module shows it",
            )
        if not in_pixels:
            _check_size(points, document)
        if stated is not None:
            builder.add_film(film, mm_per_px=stated, where=document.path)
        for label, x, y in points:
            builder.add_mark(film, annotator, label, x / scale[0], y / scale[1])


def film_of(file: Path) -> Path:
    """The film of a list: Slicer names none, so it is called as the file."""
    return file.with_name(file.name.removesuffix(".json").removesuffix(".mrk"))


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
        points.append((point.text("label"), _SIGNS[system] * x, _SIGNS[system] * y))
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


def _check_size(points: list[tuple[str, float, float]], document: JsonObject) -> None:
    """Refuse positions that cannot be in mm: Slicer shows a film without a scale with 1 mm a pixel."""
    spans = [max(axis) - min(axis) for axis in zip(*((x, y) for _, x, y in points), strict=True)]
    if spans and max(spans) > _LARGEST_HEAD_MM:
        raise AnnotationError(
            f"its points lie {max(spans):.0f} mm apart, which no head's do: they seem to be pixels",
            where=document.path,
            remedy='if Slicer showed the film with 1 mm a pixel, write "coordinateUnits": "px" into the file',
        )

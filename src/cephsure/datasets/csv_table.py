"""Reads annotations from CSV tables, one row a landmark (long) or one row a film (wide).

Long::

    image,annotator,landmark,x,y
    films/001.png,senior,S,160.5,205.0
    films/001.png,senior,2,277.1,194.6

Wide::

    image,annotator,x1,y1,x2,y2
    films/001.png,senior,160.5,205.0,277.1,194.6

Text in UTF-8, cells parted by commas, positions in px of the film, the first pixel's centre at (0, 0), a
point in the decimals. ``image`` is relative to the table. Optional columns: ``annotator`` (else the table's
file name says who it was), ``split`` ("train", "test1", ...) and ``group`` (films of one group, such as one
patient, never part). A landmark is given by number or code, in the wide form ``x_S,y_S`` as well as
``x1,y1``. An empty x with an empty y is a missing point. The columns ``film``, ``number`` or ``code``,
``x_px`` and ``y_px`` of our own CSV output are read alike; its ``mm_per_px_x`` and ``mm_per_px_y`` are the
film's scale, its other columns are passed over.
"""

from __future__ import annotations

import csv
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cephsure.datasets.builder import DatasetBuilder, image_path
from cephsure.datasets.json_files import annotation_files
from cephsure.errors import AnnotationError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cephsure.datasets.annotated_film import Dataset
    from cephsure.films import Spacing
    from cephsure.landmarks import LandmarkSet

# What a column may be called, the first one found counts.
_NAMES = {
    "image": ("image", "film"),
    "annotator": ("annotator",),
    "split": ("split",),
    "group": ("group",),
    "landmark": ("landmark", "number", "code"),
    "x": ("x", "x_px"),
    "y": ("y", "y_px"),
    "x scale": ("mm_per_px_x",),
    "y scale": ("mm_per_px_y",),
}
_OWN_OUTPUT = "x_px"
_WIDE_COLUMN = re.compile(r"(?P<axis>[xy])(?:_(?P<label>.+)|(?P<number>\d+))", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where a table has what: column numbers by role and, in the wide form, (x, y) columns by landmark."""

    roles: dict[str, int]
    points: dict[str, tuple[int, int]]
    count: int


def looks_like_csv(path: Path) -> bool:
    """Say whether a file is a table, or a folder holds one."""
    return path.suffix.lower() == ".csv" or (path.is_dir() and any(path.glob("[!.]*.csv")))


def read_csv(path: str | Path, *, landmark_set: LandmarkSet, spacing: Spacing | None = None) -> Dataset:
    """Read annotations from CSV tables, in the long or the wide form that this module describes.

    ``path`` is a table, or a folder all of whose ``*.csv`` files are read. A landmark that one annotator has
    at two places of a film is missing; ``problems`` names it.

    Raises:
        InputError: there is no table, or no film is left.
        AnnotationError: a table is malformed; names file and line.
    """
    path = Path(path)
    builder = DatasetBuilder(root=path if path.is_dir() else path.parent, landmark_set=landmark_set)
    files = annotation_files(path, ".csv")
    if not files:
        raise InputError("holds no CSV file (*.csv)", where=path)
    for file in files:
        add_file(file, builder)
    return builder.build(name=path.resolve().stem, spacing=spacing)


def add_file(path: Path, builder: DatasetBuilder) -> None:
    """Add one table's points; `AnnotationError` if it is malformed."""
    rows = _rows(path)
    line, header = next(rows, (1, []))
    columns = _columns(header, where=f"{path}:{line}", name=path.name, problems=builder.problems)
    for line, row in rows:
        where = f"{path}:{line}"
        if len(row) != columns.count:
            raise AnnotationError(f"has {len(row)} cells, the header has {columns.count}", where=where)
        cells = {role: row[column] for role, column in columns.roles.items()}
        if not cells["image"]:
            raise AnnotationError("no image is given", where=where)
        image = image_path(path.parent, cells["image"])
        annotator = cells.get("annotator", path.stem)
        if not annotator:
            raise AnnotationError("no annotator is given", where=where)
        builder.add_film(
            image,
            annotator=annotator,
            mm_per_px=_scale(cells.get("x scale", ""), cells.get("y scale", ""), where=where),
            split=cells.get("split") or None,
            group=cells.get("group") or None,
            where=where,
        )
        points = {label: (row[x], row[y]) for label, (x, y) in columns.points.items()}
        if not points:
            points = {cells["landmark"]: (cells["x"], cells["y"])}
        for label, (x, y) in points.items():
            position = _position(x, y, label=label, where=where)
            if position is not None:
                builder.add_mark(image, annotator, label, *position)


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Give the rows that are not empty, their cells stripped, each with the number of its line."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            for row in reader:
                cells = [cell.strip() for cell in row]
                if any(cells):
                    yield reader.line_num, cells
    except csv.Error as error:
        raise AnnotationError(f"is not valid CSV: {error}", where=f"{path}:{reader.line_num}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise AnnotationError("cannot be read as text", where=path) from error


def _columns(header: list[str], *, where: str, name: str, problems: list[str]) -> _Columns:
    """Find out which column holds what, and whether the table is long or wide."""
    names = [cell.casefold() for cell in header]
    doubled = [cell for column, cell in enumerate(header) if cell and names[column] in names[:column]]
    if doubled:
        raise AnnotationError(f"column {doubled[0]!r} stands there twice", where=where)
    roles = {
        role: names.index(next(alias for alias in known if alias in names))
        for role, known in _NAMES.items()
        if set(known) & set(names)
    }
    is_long = {"landmark", "x", "y"} <= set(roles)
    points = {} if is_long else _wide_points(header, where=where)
    if "image" not in roles or not (is_long or points):
        raise AnnotationError(
            "the header names no known columns",
            where=where,
            remedy="expected image,annotator,landmark,x,y or image,annotator,x1,y1,x2,y2,...",
        )
    used = {*roles.values(), *(column for pair in points.values() for column in pair)}
    ignored = [cell for column, cell in enumerate(header) if cell and column not in used]
    if ignored and _OWN_OUTPUT not in names:
        problems.append(f"{name}: columns not known and ignored: {', '.join(ignored)}")
    return _Columns(roles=roles, points=points, count=len(header))


def _wide_points(header: list[str], *, where: str) -> dict[str, tuple[int, int]]:
    """Give the columns of x and y for each landmark of a wide table."""
    axes: dict[str, dict[str, int]] = {}
    for column, cell in enumerate(header):
        match = _WIDE_COLUMN.fullmatch(cell)
        if match:
            axes.setdefault(match["label"] or match["number"], {})[match["axis"].lower()] = column
    for label, found in axes.items():
        if len(found) != 2:
            raise AnnotationError(f"landmark {label!r} has only one of the columns x and y", where=where)
    return {label: (found["x"], found["y"]) for label, found in axes.items()}


def _scale(x: str, y: str, *, where: str) -> tuple[float, float] | None:
    """Read a scale in mm a pixel, or None where both cells are empty."""
    if not x and not y:
        return None
    try:
        scale = float(x), float(y)
    except ValueError as error:
        raise AnnotationError(f"{x!r}, {y!r} is no scale in mm per pixel", where=where) from error
    if not all(0 < value < math.inf for value in scale):
        raise AnnotationError(f"{x}, {y}: mm per pixel must be positive numbers", where=where)
    return scale


def _position(x: str, y: str, *, label: str, where: str) -> tuple[float, float] | None:
    """Read a position in px, or None where both cells are empty."""
    if not x and not y:
        return None
    try:
        x_px, y_px = float(x), float(y)
    except ValueError as error:
        raise AnnotationError(f"landmark {label!r}: {x!r}, {y!r} is no position", where=where) from error
    if not (math.isfinite(x_px) and math.isfinite(y_px)):
        raise AnnotationError(f"landmark {label!r}: the position is not finite", where=where)
    return x_px, y_px

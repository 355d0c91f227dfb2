"""Tables of points, as CSV or spreadsheet: one row a landmark (long) or one row a film (wide).

Long::

    image,annotator,landmark,x,y
    films/001.png,senior,S,160.5,205.0
    films/001.png,senior,2,277.1,194.6

Wide::

    image,annotator,x1,y1,x2,y2
    films/001.png,senior,160.5,205.0,277.1,194.6

Cells are parted by commas, semicolons or tabs, and then decimals may have a comma. Positions are in px of
the film, the first pixel's centre at (0, 0). ``image`` (or ``film``, ``file``, ``filename``, ...) is relative
to the table. Optional columns: ``annotator`` (else the table's file name says who it was), ``split``
("train", "test1", ...), ``group`` (films of one group, such as one patient, never part), ``width`` and
``height`` (of the film) and ``scale`` (mm a pixel). A landmark is given by number, code or name; in the wide
form ``x_S,y_S``, ``S_x,S_y``, ``S.x,S.y`` and ``x1,y1`` are read alike. Two empty cells, and whatever tools
write for nothing (NaN, NA, null, ...), are a missing point. The columns of our own CSV output are read too;
its ``mm_per_px_x`` and ``mm_per_px_y`` are the film's scale, its other columns are passed over.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cephsure.datasets.label_file import LabelFile, LabelFormat, read_format
from cephsure.datasets.table_file import SUFFIXES, number, table_rows
from cephsure.errors import AnnotationError

if TYPE_CHECKING:
    from pathlib import Path

    from cephsure.datasets.annotated_film import Dataset
    from cephsure.datasets.builder import DatasetBuilder
    from cephsure.films import Spacing
    from cephsure.landmarks import LabelKind, LandmarkSet

# What a column may be called, the first one found counts.
_NAMES = {
    "image": (
        *("image", "film", "file", "filename", "file_name", "image_name", "imagename", "image_file"),
        *("image_path", "path", "img", "image_id", "film_id", "id"),
    ),
    "annotator": ("annotator", "rater", "observer", "reader"),
    "split": ("split",),
    "group": ("group", "patient", "patient_id"),
    "landmark": ("landmark", "landmark_name", "label", "number", "code", "point", "keypoint", "bodypart"),
    "x": ("x", "x_px", "x_pixel", "x_coord", "x_coordinate"),
    "y": ("y", "y_px", "y_pixel", "y_coord", "y_coordinate"),
    "x scale": ("mm_per_px_x", "mm_per_px", "scale"),
    "y scale": ("mm_per_px_y", "mm_per_px", "scale"),
    "width": ("width", "width_px", "image_width"),
    "height": ("height", "height_px", "image_height"),
}
_OWN_OUTPUT = "x_px"
_WIDE_COLUMNS = (
    re.compile(r"(?P<axis>[xy])(?:[_ .:-](?P<label>.+)|(?P<number>\d+))", re.IGNORECASE),
    re.compile(
        r"(?P<label>.*[^_ .:-])[_ .:-]\(?(?P<axis>[xy])\)?(?:[_ ]?\(?(?:px|pixels?)\)?)?", re.IGNORECASE
    ),
    re.compile(r"(?:p|pt|lm|l)?(?P<number>\d+)(?P<axis>[xy])", re.IGNORECASE),
)
_MM = re.compile(r"(^|[_ .(])mm\)?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where a table has what: column numbers by role and, in the wide form, (x, y) columns by landmark."""

    roles: dict[str, int]
    points: dict[str, tuple[int, int]]
    count: int
    ignored: tuple[str, ...] = ()


def looks_like_csv(file: LabelFile) -> bool:
    """Whether a file is a table whose heading names films and points."""
    rows = table_rows(file)
    if not rows:
        return False
    try:
        _columns(rows[0][1], where="")
    except AnnotationError:
        return False
    return True


def read_csv(
    path: str | Path,
    *,
    landmark_set: LandmarkSet,
    spacing: Spacing | None = None,
    images: Path | None = None,
    labels: LabelKind = "auto",
) -> Dataset:
    """Read tables in the long or the wide form; arguments and errors are those of ``label_file.read_format``.

    A row that is malformed is passed over and named. A landmark that one annotator has at two places of a
    film is missing; ``problems`` names it.
    """
    return read_format(CSV, path, landmark_set=landmark_set, spacing=spacing, images=images, labels=labels)


def add_csv(file: LabelFile, builder: DatasetBuilder) -> None:
    """Add one table's points; `AnnotationError` if it is malformed."""
    rows = table_rows(file)
    line, header = rows[0] if rows else (1, [])
    columns = _columns(header, where=f"{file.path}:{line}")
    if columns.ignored:
        builder.problems.append(
            f"{file.path.name}: columns not known and ignored: {', '.join(columns.ignored)}"
        )
    for line, row in rows[1:]:
        with builder.entry("row"):
            _add_row(file, row, columns, builder, where=f"{file.path}:{line}")


def _add_row(
    file: LabelFile, row: list[str], columns: _Columns, builder: DatasetBuilder, *, where: str
) -> None:
    # Spreadsheets leave out the empty cells at a row's end.
    if file.suffix == ".xlsx" and len(row) < columns.count:
        row = row + [""] * (columns.count - len(row))
    if len(row) != columns.count:
        raise AnnotationError(f"has {len(row)} cells, the header has {columns.count}", where=where)
    cells = {role: row[column] for role, column in columns.roles.items()}
    if not cells["image"]:
        raise AnnotationError("no image is given", where=where)
    image = film_named(cells["image"], file.path.parent, builder)
    annotator = cells.get("annotator", file.stem)
    if not annotator:
        raise AnnotationError("no annotator is given", where=where)
    builder.add_film(
        image,
        annotator=annotator,
        size_px=_size(cells, where=where),
        mm_per_px=_scale(cells.get("x scale", ""), cells.get("y scale", ""), where=where),
        split=cells.get("split") or None,
        group=cells.get("group") or None,
        where=where,
    )
    points = {label: (row[x], row[y]) for label, (x, y) in columns.points.items()}
    if not points:
        points = {cells["landmark"]: (cells["x"], cells["y"])}
    for label, (x, y) in points.items():
        with builder.entry("point"):
            position = _position(x, y, label=label, where=where)
            if position is not None:
                builder.add_mark(image, annotator, label, *position)


def film_named(reference: str, folder: Path, builder: DatasetBuilder) -> Path:
    """The film of a table's cell: a path, or a name without suffix where such a film is there."""
    image = builder.film(reference, folder)
    if image.exists():
        return image
    places = [folder, folder / "images", folder / "films", folder.parent / "images"]
    return builder.finder.find_stem(reference, places) or image


def _columns(header: list[str], *, where: str) -> _Columns:
    """Find out which column holds what, and whether the table is long or wide."""
    names = [cell.casefold() for cell in header]
    doubled = [cell for column, cell in enumerate(header) if cell and names[column] in names[:column]]
    if doubled:
        raise AnnotationError(f"column {doubled[0]!r} stands there twice", where=where)
    plain = [re.sub(r"[\s-]+", "_", name.removesuffix("(px)").strip()) for name in names]
    roles = {
        role: plain.index(next(alias for alias in known if alias in plain))
        for role, known in _NAMES.items()
        if set(known) & set(plain)
    }
    is_long = {"landmark", "x", "y"} <= set(roles)
    points = {} if is_long else _wide_points(header, set(roles.values()), where=where)
    if "image" not in roles or not (is_long or points):
        in_mm = " in pixels" if any(_MM.search(name) for name in names) else ""
        raise AnnotationError(
            "the header names no known columns",
            where=where,
            remedy=f"expected image,annotator,landmark,x,y or image,annotator,x1,y1,x2,y2,...{in_mm}",
        )
    if not is_long:
        roles = {role: column for role, column in roles.items() if role not in ("landmark", "x", "y")}
    used = {*roles.values(), *(column for pair in points.values() for column in pair)}
    ignored = [cell[:40] for column, cell in enumerate(header) if cell and column not in used]
    return _Columns(
        roles=roles, points=points, count=len(header), ignored=() if _OWN_OUTPUT in names else tuple(ignored)
    )


def _wide_points(header: list[str], taken: set[int], *, where: str) -> dict[str, tuple[int, int]]:
    """Give the columns of x and y for each landmark of a wide table."""
    axes: dict[str, dict[str, int]] = {}
    for column, cell in enumerate(header):
        match = None if column in taken or _MM.search(cell) else _wide_column(cell)
        if match:
            axes.setdefault(match[0], {})[match[1]] = column
    for label, found in axes.items():
        if len(found) != 2:
            raise AnnotationError(f"landmark {label!r} has only one of the columns x and y", where=where)
    return {label: (found["x"], found["y"]) for label, found in axes.items()}


def _wide_column(cell: str) -> tuple[str, str] | None:
    """Label and axis of a column such as x1, x_S, S_x, S.x or p1x."""
    for pattern in _WIDE_COLUMNS:
        if match := pattern.fullmatch(cell):
            groups = match.groupdict()
            label = groups.get("label") or groups.get("number") or ""
            return label.strip(), groups["axis"].lower()
    return None


def _size(cells: dict[str, str], *, where: str) -> tuple[int, int] | None:
    """Read a film's width and height, or None where a cell is empty."""
    sides = [number(cells.get(key, ""), where=where) for key in ("width", "height")]
    if None in sides:
        return None
    if not all(side is not None and 1 <= side < math.inf and side.is_integer() for side in sides):
        raise AnnotationError("width and height must be positive whole numbers", where=where)
    return int(sides[0] or 0), int(sides[1] or 0)


def _scale(x: str, y: str, *, where: str) -> tuple[float, float] | None:
    """Read a scale in mm a pixel, or None where both cells are empty."""
    scale = number(x, where=where), number(y, where=where)
    if scale == (None, None):
        return None
    if scale[0] is None or scale[1] is None:
        raise AnnotationError(f"{x!r}, {y!r} is no scale in mm per pixel", where=where)
    if not all(0 < value < math.inf for value in scale if value is not None):
        raise AnnotationError(f"{x}, {y}: mm per pixel must be positive numbers", where=where)
    return scale[0], scale[1]


def _position(x: str, y: str, *, label: str, where: str) -> tuple[float, float] | None:
    """Read a position in px, or None where both cells say that there is none."""
    try:
        position = number(x, where=where), number(y, where=where)
    except AnnotationError as error:
        raise AnnotationError(f"landmark {label!r}: {x!r}, {y!r} is no position", where=where) from error
    if position == (None, None):
        return None
    if position[0] is None or position[1] is None:
        raise AnnotationError(f"landmark {label!r}: {x!r}, {y!r} is no position", where=where)
    if not all(math.isfinite(value) for value in position if value is not None):
        raise AnnotationError(f"landmark {label!r}: the position is not finite", where=where)
    return position[0], position[1]


CSV = LabelFormat(
    name="csv",
    title="CSV file or spreadsheet",
    suffixes=SUFFIXES,
    looks_like=looks_like_csv,
    add=add_csv,
    writes="csv",
)

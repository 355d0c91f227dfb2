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
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cephsure.datasets.label_file import LabelFile, LabelFormat, read_format
from cephsure.datasets.table_file import SUFFIXES, number, sheets
from cephsure.errors import AnnotationError
from cephsure.text_files import is_file

if TYPE_CHECKING:
    from pathlib import Path

    from cephsure.datasets.annotated_film import Dataset
    from cephsure.datasets.builder import DatasetBuilder
    from cephsure.datasets.table_file import Rows
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
    "unit": ("unit", "units"),
}
_PIXELS = frozenset({"", "px", "pixel", "pixels", "-"})
_UNITS = _PIXELS | {"mm", "cm", "millimetre", "millimeter", "inch", "in"}
_MOST_TITLES, _SHOWN = 10, 20
_OWN_OUTPUT = "x_px"
_WIDE_COLUMNS = (
    re.compile(r"(?P<axis>[xy])(?:[_ .:-](?P<label>.+)|(?P<number>\d+))", re.IGNORECASE),
    re.compile(
        r"(?P<label>.*[^_ .:-])[_ .:-][(\[]?(?P<axis>[xy])[)\]]?(?:[_ ]?[(\[]?(?:px|pixels?)[)\]]?)?",
        re.IGNORECASE,
    ),
    re.compile(r"(?:p|pt|lm|l)?(?P<number>\d+)(?P<axis>[xy])", re.IGNORECASE),
)
_MM = re.compile(r"(^|[_ .(\[])mm[)\]]?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where a table has what: column numbers by role and, in the wide form, (x, y) columns by landmark."""

    roles: dict[str, int]
    points: dict[str, tuple[int, int]]
    count: int
    ignored: tuple[str, ...] = ()


def looks_like_csv(file: LabelFile) -> bool:
    """Whether a file is a table whose heading names films and points."""
    return any(_header(rows) is not None for rows in sheets(file).values())


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
    rows = _table(file, builder)
    line, header = rows[0] if rows else (1, [])
    columns = _columns(header, where=f"{file.path}:{line}")
    if columns.ignored:
        shown = ", ".join(columns.ignored[:_SHOWN]) + (", ..." if len(columns.ignored) > _SHOWN else "")
        builder.problems.append(f"{file.path.name}: columns not known and ignored: {shown}")
    rows = _without_units(rows[1:], columns, file)
    for line, row in _films_filled(file, rows, columns, builder):
        with builder.entry("row"):
            _add_row(file, row, columns, builder, where=f"{file.path}:{line}")


def _header(rows: Rows) -> int | None:
    """Which of the first rows names known columns: a title may stand above; None where none does."""
    for place, (_, row) in enumerate(rows[:_MOST_TITLES]):
        with suppress(AnnotationError):
            _columns(row, where="")
            return place
    return None


def _table(file: LabelFile, builder: DatasetBuilder) -> Rows:
    """The rows of the first sheet that is a table of points, from its header on; other sheets are named."""
    found = sheets(file)
    tables = {name: rows for name, rows in found.items() if _header(rows) is not None}
    if not tables:
        return next(iter(found.values()))
    name, rows = next(iter(tables.items()))
    if others := [other[:40] for other in found if other != name]:
        builder.problems.append(
            f"{file.path.name}: sheet {name[:40]!r} is read, others are not: {', '.join(others[:_SHOWN])}"
        )
    return rows[_header(rows) or 0 :]


def _without_units(rows: Rows, columns: _Columns, file: LabelFile) -> Rows:
    """The rows without one of units below the header; `AnnotationError` where they are millimetres."""
    said = {cell.strip("()[] ").casefold() for cell in rows[0][1] if cell} if rows else set[str]()
    if said and said <= _UNITS:
        _check_pixels(said, where=f"{file.path}:{rows[0][0]}")
        return rows[1:]
    if "unit" in columns.roles:
        place = columns.roles["unit"]
        for line, row in rows:
            if len(row) > place:
                _check_pixels({row[place].strip("()[] ").casefold()}, where=f"{file.path}:{line}")
    return rows


def _check_pixels(units: set[str], *, where: str) -> None:
    if other := sorted(units - _PIXELS):
        raise AnnotationError(f"positions must be in pixels, these are in {other[0][:20]}", where=where)


def _films_filled(file: LabelFile, rows: Rows, columns: _Columns, builder: DatasetBuilder) -> Rows:
    """The rows of a long table, with the film above them where most of them name none (merged cells)."""
    place = columns.roles["image"]
    bare = [row for _, row in rows if len(row) <= place or not row[place]]
    if columns.points or 2 * len(bare) <= len(rows) or len(bare) == len(rows):
        return rows
    filled, film = [], ""
    for line, row in rows:
        film = row[place] if len(row) > place and row[place] else film
        filled.append((line, [*row[:place], film, *row[place + 1 :]]))
    builder.problems.append(
        f"{file.path.name}: {len(bare)} rows name no film; that of the row above is taken"
    )
    return filled


def _add_row(
    file: LabelFile, row: list[str], columns: _Columns, builder: DatasetBuilder, *, where: str
) -> None:
    # Spreadsheets leave out the empty cells at a row's end, or write some more.
    if file.suffix == ".xlsx" and len(row) < columns.count:
        row = row + [""] * (columns.count - len(row))
    if not any(row[columns.count :]):
        row = row[: columns.count]
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
    if is_file(image):
        return image
    places = [folder, folder / "images", folder / "films", folder.parent / "images"]
    # Spreadsheets write film 001 as 1, others as 1.0.
    number = re.fullmatch(r"0*(\d{1,9})(?:\.0+)?", reference)
    found = builder.finder.find_stem(reference, places)
    if found is None and number is not None:
        found = builder.finder.find_number(int(number[1]), places)
    return found or image


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

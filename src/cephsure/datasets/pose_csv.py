"""Points of pose trackers as CSV: DeepLabCut (three or four lines of heading) and SLEAP's analysis.

Positions are taken as they stand: neither tool documents where in a pixel it counts from.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cephsure.datasets.json_files import is_missing
from cephsure.datasets.label_file import LabelFile, LabelFormat
from cephsure.datasets.table_file import delimiter_of, number, table_rows
from cephsure.errors import AnnotationError
from cephsure.file_names import FILM_SUFFIXES
from cephsure.films.third_party import printable
from cephsure.text_files import is_file

if TYPE_CHECKING:
    from pathlib import Path

    from cephsure.datasets.builder import DatasetBuilder

_SLEAP_FRAME = "frame_idx"
_Part = tuple[tuple[str, str, str], dict[str, int]]  # (scorer, individual, landmark), column by axis


def looks_like_deeplabcut(file: LabelFile) -> bool:
    """Whether a table's first column names DeepLabCut's headings."""
    delimiter = delimiter_of(file.text)
    first = [line.split(delimiter)[0].strip() for line in file.text[:200_000].splitlines()[:4]]
    return first[:2] == ["scorer", "bodyparts"] or first[:3] == ["scorer", "individuals", "bodyparts"]


def add_deeplabcut(file: LabelFile, builder: DatasetBuilder) -> None:
    """Add one table's points; `AnnotationError` if it is malformed.

    The scorer is the annotator. A film is named in the first column, from the project's folder, or in the
    first three (folder, film's folder, film). Of several individuals only one may be marked on a film.
    """
    rows = table_rows(file)
    heading: dict[str, list[str]] = {}
    while rows and rows[0][1][0] in ("scorer", "individuals", "bodyparts", "coords"):
        _, cells = rows.pop(0)
        heading[cells[0]] = cells
    if not {"scorer", "bodyparts", "coords"} <= set(heading):
        raise file.error("needs the lines scorer, bodyparts and coords")
    width = len(heading["coords"])
    if any(len(cells) != width for cells in heading.values()):
        raise file.error("the lines of its heading are not of one length")
    parts = _parts(file, heading)
    index = min((at for _, part in parts for at in part.values()), default=0)
    if "likelihood" in heading["coords"]:
        builder.problems.append(
            f"{file.path.name}: has likelihoods: its points are a network's, whatever likelihood they have"
        )
    for line, row in rows:
        with builder.entry("row"):
            where = f"{file.path}:{line}"
            if len(row) != width:
                raise AnnotationError(f"has {len(row)} cells, the header has {width}", where=where)
            path = _film("/".join(cell for cell in row[:index] if cell), file, builder)
            _check_one_head(parts, row, where)
            for (scorer, _, label), at in parts:
                annotator = printable(scorer) or file.stem
                builder.add_film(path, annotator=annotator, where=where)
                with builder.entry("point"):
                    if (position := _position(row, at, label, where)) is not None:
                        builder.add_mark(path, annotator, label, *position)


def _parts(file: LabelFile, heading: dict[str, list[str]]) -> list[_Part]:
    """The columns of x and y of each scorer's landmarks of each individual."""
    parts: dict[tuple[str, str, str], dict[str, int]] = {}
    individuals = heading.get("individuals") or [""] * len(heading["coords"])
    for column, axis in enumerate(heading["coords"]):
        if axis in ("x", "y"):
            key = heading["scorer"][column], individuals[column], heading["bodyparts"][column]
            if axis in parts.setdefault(key, {}):
                raise file.error(f"has landmark {key[2][:40]!r} twice in its heading")
            parts[key][axis] = column
    return list(parts.items())


def _check_one_head(parts: list[_Part], row: list[str], where: str) -> None:
    """Refuse a row on which several individuals are marked; "single" are points of no individual."""
    seen = {
        individual
        for (_, individual, _), at in parts
        if individual != "single" and not all(is_missing(row[column]) for column in at.values())
    }
    if len(seen) > 1:
        raise AnnotationError("marks several individuals; one head is on a film", where=where)


def _film(reference: str, file: LabelFile, builder: DatasetBuilder) -> Path:
    """A film of a DeepLabCut project: its name is from the project's folder, two above the table."""
    folder = file.path.parent
    name = reference.rpartition("/")[2]
    for called, place in ((reference, folder.parent.parent), (reference, folder), (name, folder)):
        path = builder.film(called, place)
        if is_file(path):
            break
    return path


def looks_like_sleap(file: LabelFile) -> bool:
    """Whether a table is SLEAP's analysis: frames, and a column .x and .y a point."""
    head = file.text[:20_000].partition("\n")[0].strip().split(",")
    return _SLEAP_FRAME in head and any(name.endswith(".x") for name in head)


def add_sleap(file: LabelFile, builder: DatasetBuilder) -> None:
    """Add one table's points; `AnnotationError` if it is malformed.

    SLEAP counts films and does not name them (but for newer tables, which have their folder): film n is the
    n-th by name of those beside the table or in the folder of images, if there are as many as frames.
    """
    rows = table_rows(file)
    header = rows[0][1] if rows else []
    if _SLEAP_FRAME not in header:
        raise file.error(f"has no column {_SLEAP_FRAME}")
    points = {
        name[:-2]: {"x": column, "y": header.index(f"{name[:-2]}.y")}
        for column, name in enumerate(header)
        if name.endswith(".x") and f"{name[:-2]}.y" in header
    }
    frames: dict[int, list[tuple[int, list[str]]]] = {}
    for line, row in rows[1:]:
        with builder.entry("row"):
            where = f"{file.path}:{line}"
            if len(row) != len(header):
                raise AnnotationError(f"has {len(row)} cells, the header has {len(header)}", where=where)
            frame = number(row[header.index(_SLEAP_FRAME)], where=where)
            if frame is None or not 0 <= frame < 1e6 or frame != int(frame):
                raise AnnotationError(f"{_SLEAP_FRAME} must be a whole number", where=where)
            frames.setdefault(int(frame), []).append((line, row))
    films = _films_by_number(file, builder, len(frames), max(frames, default=0))
    for frame, instances in frames.items():
        with builder.entry("frame"):
            if len(instances) > 1:
                raise file.error("marks several instances; one head is on a film", line=instances[1][0])
            line, row = instances[0]
            where = f"{file.path}:{line}"
            builder.add_film(films[frame], annotator=file.stem, is_named=False, where=where)
            for label, at in points.items():
                with builder.entry("point"):
                    if (position := _position(row, at, label, where)) is not None:
                        builder.add_mark(films[frame], file.stem, label, *position)


def _films_by_number(file: LabelFile, builder: DatasetBuilder, count: int, last: int) -> list[Path]:
    folders = [builder.images, file.path.parent, file.path.parent / "images"]
    for folder in folders:
        if folder is None or not folder.is_dir():
            continue
        films = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in FILM_SUFFIXES]
        if len(films) == count and last == count - 1:
            if films != sorted(films, key=_by_number):
                what = f"names no films, and whether {films[1].name} is the second is unclear"
                raise AnnotationError(
                    printable(what),
                    where=file.path,
                    remedy="fill up the numbers in the names: 01, 02, ..., 10",
                )
            builder.problems.append(
                f"{file.path.name}: names no films; frame n is taken for the n-th film of {folder} by name"
            )
            return films
    raise AnnotationError(
        f"names no films, and there are not {count} films to be its {count} frames",
        where=file.path,
        remedy="put these films alone into a folder and give it with --images",
    )


def _by_number(path: Path) -> list[tuple[int, str]]:
    """A name as people order it: 2 before 10."""
    parts = re.findall(r"\d{1,18}|\D+|\d+", path.name)
    return [(int(part), "") if part.isdecimal() and len(part) < 19 else (-1, part) for part in parts]


def _position(row: list[str], at: dict[str, int], label: str, where: str) -> tuple[float, float] | None:
    """The position in a row's cells for x and y; None where both are empty."""
    if len(at) != 2:
        raise AnnotationError(f"landmark {label!r} has only one of the columns x and y", where=where)
    x, y = (number(row[at[axis]], where=where) for axis in "xy")
    if (x is None) != (y is None) or "inf" in (row[at["x"]] + row[at["y"]]).casefold():
        raise AnnotationError(f"landmark {label!r}: is no position", where=where)
    return None if x is None or y is None else (x, y)


DEEPLABCUT = LabelFormat(
    name="deeplabcut",
    title="DeepLabCut table",
    suffixes=(".csv",),
    looks_like=looks_like_deeplabcut,
    add=add_deeplabcut,
)
SLEAP = LabelFormat(
    name="sleap", title="SLEAP table", suffixes=(".csv",), looks_like=looks_like_sleap, add=add_sleap
)

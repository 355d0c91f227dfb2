"""The rows of a table: CSV with commas, semicolons or tabs, or the sheets of a spreadsheet (.xlsx)."""

from __future__ import annotations

import zipfile
from contextlib import closing
from typing import TYPE_CHECKING

from cephsure.datasets.json_files import is_missing
from cephsure.errors import AnnotationError, InputError
from cephsure.films.third_party import captured_warnings
from cephsure.text_files import to_rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cephsure.datasets.label_file import LabelFile

SUFFIXES = (".csv", ".tsv", ".xlsx")
_DELIMITERS = ",;\t"
_OLE = b"\xd0\xcf\x11\xe0"
_MOST_UNPACKED_BYTES, _MOST_CELLS = 256 * 2**20, 4_000_000

Rows = list[tuple[int, list[str]]]
"""Rows that are not empty, their cells stripped, each with the number of its (last) line."""


def table_rows(file: LabelFile) -> Rows:
    """The rows of a table, or of a spreadsheet's first sheet; `AnnotationError` if it is none."""
    return next(iter(sheets(file).values()))


def sheets(file: LabelFile) -> dict[str, Rows]:
    """The sheets of a spreadsheet that have rows, by name, at least one; a text is one sheet."""
    if file.suffix != ".xlsx":
        return {"": list(_text_rows(file, delimiter_of(file.text)))}
    return _sheets(file.path) or {"": []}


def delimiter_of(text: str) -> str:
    """What parts a table's cells: the character that stands most often in the first line that has one.

    >>> delimiter_of("image;x1;y1"), delimiter_of("image,x1,y1"), delimiter_of("image")
    (';', ',', ',')
    """
    first = next((line for line in text[:20_000].splitlines()[:10] if any(map(line.count, _DELIMITERS))), ",")
    return max(_DELIMITERS, key=first.count)


def number(cell: str, *, where: str) -> float | None:
    """A cell's number, with a point or a comma in its decimals; None where the cell says that it is missing.

    Raises:
        AnnotationError: it is no number.
    """
    if is_missing(cell):
        return None
    text = cell.replace("\u2212", "-")
    if "," in text and "." not in text:
        text = text.replace(",", ".")
    try:
        # Python reads 1_0 as 10.
        return float(text.replace("_", "?"))
    except ValueError as error:
        raise AnnotationError(f"{cell[:40]!r} is no number", where=where) from error


def _text_rows(file: LabelFile, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    yield from to_rows(file.text, where=file.path, delimiter=delimiter, kind=AnnotationError)


def _sheets(path: Path) -> dict[str, Rows]:
    """Each sheet's rows that are not empty, by the sheet's name."""
    try:
        import openpyxl
    except ImportError as error:
        raise InputError(
            "spreadsheets need a package that is not installed",
            where=path,
            remedy="pip install 'cephsure[xlsx]', or save the sheet as CSV",
        ) from error
    try:
        _check_unpacked(path)
        with (
            captured_warnings(),
            closing(openpyxl.load_workbook(path, read_only=True, data_only=True)) as book,
        ):
            found: dict[str, Rows] = {}
            cells = 0
            for sheet in book.worksheets:
                for line, row in enumerate(sheet.iter_rows(values_only=True), start=1):
                    cells += len(row)
                    _check_cells(cells, path)
                    values = ["" if value is None else str(value).strip() for value in row]
                    while values and not values[-1]:
                        values.pop()
                    if values:
                        found.setdefault(sheet.title, []).append((line, values))
            return found
    except InputError:
        raise
    except Exception as error:  # openpyxl raises nearly anything on damaged files
        raise AnnotationError(
            f"is no spreadsheet that can be read: {type(error).__name__}", where=path
        ) from error


def _check_unpacked(path: Path) -> None:
    with path.open("rb") as stream:
        head = stream.read(8)
    if path.name.startswith("~$"):
        raise AnnotationError("is what a spreadsheet program leaves beside an open file", where=path)
    if head.startswith(_OLE):
        what = "is an encrypted spreadsheet, or one of Excel 97"
        raise AnnotationError(what, where=path, remedy="save it as .xlsx without a password, or as CSV")
    with zipfile.ZipFile(path) as parts:
        if sum(part.file_size for part in parts.infolist()) > _MOST_UNPACKED_BYTES:
            raise AnnotationError("is too large once unpacked", where=path, remedy="save it as CSV")


def _check_cells(count: int, path: Path) -> None:
    if count > _MOST_CELLS:
        raise AnnotationError("has too many cells", where=path, remedy="save it as CSV")

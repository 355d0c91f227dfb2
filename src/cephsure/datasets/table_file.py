"""The rows of a table: CSV with commas, semicolons or tabs, or the first sheet of a spreadsheet (.xlsx)."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

from cephsure.datasets.json_files import is_missing
from cephsure.errors import AnnotationError, InputError
from cephsure.text_files import to_rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cephsure.datasets.label_file import LabelFile

SUFFIXES = (".csv", ".tsv", ".xlsx")
_DELIMITERS = ",;\t"
_MOST_UNPACKED_BYTES, _MOST_CELLS = 256 * 2**20, 4_000_000

Rows = list[tuple[int, list[str]]]
"""Rows that are not empty, their cells stripped, each with the number of its (last) line."""


def table_rows(file: LabelFile) -> Rows:
    """The rows of a table; `AnnotationError` if it is none (names the line)."""
    if file.suffix == ".xlsx":
        return list(_sheet_rows(file.path))
    return list(_text_rows(file, delimiter_of(file.text)))


def delimiter_of(text: str) -> str:
    """What parts a table's cells, by its first lines: the character that stands there most often.

    >>> delimiter_of("image;x1;y1"), delimiter_of("image,x1,y1"), delimiter_of("image")
    (';', ',', ',')
    """
    head = "\n".join(line for line in text[:20_000].splitlines()[:5] if line.strip())
    first = next(iter(head.splitlines()), "")
    return max(_DELIMITERS, key=first.count) if any(map(first.count, _DELIMITERS)) else ","


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


def _sheet_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The first sheet's rows; openpyxl reads them one by one."""
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
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        cells = 0
        for line, row in enumerate(book.worksheets[0].iter_rows(values_only=True), start=1):
            cells += len(row)
            _check_cells(cells, path)
            values = ["" if value is None else str(value).strip() for value in row]
            while values and not values[-1]:
                values.pop()
            if values:
                yield line, values
    except InputError:
        raise
    except Exception as error:  # openpyxl raises nearly anything on damaged files
        raise AnnotationError(
            f"is no spreadsheet that can be read: {type(error).__name__}", where=path
        ) from error


def _check_unpacked(path: Path) -> None:
    with zipfile.ZipFile(path) as parts:
        if sum(part.file_size for part in parts.infolist()) > _MOST_UNPACKED_BYTES:
            raise AnnotationError("is too large once unpacked", where=path, remedy="save it as CSV")


def _check_cells(count: int, path: Path) -> None:
    if count > _MOST_CELLS:
        raise AnnotationError("has too many cells", where=path, remedy="save it as CSV")

"""Many films in one table, a row a film: verdict, why, how many points are doubtful, chosen measurements."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cephsure.cephalometry.analysis_table import class_words
from cephsure.errors import InputError
from cephsure.exports import csv_cells
from cephsure.exports.output_files import film_reference
from cephsure.uncertainty.text_lines import GLUE
from cephsure.workflows.batch import check_installed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cephsure.cephalometry import MeasuredValue
    from cephsure.workflows.report import ReportedFilm

Cell = str | float | int | None
SUMMARY_SUFFIXES = (".csv", ".xlsx", ".html")
_SIGNS = {"deg": " °", "mm": " mm", "ratio": ""}
_WIDEST_COLUMN = 48


@dataclass(frozen=True, slots=True)
class Summary:
    """The table: one row a film, in their order; None where nothing is known."""

    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def check_summary(file: Path | None) -> None:
    """Raise `InputError` if a summary could not be written, before any work is done."""
    from cephsure.atomic import check_files

    if file is None:
        return
    if file.suffix.lower() not in SUMMARY_SUFFIXES:
        known = ", ".join(SUMMARY_SUFFIXES)
        raise InputError("no kind of summary is called so", where=file, remedy=f"end its name with {known}")
    check_files(file)
    if file.suffix.lower() == ".xlsx":
        check_installed("an XLSX file", {"openpyxl": "openpyxl"}, extra="xlsx")


def summary_of(films: Sequence[ReportedFilm], folder: Path) -> Summary:
    """The table of films, for a file that is to lie in a folder: from there paths lead to the films."""
    several = len({value.analysis for film in films for value in film.analysis.measurements}) > 1
    headings = dict.fromkeys(
        (*("film", "verdict", "why", "reviewed by", "complete", "points", "doubtful points"),)
    )
    measured = [dict(_measured(film, several=several)) for film in films]
    for cells in measured:
        headings.update(dict.fromkeys(cells))
    rows = []
    for film, cells in zip(films, measured, strict=True):
        known = {**_about(film, folder), **cells}
        rows.append(tuple(known.get(heading) for heading in headings))
    return Summary(tuple(headings), tuple(rows))


def write_summary(film_rows: Sequence[ReportedFilm], file: Path) -> None:
    """Write the table of films as CSV, XLSX or HTML, by the file's name."""
    from cephsure.atomic import write_atomically

    kind = file.suffix.lower()
    if kind == ".xlsx":
        content = _workbook(summary_of(film_rows, file.parent))
    elif kind == ".html":
        content = _page(film_rows).encode("utf-8")
    else:
        content = _csv(summary_of(film_rows, file.parent)).encode("utf-8")
    write_atomically(file, content)


def _page(films: Sequence[ReportedFilm]) -> str:
    from cephsure.reports.film_report.summary_page import SummaryFilm, summary_html

    rows = []
    for film in films:
        known = _about(film)
        who = film.reviewed.observer or ""
        reviewed = who if film.reviewed.is_complete or not who else f"{who}, not complete"
        points = (int(known["doubtful points"] or 0), int(known["points"] or 0))
        prediction = film.reviewed.prediction
        rows.append(
            SummaryFilm(
                Path(film.name).name,
                prediction.verdict,
                prediction.why or "",
                reviewed,
                points,
                film.analysis,
            )
        )
    return summary_html(rows)


def _about(film: ReportedFilm, folder: Path | None = None) -> dict[str, Cell]:
    from cephsure.reports.film_report.doubts import doubtful_points

    reviewed = film.reviewed
    path = film.film_path
    return {
        "film": film.name if path is None or folder is None else film_reference(path, folder),
        "verdict": reviewed.prediction.verdict,
        "why": reviewed.prediction.why,
        "reviewed by": reviewed.observer,
        "complete": "yes" if reviewed.is_complete else "no",
        "points": sum(point.x_px is not None for point in reviewed.points),
        "doubtful points": len(doubtful_points(reviewed)),
    }


def _measured(film: ReportedFilm, *, several: bool) -> Iterator[tuple[str, Cell]]:
    """Value, error and class of each measurement, under its code."""
    for value in film.analysis.measurements:
        name = f"{value.analysis} {value.code}" if several else value.code
        yield f"{name}{_SIGNS[value.unit]}", _rounded(value, value.value)
        yield f"{name} ±", _rounded(value, value.sd)
        said = class_words(film.analysis, value).replace(GLUE, " ")
        yield f"{name} class", None if said == "-" else said


def _rounded(value: MeasuredValue, number: float | None) -> float | None:
    return None if number is None else round(number, 4 if value.unit == "ratio" else 2)


def _csv(summary: Summary) -> str:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(summary.headings)
    for first, *row in summary.rows:
        cells = [csv_cells.word(cell) if isinstance(cell, str) else _figure(cell) for cell in row]
        table.writerow([csv_cells.path(str(first)), *cells])
    return text.getvalue()


def _figure(cell: float | None) -> str:
    return "" if cell is None else f"{cell:g}"


def _workbook(summary: Summary) -> bytes:
    """The table as XLSX: numbers are numbers, and no text is taken for a formula."""
    import openpyxl
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "films"
    for row_number, row in enumerate((summary.headings, *summary.rows), start=1):
        for column, content in enumerate(row, start=1):
            cell = sheet.cell(row_number, column)
            if isinstance(content, str):
                cell.value = ILLEGAL_CHARACTERS_RE.sub("", content)
                cell.data_type = "s"
            elif content is not None:
                cell.value = content
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    for column, heading in enumerate(summary.headings, start=1):
        texts = (heading, *(row[column - 1] for row in summary.rows))
        longest = max(len(str(text or "")) for text in texts)
        sheet.column_dimensions[get_column_letter(column)].width = min(longest, _WIDEST_COLUMN) + 2
    sheet.freeze_panes = "B2"
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()

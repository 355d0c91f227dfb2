"""What an experiment gives: sentences, tables and figures; written to a folder and read back."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from cephsure.atomic import write_atomically
from cephsure.errors import InputError
from cephsure.studies.drawn_figure import DrawnFigure, drawn, read_drawn

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from matplotlib.figure import Figure

SCHEMA = "cephsure.experiment/1"

Cell = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class ResultTable:
    """A table with named columns; units stand in the names ("mre_mm", "angle_deg").

    Attributes:
        title: one line for the reader.
        columns: names.
        rows: one tuple a row; None where there is no value.
        note: what the reader must know to read it right.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""

    def csv(self) -> str:
        """The table as CSV text; empty where there is no value."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows(["" if plain(cell) is None else plain(cell) for cell in row] for row in self.rows)
        return text.getvalue()

    def document(self) -> dict[str, Any]:
        """The table as JSON data."""
        rows = [dict(zip(self.columns, map(plain, row), strict=True)) for row in self.rows]
        return {"title": self.title, "note": self.note, "columns": list(self.columns), "rows": rows}

    @staticmethod
    def from_document(data: Mapping[str, Any]) -> ResultTable:
        """The table of a ``document``."""
        columns = tuple(data["columns"])
        rows = tuple(tuple(row[name] for name in columns) for row in data["rows"])
        return ResultTable(data["title"], columns, rows, data["note"])


@dataclass(frozen=True, slots=True)
class ExperimentResult:
    """One experiment's outcome.

    Attributes:
        name: as on the command line ("error-correlation").
        title: heading in the report.
        method: how it was done, in sentences a researcher can repeat it from.
        findings: what was found, a sentence each, with its figures.
        tables: by file name without ending.
        figures: by file name without ending; the caption is the figure's label (``Figure.set_label``). Those
            of a result that was read are ``DrawnFigure``.
    """

    name: str
    title: str
    method: tuple[str, ...]
    findings: tuple[str, ...]
    tables: dict[str, ResultTable] = field(default_factory=dict)
    figures: dict[str, Figure | DrawnFigure] = field(default_factory=dict)

    def write(self, folder: Path) -> list[Path]:
        """Write all tables as CSV, all data as one JSON, all figures as PNG and SVG; returns the files.

        The JSON comes last: where it stands, all it names stands beside it.
        """
        figures = {name: drawn(figure) for name, figure in self.figures.items()}
        contents = {f"{name}.csv": table.csv().encode("utf-8") for name, table in self.tables.items()}
        contents |= {
            f"{name}.{ending}": content
            for name, figure in figures.items()
            for ending, content in figure.files.items()
        }
        document = replace(self, figures=dict(figures)).document()
        contents[f"{self.name}.json"] = (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()
        return [write_atomically(folder / name, content) for name, content in contents.items()]

    def document(self) -> dict[str, Any]:
        """Everything as JSON data, of figures what they show and where they are."""
        figures = {name: drawn(figure) for name, figure in self.figures.items()}
        return {
            "schema": SCHEMA,
            "name": self.name,
            "title": self.title,
            "method": list(self.method),
            "findings": list(self.findings),
            "tables": {name: table.document() for name, table in self.tables.items()},
            "figures": {
                name: {"caption": figure.caption, "alt": figure.alt} for name, figure in figures.items()
            },
            "disclaimer": "Research use only. Not a medical device.",
        }


def read_result(folder: Path, name: str) -> ExperimentResult:
    """What ``ExperimentResult.write`` wrote of the experiment ``name``.

    Raises:
        InputError: it is not there or is damaged.
    """
    path = folder / f"{name}.json"
    try:
        return _from_document(json.loads(path.read_text(encoding="utf-8")), folder)
    except InputError:
        raise
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise InputError(
            f"not an experiment's result: {error}", where=path, remedy="run the experiment again"
        ) from error


def _from_document(data: Mapping[str, Any], folder: Path) -> ExperimentResult:
    if data["schema"] != SCHEMA:
        raise ValueError(f"schema {data['schema']!r}, not {SCHEMA!r}")
    return ExperimentResult(
        name=str(data["name"]),
        title=str(data["title"]),
        method=tuple(map(str, data["method"])),
        findings=tuple(map(str, data["findings"])),
        tables={key: ResultTable.from_document(table) for key, table in data["tables"].items()},
        figures={
            key: read_drawn(folder, key, caption=words["caption"], alt=words["alt"])
            for key, words in data["figures"].items()
        },
    )


def plain(cell: Cell) -> Cell:
    """A cell as JSON knows it: numpy numbers become Python's, NaN and infinity become None."""
    if cell is None or isinstance(cell, (str, bool)):
        return cell
    value = cell.item() if hasattr(cell, "item") else cell
    return None if isinstance(value, float) and not math.isfinite(value) else value

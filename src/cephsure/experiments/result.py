"""What an experiment gives: sentences, tables and figures."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cephsure.atomic import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

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
        return {"title": self.title, "note": self.note, "rows": rows}


@dataclass(frozen=True, slots=True)
class ExperimentResult:
    """One experiment's outcome.

    Attributes:
        name: as on the command line ("error-correlation").
        title: heading in the report.
        method: how it was done, in sentences a researcher can repeat it from.
        findings: what was found, a sentence each, with its figures.
        tables: by file name without ending.
        figures: by file name without ending; the caption is the figure's label (``Figure.set_label``).
    """

    name: str
    title: str
    method: tuple[str, ...]
    findings: tuple[str, ...]
    tables: dict[str, ResultTable] = field(default_factory=dict)
    figures: dict[str, Figure] = field(default_factory=dict)

    def write(self, folder: Path) -> list[Path]:
        """Write all tables as CSV, all data as one JSON, all figures as PNG and SVG; returns the files."""
        written = [
            write_atomically(folder / f"{name}.csv", table.csv().encode("utf-8"))
            for name, table in self.tables.items()
        ]
        written.append(
            write_atomically(
                folder / f"{self.name}.json",
                (json.dumps(self.document(), indent=1, ensure_ascii=False) + "\n").encode("utf-8"),
            )
        )
        for name, figure in self.figures.items():
            for ending in ("png", "svg"):
                written.append(write_atomically(folder / f"{name}.{ending}", figure_bytes(figure, ending)))
        return written

    def document(self) -> dict[str, Any]:
        """Everything but the figures, as JSON data."""
        return {
            "schema": "cephsure.experiment/1",
            "name": self.name,
            "title": self.title,
            "method": list(self.method),
            "findings": list(self.findings),
            "tables": {name: table.document() for name, table in self.tables.items()},
            "disclaimer": "Research use only. Not a medical device.",
        }


def figure_bytes(figure: Figure, ending: str) -> bytes:
    """A figure as a PNG or SVG file, the same bytes for the same figure."""
    stream = io.BytesIO()
    figure.savefig(stream, format=ending, metadata={"Date": None} if ending == "svg" else None)
    return stream.getvalue()


def plain(cell: Cell) -> Cell:
    """A cell as JSON knows it: numpy numbers become Python's, NaN and infinity become None."""
    if cell is None or isinstance(cell, (str, bool)):
        return cell
    value = cell.item() if hasattr(cell, "item") else cell
    return None if isinstance(value, float) and not math.isfinite(value) else value

"""Tables of text: plain data, for a terminal, a CSV file or a Markdown page alike."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from cephsure.evaluation.errors import THRESHOLDS_MM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cephsure.evaluation.result import Accuracy, Evaluation, MeasureQuality
    from cephsure.uncertainty.readers.site import GainRow

NOT_DEFINED = "–"


@dataclass(frozen=True, slots=True)
class Column:
    """A column's heading and the side its cells are set to."""

    heading: str
    side: Literal["left", "right"] = "right"


@dataclass(frozen=True, slots=True)
class Table:
    """A table of text: a column for each cell of a row, cells already written out."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """The table as a Markdown table, without the title, ending in a line feed."""
        headings = [column.heading for column in self.columns]
        rules = ["---:" if column.side == "right" else "---" for column in self.columns]
        rows = (headings, rules, *self.rows)
        return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |\n" for row in rows)

    def csv(self) -> str:
        """The table as CSV with a heading line, without the title."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([column.heading for column in self.columns])
        writer.writerows(self.rows)
        return text.getvalue()


def overall_table(evaluation: Evaluation) -> Table:
    """Accuracy over all landmarks, and without those that were asked to be left out."""
    unit = evaluation.unit
    parts = {f"without landmark {number}": part for number, part in evaluation.without.items()}
    named: dict[str, Accuracy] = {"all landmarks": evaluation, **parts}
    rows = tuple((name, *_accuracy_cells(part, unit)) for name, part in named.items())
    return Table("accuracy", (Column("points", "left"), *_accuracy_columns(unit)), rows)


def landmark_table(evaluation: Evaluation) -> Table:
    """Accuracy of each landmark."""
    unit = evaluation.unit
    # Of a single landmark, films and points are the same number: one of the columns is enough.
    rows = tuple(
        (str(mark.number), mark.code or "", mark.name or "", *_accuracy_cells(mark, unit)[1:])
        for mark in evaluation.per_landmark
    )
    names = (Column("no"), Column("code", "left"), Column("landmark", "left"))
    return Table("accuracy of each landmark", (*names, *_accuracy_columns(unit)[1:]), rows)


def measure_table(evaluation: Evaluation) -> Table:
    """How well each measure follows the radial error, with 95 % intervals."""
    columns = (
        Column("measure", "left"),
        Column("landmarks", "left"),
        Column("Pearson r"),
        Column("Spearman r"),
        *([Column("AUC > 2 mm"), Column("AUC > 4 mm")] if evaluation.unit == "mm" else []),
    )
    parts = [("all", evaluation.measures)]
    parts += [(f"without {number}", part.measures) for number, part in evaluation.without.items()]
    rows = [
        (name, label, *_measure_cells(measures[name], in_mm=evaluation.unit == "mm"))
        for name in evaluation.measures
        for label, measures in parts
    ]
    return Table("measures against the radial error, point by point", columns, tuple(rows))


def gain_table(rows: Sequence[GainRow], *, level: float) -> Table:
    """What K corrected films of a site bring, with regions of a level."""
    headings = (
        "MRE mm",
        "in 2 mm %",
        f"held at {100 * level:g} %",
        "worst %",
        "area mm²",
        "accepted %",
        "wrong %",
    )
    return Table(
        title=f"K corrected films: measured on the others, mean of {rows[-1].repeats} random draws (SD)",
        columns=tuple(map(Column, ("K", *headings))),
        rows=tuple(
            (
                str(row.films),
                f"{row.mre_mm:.2f} ({row.mre_sd_mm:.2f})",
                percent(row.sdr_2mm),
                percent(row.coverage),
                percent(row.worst_landmark, 0),
                cell(row.area_mm2, 1),
                percent(row.accepted, 0),
                percent(row.wrong),
            )
            for row in rows
        ),
    )


def _accuracy_columns(unit: str) -> tuple[Column, ...]:
    rates = [Column(f"SDR {threshold:g} mm %") for threshold in THRESHOLDS_MM] if unit == "mm" else []
    headings = ("films", "n", f"MRE {unit}", "95 % interval", f"SD {unit}")
    return (*map(Column, headings), *rates)


def _accuracy_cells(accuracy: Accuracy, unit: str) -> tuple[str, ...]:
    mean, ends, sd, digits = accuracy.mre_mm, accuracy.mre_ci95_mm, accuracy.sd_mm, 3
    rates = [cell((accuracy.sdr or {}).get(str(threshold)), 1) for threshold in THRESHOLDS_MM]
    if unit == "px":
        mean, ends, sd, digits = accuracy.mre_px, accuracy.mre_ci95_px, accuracy.sd_px, 2
        rates = []
    interval = NOT_DEFINED if ends is None else f"{ends[0]:.{digits}f} to {ends[1]:.{digits}f}"
    counts = (str(accuracy.n_films), str(accuracy.n_points))
    return (*counts, cell(mean, digits), interval, cell(sd, digits), *rates)


def _measure_cells(quality: MeasureQuality, *, in_mm: bool) -> tuple[str, ...]:
    found = [(quality.pearson, quality.pearson_ci95), (quality.spearman, quality.spearman_ci95)]
    if in_mm:
        found += [(quality.auc_2mm, quality.auc_2mm_ci95), (quality.auc_4mm, quality.auc_4mm_ci95)]
    return tuple(
        cell(value, 3) + (f" [{interval[0]:.2f}, {interval[1]:.2f}]" if interval else "")
        for value, interval in found
    )


def cell(value: float | None, digits: int) -> str:
    """The value with some decimals, or a dash."""
    return NOT_DEFINED if value is None else f"{value:.{digits}f}"


def percent(share: float | None, digits: int = 1) -> str:
    """A share in percent, or a dash."""
    return cell(None if share is None else 100 * share, digits)

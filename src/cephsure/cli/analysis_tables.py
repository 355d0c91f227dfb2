"""Analyses as tables in the terminal: one a film, or one row a film."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from cephsure.cephalometry.analysis import NO_SCALE, UNDECIDABLE
from cephsure.cephalometry.landmark_errors import NOT_CALIBRATED
from cephsure.cli.tables import film_line
from cephsure.cli.terminal import add_figures, plain_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console
    from rich.table import Table

    from cephsure.cephalometry import Analysis, AnalysisDefinition, Entry, MeasuredValue
    from cephsure.cephalometry.measurement import Norm

UNIT_SIGNS = {"deg": "°", "mm": " mm", "ratio": ""}
_DIGITS = {"deg": 1, "mm": 1, "ratio": 3}


def print_analysis(console: Console, measured: Analysis, analyses: Sequence[AnalysisDefinition]) -> None:
    """Print one film's measurements, a table for each analysis, and what the reader must know."""
    console.print(measured.film.path or "film in memory", style="bold", soft_wrap=True)
    console.print(film_line(measured.film))
    for analysis in analyses:
        own = [value for value in measured.measurements if value.analysis == analysis.name]
        console.print()
        console.print(analysis_table(analysis, own))
    console.print()
    for line in remarks(measured):
        console.print(line, style="bold yellow")
    console.print(f"norms and classes: {'; '.join(sources(analyses))}", style="dim")
    console.print(measured.disclaimer, style="dim")


def analysis_table(analysis: AnalysisDefinition, measured: Sequence[MeasuredValue]) -> Table:
    """One row a measurement: value, interval, class and norm."""
    table = plain_table(title=analysis.title)
    table.add_column("code", no_wrap=True)
    table.add_column("measurement")
    with_intervals = any(value.interval_90 is not None for value in measured)
    add_figures(table, "value", *(("90 %\ninterval", "SD") if with_intervals else ()))
    table.add_column("class of the value")
    if with_intervals:
        table.add_column("decided, probability")
    table.add_column("norm")
    for entry, value in zip(analysis.entries, measured, strict=True):
        cells = _cells(entry, value, with_interval=with_intervals)
        table.add_row(*cells, style="yellow" if value.decision == UNDECIDABLE else "")
    return table


def _cells(entry: Entry, value: MeasuredValue, *, with_interval: bool) -> list[str]:
    shown = "-" if value.value is None else f"{number(value.value, value.unit)}{UNIT_SIGNS[value.unit]}"
    interval = " to ".join(number(end, value.unit) for end in value.interval_90 or ()) or "-"
    spread = "-" if value.sd is None else number(value.sd, value.unit)
    normal = next((kind.words for kind in entry.classes if kind.normal), "-")
    norm = "; ".join(map(norm_words, entry.norms)) or normal
    before = [value.code, value.name, shown]
    if not with_interval:
        return [*before, value.class_of_value or "-", norm]
    return [*before, interval, spread, value.class_of_value or "-", decision(value), norm]


def decision(value: MeasuredValue) -> str:
    """What was decided, and how probable the likeliest class is."""
    if value.decision is None or value.class_probabilities is None:
        return "-"
    likeliest = max(value.class_probabilities, key=lambda share: share.probability)
    if value.decision == UNDECIDABLE:
        # Rounded down, not to the probability at which a class would have been decided.
        percent = f"{math.floor(100 * likeliest.probability):d} %"
        return f"{UNDECIDABLE} ({likeliest.name} {percent})"
    return f"{value.decision}, {100 * likeliest.probability:.0f} %"


def norm_words(norm: Norm) -> str:
    """A norm in one line, as in "82 ± 3 (women)"."""
    parts = []
    if norm.mean is not None:
        parts.append(f"{norm.mean:g}" + ("" if norm.sd is None else f" ± {norm.sd:g}"))
    if norm.low is not None and norm.high is not None:
        limits = f"{norm.low:g} to {norm.high:g}"
        parts.append(f"[{limits}]" if parts else limits)
    return " ".join([*parts, *([f"({norm.group})"] if norm.group else [])])


def number(value: float, unit: str) -> str:
    """A value with the digits that its unit deserves."""
    return f"{value:.{_DIGITS[unit]}f}"


def remarks(measured: Analysis) -> list[str]:
    """What the reader of a film's measurements must know."""
    values, lines = measured.measurements, []
    if any(value.missing == NO_SCALE for value in values):
        lines.append(f"no distances: {NO_SCALE}; give --mm-per-px")
    lines += [
        f"no {value.code}: {value.missing}" for value in values if value.missing not in {None, NO_SCALE}
    ]
    for reason in dict.fromkeys(value.no_interval for value in values if value.no_interval):
        hint = "; --uncalibrated shows the samples' raw spread" if reason == NOT_CALIBRATED else ""
        lines.append(f"no intervals, no decided classes: {reason}{hint}")
    if measured.errors_from == "raw sample spread":
        source = "the samples' raw spread"
        lines.append(f"intervals and probabilities from {source}: not calibrated, as a rule too narrow")
    elif measured.reader is not None and any(value.interval_90 is not None for value in values):
        lines.append(f"values and intervals, for whom: {measured.reader.for_whom}")
    return lines


def sources(analyses: Iterable[AnalysisDefinition]) -> tuple[str, ...]:
    """Who the analyses' norms and classes come from, each once."""
    named = [
        source
        for analysis in analyses
        for entry in analysis.entries
        for source in (*(norm.source for norm in entry.norms), entry.classes_source)
        if source is not None
    ]
    return tuple(dict.fromkeys(named)) or ("none",)


def print_many(console: Console, done: Sequence[Analysis], analysis: AnalysisDefinition) -> None:
    """Print one row a film: the values of one analysis, those marked whose class is not decidable."""
    table = plain_table()
    table.add_column("film", overflow="fold")
    for entry in analysis.entries:
        add_figures(table, f"{entry.measurement.code}\n{UNIT_SIGNS[entry.measurement.unit].strip()}")
    for measured in done:
        own = [value for value in measured.measurements if value.analysis == analysis.name]
        table.add_row(measured.film.path or "film in memory", *map(_short, own))
    console.print(table)
    for line in sorted({line for measured in done for line in remarks(measured)}):
        console.print(line, style="bold yellow")
    if any(value.decision == UNDECIDABLE for measured in done for value in measured.measurements):
        console.print("? class not decidable", style="dim")
    console.print(f"{analysis.title}; all measurements: --out DIR", style="dim")


def _short(value: MeasuredValue) -> str:
    if value.value is None:
        return "-"
    return number(value.value, value.unit) + (" ?" if value.decision == UNDECIDABLE else "")

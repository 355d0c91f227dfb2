"""Analyses in the terminal: a table a film, or one row a film."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cephsure.cephalometry.analysis_table import (
    RESTS_ON,
    UNIT_SIGNS,
    analysis_lines,
    is_unsure,
    number,
    remarks,
)
from cephsure.cli import terminal
from cephsure.cli.tables import FULL_TABLES, ORDER, grouped, short_names
from cephsure.uncertainty.prediction_table import NONE, verdict_line, verdict_style
from cephsure.uncertainty.text_lines import Arrangement, Column, Line, listed, sentence, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cephsure.cephalometry import Analysis, AnalysisDefinition, MeasuredValue
    from cephsure.uncertainty.text_lines import Style

_MARK = "?"
_LEGEND = (
    f"{_MARK}: no class is decided of this value, or points that it rests on are not accepted; "
    "each reason: analyze this film alone, or --out DIR"
)


def show_analyses(done: Sequence[Analysis], analysis: AnalysisDefinition) -> None:
    """Print films: up to three as tables each, more as one row each with the values of one analysis."""
    width = terminal.width()
    if len(done) > FULL_TABLES:
        terminal.show(summary_lines(done, analysis, width))
        return
    for place, measured in enumerate(done):
        terminal.show([*([Line("")] if place else []), *analysis_lines(measured, width)])


def summary_lines(done: Sequence[Analysis], analysis: AnalysisDefinition, width: int) -> list[Line]:
    """One row a film: verdict and values, marked where no class is decided; then why, once for all alike."""
    names = short_names([measured.film_name for measured in done])
    lines = [*_film_rows(done, analysis, names, width), Line("")]
    if any(is_unsure(measured, value) for measured in done for value in measured.measurements):
        lines += sentence(_LEGEND, width, "review")
    shown = sorted(zip(done, names, strict=True), key=lambda each: ORDER.index(each[0].verdict))
    for verdict in ORDER:
        own = [(verdict_line(each), name) for each, name in shown if each.verdict == verdict]
        for text, who in grouped(own, len(done)).items():
            lines += listed(text.removeprefix("verdict: "), who, width, verdict or "")
    styles: dict[str, Style] = {text: style for each, _ in shown for text, style in remarks(each)}
    said = [(text, name) for each, name in shown for text, _ in remarks(each) if text != RESTS_ON]
    for text, who in grouped(said, len(done)).items():
        lines += listed(text, who, width, styles[text])
    points = grouped([(f"points: {each.points_from}", name) for each, name in shown], len(done))
    notes = grouped([(f"note: {note}", name) for each, name in shown for note in each.film.notes], len(done))
    for text, who in {**points, **notes}.items():
        lines += listed(text, who, width, "dim")
    lines += sentence(f"{analysis.title}; all measurements: --out DIR", width, "dim")
    return [*lines, *sentence(done[0].disclaimer, width, "dim")]


def _film_rows(
    done: Sequence[Analysis], analysis: AnalysisDefinition, names: Sequence[str], width: int
) -> list[Line]:
    """One row a film; where a name leaves no room, it stands above its values."""
    film = Column("film", tuple(names))
    verdict = Column("verdict", tuple(measured.verdict or NONE for measured in done))
    figures = []
    for place, entry in enumerate(analysis.entries):
        what = entry.measurement
        heading = f"{what.code} {UNIT_SIGNS[what.unit].strip()}".strip()
        cells = tuple(_short(measured, _own(measured, analysis)[place]) for measured in done)
        figures.append(Column(heading, cells, right=True))
    styles = [verdict_style(measured) for measured in done]
    ways = (
        Arrangement(((film, verdict, *figures),)),
        Arrangement(((film, verdict, *figures),), gap=1),
        Arrangement(((film,), (verdict, *figures))),
        Arrangement(((film,), (verdict, *figures)), gap=1),
        Arrangement(((film,), *_storeys((verdict, *figures), width))),
    )
    return table(ways, width, styles)


def _storeys(columns: Sequence[Column], width: int) -> list[tuple[Column, ...]]:
    """Columns in as many lines as they need."""
    storeys: list[tuple[Column, ...]] = []
    for column in columns:
        longer = (*storeys[-1], column) if storeys else (column,)
        # In the second place, where it stands indented.
        if storeys and Arrangement(((), longer)).fits(width):
            storeys[-1] = longer
        else:
            storeys.append((column,))
    return storeys


def _own(measured: Analysis, analysis: AnalysisDefinition) -> list[MeasuredValue]:
    return [value for value in measured.measurements if value.analysis == analysis.name]


def _short(measured: Analysis, value: MeasuredValue) -> str:
    """The value without its unit, marked if no class is decided of it."""
    if value.value is None:
        return NONE
    # A blank keeps the figures of those that are not marked in line.
    return number(value.value, value.unit) + (_MARK if is_unsure(measured, value) else " ")

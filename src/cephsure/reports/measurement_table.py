"""The values under a picture of the measured lines: no text is cut, long ones are broken between words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cephsure.cephalometry.analysis_table import class_words, is_unsure, number, remarks, shown
from cephsure.reports.legend import KEY_INDENT, Legend, standing_keys
from cephsure.reports.lines import LINE, Line, wrapped
from cephsure.reports.painter import FAINT, INK, text_width

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cephsure.cephalometry import Analysis, MeasuredValue
    from cephsure.reports.lines import Symbol
    from cephsure.reports.painter import Colour
    from cephsure.reports.symbols import Standing

_DOUBT: Colour = (250, 200, 60)
_MOST_COLUMNS = 3
_NARROWEST = 24  # of a column, in font sizes
_HANGING = 1.5  # from a value to the lines under it, in font sizes


def lay_out_values(analysis: Analysis, *, width: int, size: int) -> Legend:
    """Lay out values with intervals and classes in columns, then symbols and what the reader must know.

    ``width`` is the picture's, ``size`` the font's, in px.
    """
    margin = 1.2 * size
    room = width - 2 * margin
    columns = max(1, min(_MOST_COLUMNS, int(room // (_NARROWEST * size))))
    across = room / columns
    cells = _cells(analysis, across - 1.5 * size, size)
    lines, bottom = _in_columns(cells, columns, margin, across, size)
    y = bottom + 0.5 * size
    for text, colour, symbol in _foot(analysis):
        indent = KEY_INDENT * size if symbol is not None else 0.0
        for place, part in enumerate(wrapped(text, size, room - indent)):
            first = symbol if place == 0 else None
            lines.append(Line(part, margin + indent, y + LINE * size / 2, size, colour, first))
            y += LINE * size
    return Legend(width, round(y + 0.6 * margin), tuple(lines), None, None, ())


def _cells(analysis: Analysis, width: float, size: int) -> list[list[tuple[str, float, Colour]]]:
    """What is measured, under the analyses' names where there are several."""
    names = list(dict.fromkeys(value.analysis for value in analysis.measurements))
    cells: list[list[tuple[str, float, Colour]]] = []
    for name in names:
        own = [value for value in analysis.measurements if value.analysis == name]
        blocks = [_cell(analysis, value, width, size) for value in own]
        if len(names) > 1:
            # With the first value under it: a name never ends a column.
            blocks[0] = [("", 0.0, INK)] * bool(cells) + [(name.upper(), 0.0, FAINT), *blocks[0]]
        cells += blocks
    return cells


def _in_columns(
    cells: list[list[tuple[str, float, Colour]]], columns: int, margin: float, across: float, size: int
) -> tuple[list[Line], float]:
    """Cells one under the other, in columns of about the same height; and where the longest column ends."""
    lines: list[Line] = []
    share = sum(map(len, cells)) / columns
    top = y = bottom = 0.7 * margin
    column = 0
    for cell in cells:
        if (y - top) / (LINE * size) >= share and column + 1 < columns:
            column, y = column + 1, top
        for text, indent, colour in cell if y > top else cell[not cell[0][0] :]:
            left = margin + column * across + indent
            lines.append(Line(text, left, y + LINE * size / 2, size, colour))
            y += LINE * size
        bottom = max(bottom, y)
    return lines, bottom


def _cell(
    analysis: Analysis, value: MeasuredValue, width: float, size: int
) -> list[tuple[str, float, Colour]]:
    """One measurement: code, value and interval, and the class or why there is none, with their indents."""
    colour = _DOUBT if is_unsure(analysis, value) else INK
    if value.value is None:
        return [(part, 0.0, FAINT) for part in wrapped(f"{value.code}: {value.missing}", size, width)]
    first = f"{value.code}  {shown(value)}"
    if value.interval_90 is not None:
        first += f"  ({' to '.join(number(end, value.unit) for end in value.interval_90)})"
    said = class_words(analysis, value)
    if said == "-":
        return [(first, 0.0, colour)]
    if text_width(both := f"{first}  {said}", size) <= width:
        return [(both, 0.0, colour)]
    indent = _HANGING * size
    under = [(part, indent, colour) for part in wrapped(said, size, width - indent)]
    return [(first, 0.0, colour), *under]


def _foot(analysis: Analysis) -> Iterable[tuple[str, Colour, Standing | Symbol | None]]:
    """The symbols, whose points they are, what must be known, and the disclaimer."""
    for symbol, said in standing_keys(analysis, analysis.points):
        yield said, FAINT, symbol
    film = Path(analysis.film_name).name
    scale = "" if analysis.film.mm_per_px is not None else "; scale unknown"
    yield f"{film}; points: {analysis.points_from}{scale}", FAINT, None
    brackets = {
        "calibration": "in brackets: 90 % intervals from the model's calibration",
        "raw sample spread": "in brackets: 90 % of the samples' raw spread",
    }
    if analysis.errors_from in brackets:
        yield brackets[analysis.errors_from], FAINT, None
    # The promise stands over the film.
    for text, style in remarks(analysis):
        if text != analysis.promise:
            yield text, _DOUBT if style == "warning" else FAINT, None
    yield analysis.disclaimer, INK, None

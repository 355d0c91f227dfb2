"""A result's table as it is read: rounded, intervals beside their value, what is constant apart."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from cephsure.evaluation.table import Column, Table
from cephsure.studies.result import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cephsure.studies.result import Cell, ResultTable

NOTHING = "–"
_INTERVAL = " [interval]"

_UNITS = {
    "mm": "mm",
    "px": "px",
    "deg": "°",
    "percent": "%",
    "ms": "ms",
    "s": "s",
    "nats": "nats",
    "mm2": "mm²",
}
# Words of a column's name that are written in another way.
_WRITTEN = {"pearson": "Pearson r", "spearman": "Spearman ρ"} | {
    name: name.upper() for name in ("mre", "sdr", "sd", "auc", "roc", "ci", "ct", "mc", "id")
}
_DIGITS = 3
_MOST_DECIMALS = 6
# Decimals that a column has at least.
_LEAST_DECIMALS = {"mm": 2, "percent": 1}
# Wider tables lose what is the same in all of their rows, if they have so many.
_WIDE, _SEVERAL_ROWS = 8, 3


@dataclass(frozen=True, slots=True)
class ShownColumn:
    """A column of the page.

    Attributes:
        heading: its name in words, without its unit.
        unit: or "".
        texts: one a row.
        numeric: whether it is set to the right.
    """

    heading: str
    unit: str
    texts: tuple[str, ...]
    numeric: bool

    @property
    def title(self) -> str:
        """Heading and unit in one line."""
        heading = self.heading.removesuffix(_INTERVAL)
        return f"{heading}, {self.unit}" if self.unit else heading


def shown_columns(table: ResultTable) -> tuple[list[ShownColumn], list[str]]:
    """The columns to show, and of a wide table the others: "name value" of what is the same in every row."""
    cells: dict[str, Sequence[Cell]] = {
        name: [row[index] for row in table.rows] for index, name in enumerate(table.columns)
    }
    ends = {name: found for name in cells if (found := _interval_of(name, cells))}
    inner = {end for pair in ends.values() for end in pair}
    columns = [_column(name, cells, ends.get(name)) for name in cells if name not in inner]
    if len(columns) <= _WIDE or len(table.rows) < _SEVERAL_ROWS:
        return columns, []
    first, *others = columns
    constant = [column for column in others if len(set(column.texts)) == 1]
    same = [f"{column.heading} {column.texts[0]} {column.unit}".strip() for column in constant]
    return [first, *(column for column in others if column not in constant)], same


def _interval_of(name: str, cells: Mapping[str, Sequence[Cell]]) -> tuple[str, str] | None:
    """Names of the columns with the ends of this one's interval: ``mre_low_mm`` and ``mre_high_mm``."""
    stem, _, unit = name.rpartition("_")
    for low, high in (
        (f"{name}_low", f"{name}_high"),
        (f"{stem}_low_{unit}", f"{stem}_high_{unit}"),
    ):
        if low in cells and high in cells:
            return low, high
    return None


def _column(name: str, cells: Mapping[str, Sequence[Cell]], ends: tuple[str, str] | None) -> ShownColumn:
    heading, unit = heading_of(name)
    if ends is None:
        return ShownColumn(heading, unit, tuple(column_texts(name, cells[name])), _is_numeric(cells[name]))
    low, high = (cells[end] for end in ends)
    texts = column_texts(name, [*cells[name], *low, *high])
    count = len(cells[name])
    joined = (
        value if value_low == NOTHING else f"{value} [{value_low}, {value_high}]"
        for value, value_low, value_high in zip(
            texts[:count], texts[count : 2 * count], texts[2 * count :], strict=True
        )
    )
    return ShownColumn(f"{heading}{_INTERVAL}", unit, tuple(joined), numeric=True)


def heading_of(column: str) -> tuple[str, str]:
    """A column's name in words, and its unit.

    Example:
        >>> heading_of("sdr_2_5_percent")
        ('SDR 2.5', '%')
        >>> heading_of("under_trained")
        ('under trained', '')
        >>> heading_of("angle_pearson")
        ('angle Pearson r', '')
    """
    words = re.sub(r"(?<=\d)(?=mm)", " ", re.sub(r"(?<=\d)_(?=\d)", ".", column)).split("_")
    unit = _UNITS.get(words[-1], "") if len(words) > 1 else ""
    named = [_WRITTEN.get(word, word) for word in (words[:-1] if unit else words)]
    return " ".join(named), unit


def column_texts(name: str, column: Sequence[Cell]) -> list[str]:
    """A column's cells as they are read: whole numbers whole, others to three digits of the largest or more.

    Example:
        >>> column_texts("mre_mm", [1.15234, 0.0871, None])
        ['1.15', '0.09', '–']
        >>> column_texts("sdr_percent", [86.04, 100.0])
        ['86.0', '100.0']
    """
    cells = [plain(cell) for cell in column]
    decimals = _decimals(name, [cell for cell in cells if isinstance(cell, float)])
    return [_text(cell, decimals) for cell in cells]


def _text(cell: Cell, decimals: int) -> str:
    if cell is None or cell == "":
        return NOTHING
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        rounded = f"{cell:.{decimals}f}"
        # A true minus, and none before what rounds to zero.
        return rounded.lstrip("-") if float(rounded) == 0 else rounded.replace("-", "−")
    return str(cell).replace("-", "−") if isinstance(cell, int) else cell


def _decimals(name: str, values: Sequence[float]) -> int:
    if all(value.is_integer() for value in values):
        return 0
    largest = max(map(abs, values))
    before_point = math.floor(math.log10(largest)) + 1
    least = _LEAST_DECIMALS.get(name.rsplit("_", 1)[-1], 1 if largest < 1000 else 0)
    return min(max(_DIGITS - before_point, least), _MOST_DECIMALS)


def _is_numeric(column: Sequence[Cell]) -> bool:
    known = [cell for cell in map(plain, column) if cell is not None]
    return bool(known) and all(
        isinstance(cell, (int, float)) and not isinstance(cell, bool) for cell in known
    )


MOST_ROWS = 60
FIRST_ROWS = 20
_SCROLLING_ROWS = 25
_LONG_TEXT = 24


def table_html(table: ResultTable, *, title: str, file: str) -> str:
    """A table in a frame that scrolls sideways where it is too wide for the page.

    Args:
        table: of a result. A long one is cut to its first rows, and says so.
        title: what stands before the table's own title, such as "Table 2.1".
        file: where the whole table is, with full precision.

    Returns:
        HTML.
    """
    columns, same = shown_columns(table)
    shown = FIRST_ROWS if len(table.rows) > MOST_ROWS else len(table.rows)
    under = [table.note, f"In every row: {', '.join(same)}." if same else "", _whole(table, shown)]
    words = " ".join(escape(part) for part in under if part)
    return (
        frame(columns, shown, caption=f"{title}. {table.title}")
        + f'<p class="under">{words} <code>{escape(file)}</code></p>\n'
    )


def frame(columns: list[ShownColumn], rows: int, *, caption: str) -> str:
    """The first ``rows`` rows of columns as an HTML table in its frame."""
    classes = [_class(column) for column in columns]
    head = "".join(
        f'<th scope="col"{class_}>{escape(column.heading)}'
        + (f" <small>{escape(column.unit)}</small>" if column.unit else "")
        + "</th>"
        for column, class_ in zip(columns, classes, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(_cell(index, column, row, classes[index]) for index, column in enumerate(columns))
        + "</tr>\n"
        for row in range(rows)
    )
    tall = " tall" if rows > _SCROLLING_ROWS else ""
    return (
        f'<div class="table{tall}" role="region" aria-label="{escape(caption)}" tabindex="0">\n'
        f"<table>\n<caption><span>{escape(caption)}</span></caption>\n"
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>\n</div>\n"
    )


def _whole(table: ResultTable, shown: int) -> str:
    if not table.rows:
        return "No rows:"
    return f"First {shown} of {len(table.rows)} rows; all:" if shown < len(table.rows) else "With all digits:"


def _class(column: ShownColumn) -> str:
    if column.numeric:
        return ' class="number"'
    long = any(len(text) > _LONG_TEXT for text in column.texts)
    return ' class="long"' if long else ' class="short"'


def _cell(index: int, column: ShownColumn, row: int, class_: str) -> str:
    # The first column names the row, unless it is a number.
    text = escape(column.texts[row])
    if index == 0 and not column.numeric:
        return f'<th scope="row"{class_}>{text}</th>'
    return f"<td{class_}>{text}</td>"


def text_table(table: ResultTable, *, most_rows: int | None = None, most_columns: int | None = None) -> Table:
    """A table as text, for a terminal or a Markdown page: rounded, intervals beside their values.

    Args:
        table: of a result.
        most_rows: its first rows, if it has more; the title then says so.
        most_columns: its first columns, a value with its interval being one.
    """
    columns = shown_columns(table)[0][:most_columns]
    rows = list(zip(*(column.texts for column in columns), strict=True))
    cut = most_rows is not None and len(rows) > most_rows
    return Table(
        title=f"{table.title} (first {most_rows} of {len(rows)} rows)" if cut else table.title,
        columns=tuple(Column(column.title, "right" if column.numeric else "left") for column in columns),
        rows=tuple(rows[:most_rows]),
    )

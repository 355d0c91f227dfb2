"""A result's table as it is read: rounded, intervals beside their value, what is constant apart."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cephsure.evaluation.table import Column, Table
from cephsure.studies.result import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from cephsure.studies.result import Cell, ResultTable

NOTHING = "–"
_INTERVAL = " [interval]"

_UNITS = {name: name for name in ("mm", "px", "ms", "s", "nats")} | {"deg": "°", "percent": "%", "mm2": "mm²"}
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
# A longer table is cut to its first rows.
MOST_ROWS, FIRST_ROWS = 60, 20
_LONG_TEXT = 24


@dataclass(frozen=True, slots=True)
class ShownColumn:
    """A column as it is read."""

    heading: str  # its name in words, without its unit
    unit: str  # or ""
    texts: tuple[str, ...]  # one a row
    numeric: bool = False  # whether it is set to the right

    @property
    def title(self) -> str:
        """Heading and unit in one line."""
        heading = self.heading.removesuffix(_INTERVAL)
        return f"{heading}, {self.unit}" if self.unit else heading

    @property
    def style(self) -> str:
        """Its class in the report's style sheet."""
        if self.numeric:
            return "number"
        return "long" if any(len(text) > _LONG_TEXT for text in self.texts) else "short"


@dataclass(frozen=True, slots=True)
class ShownTable:
    """A table of the report's page."""

    caption: str  # above it
    columns: tuple[ShownColumn, ...]
    words: str = ""  # below it: the note, what is the same in every row, whether rows are left out
    file: str = ""  # where the whole table is, with full precision
    most_rows: int | None = None

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """The texts of the rows that are shown."""
        return list(zip(*(column.texts[: self.most_rows] for column in self.columns), strict=True))


def shown_table(table: ResultTable, *, title: str, file: str) -> ShownTable:
    """A result's table for the report: a long one is cut to its first rows, and says so.

    The title ("Table 2.1") stands before the table's own; the file has the whole table with full precision.
    """
    columns, same = shown_columns(table)
    n_rows = len(table.frame)
    shown = FIRST_ROWS if n_rows > MOST_ROWS else n_rows
    whole = f"First {shown} of {n_rows} rows; all:" if shown < n_rows else "With all digits:"
    constant = f"In every row: {', '.join(same)}." if same else ""
    words = " ".join(filter(None, [table.note, constant, whole if n_rows else "No rows:"]))
    return ShownTable(f"{title}. {table.title}", tuple(columns), words, file, shown)


def text_table(
    table: ResultTable,
    *,
    most_rows: int | None = None,
    most_columns: int | None = None,
    digits: int = _DIGITS,
) -> Table:
    """A table as text, for a terminal or a Markdown page: rounded, intervals beside their values.

    It has the ``most_rows`` first rows, and says so where the result has more; the first ``most_columns``, a
    value with its interval being one; and so many ``digits`` of the largest number of a column.
    """
    columns = shown_columns(table, digits=digits)[0][:most_columns]
    rows = list(zip(*(column.texts for column in columns), strict=True))
    cut = most_rows is not None and len(rows) > most_rows
    return Table(
        title=f"{table.title} (first {most_rows} of {len(rows)} rows)" if cut else table.title,
        columns=tuple(Column(column.title, "right" if column.numeric else "left") for column in columns),
        rows=tuple(rows[:most_rows]),
    )


def shown_columns(table: ResultTable, *, digits: int = _DIGITS) -> tuple[list[ShownColumn], list[str]]:
    """The columns to show, and of a wide table the others: "name value" of what is the same in every row."""
    ends = {name: found for name in table.columns if (found := _interval_of(name, table.columns))}
    inner = {end for pair in ends.values() for end in pair}
    columns = [
        _column(table.frame, name, ends.get(name), digits) for name in table.columns if name not in inner
    ]
    if len(columns) <= _WIDE or len(table.frame) < _SEVERAL_ROWS:
        return columns, []
    first, *others = columns
    constant = [column for column in others if len(set(column.texts)) == 1]
    same = [f"{column.heading} {column.texts[0]} {column.unit}".strip() for column in constant]
    return [first, *(column for column in others if column not in constant)], same


def _interval_of(name: str, columns: Sequence[str]) -> tuple[str, str] | None:
    """Names of the columns with the ends of this one's interval: ``mre_low_mm`` and ``mre_high_mm``."""
    stem, _, unit = name.rpartition("_")
    for low, high in ((f"{name}_low", f"{name}_high"), (f"{stem}_low_{unit}", f"{stem}_high_{unit}")):
        if low in columns and high in columns:
            return low, high
    return None


def _column(frame: pd.DataFrame, name: str, ends: tuple[str, str] | None, digits: int) -> ShownColumn:
    heading, unit = heading_of(name)
    cells = [plain(cell) for cell in frame[name]]
    if ends is None:
        return ShownColumn(heading, unit, tuple(column_texts(name, cells, digits)), _is_numeric(cells))
    count = len(cells)
    texts = column_texts(name, [*cells, *frame[ends[0]], *frame[ends[1]]], digits)  # with as many decimals
    rows = zip(texts[:count], texts[count : 2 * count], texts[2 * count :], strict=True)
    joined = (value if low == NOTHING else f"{value} [{low}, {high}]" for value, low, high in rows)
    return ShownColumn(f"{heading}{_INTERVAL}", unit, tuple(joined), numeric=True)


def heading_of(column: str) -> tuple[str, str]:
    """A column's name in words, and its unit.

    Examples:
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


def column_texts(name: str, column: Sequence[Cell], digits: int = _DIGITS) -> list[str]:
    """A column's cells as they are read: whole numbers whole, others to ``digits`` of the largest or more.

    Examples:
        >>> column_texts("mre_mm", [1.15234, 0.0871, None])
        ['1.15', '0.09', '–']
        >>> column_texts("sdr_percent", [86.04, 100.0])
        ['86.0', '100.0']
    """
    cells = [plain(cell) for cell in column]
    decimals = _decimals(name, [cell for cell in cells if isinstance(cell, float)], digits)
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


def _decimals(name: str, values: Sequence[float], digits: int) -> int:
    if all(value.is_integer() for value in values):
        return 0
    largest = max(map(abs, values))
    before_point = math.floor(math.log10(largest)) + 1
    least = _LEAST_DECIMALS.get(name.rsplit("_", 1)[-1], 1 if largest < 1000 else 0)
    return min(max(digits - before_point, least), _MOST_DECIMALS)


def _is_numeric(cells: Sequence[Cell]) -> bool:
    kinds = {type(cell) for cell in cells if cell is not None}
    return bool(kinds) and kinds <= {int, float}

"""A table's columns as a reader wants them: rounded, intervals beside their value, what is constant apart."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cephsure.studies.result import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cephsure.studies.result import Cell, ResultTable

NOTHING = "–"

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
    return ShownColumn(f"{heading} [interval]", unit, tuple(joined), numeric=True)


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

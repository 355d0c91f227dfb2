"""Numbers in sentences: a value with its interval, a list of words."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

UNKNOWN = "–"


def with_interval(value: float | None, interval: Sequence[float] | None, *, digits: int = 2) -> str:
    """A value with the ends of its 95 % interval.

    Example:
        >>> with_interval(0.314, (0.25, 0.375))
        '0.31 [0.25, 0.38]'
        >>> with_interval(-0.5, None)
        '−0.50'
    """
    if value is None or not isfinite(value):
        return UNKNOWN
    text = f"{value:.{digits}f}"
    if interval is not None and all(map(isfinite, interval)):
        text += f" [{interval[0]:.{digits}f}, {interval[1]:.{digits}f}]"
    return text.replace("-", "−")


def ends(interval: Sequence[float] | None) -> tuple[float | None, float | None]:
    """The two cells of an interval in a table: empty where there is none."""
    return (None, None) if interval is None else (interval[0], interval[1])


def listed(words: Sequence[str]) -> str:
    """Words as a sentence lists them.

    Example:
        >>> listed(["a", "b", "c"])
        'a, b and c'
    """
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"

"""The lines of a tracing, drawn where their points are there: as on acetate over the film."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cephsure.reports.painter import Array

# From, to, and how far each goes beyond its points, in shares of its length: an angle's vertex lies outside.
_STRAIGHT = (
    ("S", "N", 0.12),
    ("Po", "Or", 0.3),
    ("PNS", "ANS", 0.25),
    ("Go", "Me", 0.18),
    ("Ar", "Go", 0.1),
    ("N", "A", 0.0),
    ("N", "B", 0.0),
    ("UIA", "UIT", 0.35),
    ("LIA", "LIT", 0.35),
)
# In the order of the outline, from above; what a set lacks is left out.
_OUTLINES = (
    ("G", "N'", "Pn", "Prn", "Cm", "Sn", "UL", "Ls", "UL'", "LL'", "LL", "Li", "Pog'", "Gn'", "Me'", "C"),
    ("B", "Pog", "Gn", "Me"),
)
_PER_SPAN = 12


def tracing_lines(points: Mapping[str, Array]) -> list[Array]:
    """The lines, each (N, 2), through points, (2,) by landmark code; NaN and absent ones are missing.

    The planes and axes are straight, profile and chin are smooth curves.
    """
    known = {code: at for code, at in points.items() if np.isfinite(at).all()}
    lines = []
    for first, last, beyond in _STRAIGHT:
        if first in known and last in known:
            start, end = known[first], known[last]
            lines.append(np.stack([start - beyond * (end - start), end + beyond * (end - start)]))
    for codes in _OUTLINES:
        places = [known[code] for code in codes if code in known]
        if len(places) > 2:
            lines.append(smooth(np.array(places)))
    return lines


def smooth(places: Array) -> Array:
    """A curve, (M, 2), through places, (N, 2): Catmull and Rom's, its ends doubled."""
    around = np.concatenate([places[:1], places, places[-1:]])
    part = np.arange(_PER_SPAN)[:, None] / _PER_SPAN
    spans = []
    for before, start, end, after in zip(around, around[1:], around[2:], around[3:], strict=False):
        spans.append(
            0.5
            * (
                2 * start
                + part * (end - before)
                + part**2 * (2 * before - 5 * start + 4 * end - after)
                + part**3 * (3 * start - before - 3 * end + after)
            )
        )
    return np.concatenate([*spans, places[-1:]])


def dashes(line: Array, *, dash: float, gap: float) -> list[Array]:
    """The pieces, each (N, 2), of a line (N, 2) of which ``dash`` px are drawn and ``gap`` px left out."""
    steps = np.hypot(*np.diff(line, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    pieces = []
    for start in np.arange(0.0, along[-1], dash + gap):
        end = min(start + dash, along[-1])
        between = along[(along > start) & (along < end)]
        at = np.array([start, *between, end])
        pieces.append(np.stack([np.interp(at, along, line[:, axis]) for axis in (0, 1)], axis=1))
    return pieces


def segments(lines: Sequence[Array]) -> list[tuple[Array, Array]]:
    """The straight parts of lines, each (N, 2)."""
    return [(start, end) for line in lines for start, end in pairwise(line)]

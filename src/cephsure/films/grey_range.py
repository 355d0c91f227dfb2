"""Which of a deep film's stored values are useful: burnt-in marks, borders and undeclared padding are not.

Two rules, both by the film alone:

- A part of the pixels that lies far from the rest, farther than the rest is wide, and is itself narrow, is a
  mark, a border or padding that the file does not declare, as long as the rest is at least half of the film;
  a tenth will do where the part is one value, which is no picture.
- If a few stray pixels (dead ones, a small label) stretch the range to more than twice what all but 0.1 % of
  the pixels at either end need, the range is that inner one.

Each comes with a note.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

STRAY_FRACTION = 0.001  # of the pixels, at either end, may be stray
STRAY_STRETCH = 2.0  # the full range, in inner ranges, above which stray pixels are clipped
FAR_WIDTH = 0.1  # what lies far off is narrow: at most this part of the gap before it
LEAST_REST = 0.1  # of the pixels that the rest is, where the part is one value
LEAST_SHADES = 16  # different values of the rest, or it is no picture
_BINS = 65_536
_CHUNK_PIXELS = 2**20


def useful_range(used: NDArray[Any]) -> tuple[float, float, tuple[str, ...]]:
    """The lowest and highest useful one of stored values (N,), and notes on what is left out.

    Examples:
        >>> useful_range(np.array([100, 150, 400], dtype=np.uint16))
        (100.0, 400.0, ())
    """
    low, high = used.min(), used.max()
    if low == high:
        return float(low), float(high), ()
    shades = _Shades(used, low, high)
    # The upper end twice: padding below may have made the rest look too wide.
    dropped = [shades.drop_far_part(is_upper=is_upper) for is_upper in (True, False, True)]
    notes = [note for note in dropped if note is not None]
    low, high = shades.range
    inner_low, inner_high = shades.inner_range()
    if inner_high > inner_low and high - low > STRAY_STRETCH * (inner_high - inner_low):
        span = f"grey values span {low:g} to {high:g} because of a few stray pixels"
        notes.append(f"{span}: clipped to {inner_low:g} to {inner_high:g}")
        low, high = inner_low, inner_high
    return low, high, tuple(notes)


class _Shades:
    """How often each value occurs: of up to 16 bits exactly, of more in equal steps."""

    def __init__(self, used: NDArray[Any], low: Any, high: Any) -> None:
        self._used: NDArray[Any] | None = None
        self._low, self._step = float(low), 1.0
        if used.dtype.kind in "ui" and used.dtype.itemsize <= 2:
            self.counts = _count(used, int(low), int(high))
        else:
            self._used = used
            self._step = (float(high) - float(low)) / (_BINS - 1)
            self.counts = _count_steps(used, self._low, self._step)

    @property
    def range(self) -> tuple[float, float]:
        """The lowest and the highest value that is left."""
        if self._used is not None:
            return float(self._used.min()), float(self._used.max())
        present = np.flatnonzero(self.counts)
        return self._low + float(present[0]), self._low + float(present[-1])

    def drop_far_part(self, *, is_upper: bool) -> str | None:
        """Leave out what lies far above (below) all others, and say so."""
        counts = self.counts if is_upper else self.counts[::-1]
        found = _far_part(counts)
        if found is None:
            return None
        last, share = found
        counts[last + 1 :] = 0
        place = last if is_upper else len(counts) - 1 - last
        end = self._low + place * self._step
        if self._used is not None:
            # A step stands for the values that are nearest to it.
            edge = end + self._step / 2 if is_upper else end - self._step / 2
            self._used = self._used[self._used <= edge if is_upper else self._used >= edge]
        where, what = (
            ("above", "burnt-in marks or a border") if is_upper else ("below", "padding or a border")
        )
        return (
            f"{share:.1%} of the pixels have values far {where} all others ({where} {end:g}): "
            f"taken for {what}, and clipped"
        )

    def inner_range(self) -> tuple[float, float]:
        """The values that `STRAY_FRACTION` of the pixels lie below and above, as order statistics."""
        size = int(self.counts.sum()) if self._used is None else self._used.size
        rank = int(STRAY_FRACTION * (size - 1))
        ranks = (rank, size - 1 - rank)
        if self._used is None:
            low, high = np.searchsorted(np.cumsum(self.counts), ranks, side="right")
            return self._low + float(low), self._low + float(high)
        ordered = np.partition(self._used, ranks)
        return float(ordered[ranks[0]]), float(ordered[ranks[1]])


def _count(used: NDArray[Any], low: int, high: int) -> NDArray[np.int64]:
    """How often each whole number from ``low`` to ``high`` occurs; some pixels at a time, to save memory."""
    counts = np.zeros(high - low + 1, dtype=np.int64)
    for first in range(0, used.size, _CHUNK_PIXELS):
        part = used[first : first + _CHUNK_PIXELS]
        if low:
            part = part.astype(np.int32) - low
        counts += np.bincount(part, minlength=len(counts))
    return counts


def _count_steps(used: NDArray[Any], low: float, step: float) -> NDArray[np.int64]:
    """How many values are nearest to each of `_BINS` equal steps; some pixels at a time, to save memory."""
    counts = np.zeros(_BINS, dtype=np.int64)
    for first in range(0, used.size, _CHUNK_PIXELS):
        places = (used[first : first + _CHUNK_PIXELS].astype(np.float64) - low) / step
        counts += np.bincount(np.rint(places).astype(np.intp).clip(0, _BINS - 1), minlength=_BINS)
    return counts


def _far_part(counts: NDArray[np.int64]) -> tuple[int, float] | None:
    """Where the bulk ends below a narrow part that lies far above it, and that part's share; or None."""
    below = np.cumsum(counts)
    total = int(below[-1])
    present = np.flatnonzero(counts)
    lowest, highest = int(present[0]), int(present[-1])
    # The bulk ends at one of these; the gap after it is as long as the bulk, and all but empty.
    shades = np.arange(1, len(present) + 1)
    rest = below[present]
    is_rest = (2 * rest >= total) | ((shades == len(present) - 1) & (rest >= LEAST_REST * total))
    ends = present[is_rest & (shades >= LEAST_SHADES)]
    ends = ends[2 * ends - lowest < highest]
    if not ends.size:
        return None
    stray = STRAY_FRACTION * total
    begins = np.searchsorted(below, below[ends] + stray, side="right")  # of the far part
    is_far = (begins - ends >= ends - lowest) & (begins <= highest)
    is_narrow = highest - begins <= FAR_WIDTH * (begins - ends)
    fitting = ends[is_far & is_narrow]
    if not fitting.size or total - below[fitting[-1]] <= stray:
        return None
    return int(fitting[-1]), float(total - below[fitting[-1]]) / total

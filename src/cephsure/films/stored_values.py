"""Stored values of grey DICOM pixels: which bits of a sample count, and whether they have a sign.

The header says so, and is believed unless the film contradicts it. Read with too few bits or with a wrong
sign, neighbours jump by the whole range wherever the film crosses the end of that range; with too few bits
they tell next to nothing of each other. Where another way of reading mends that, the header is wrong; this is
noted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure.films.grey_range import LEAST_SHADES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.films.dicom_header import PixelLayout

MOST_UNRELATED = 0.25  # of what neighbours do not tell of each other, that more bits may leave
LEAST_JUMPS = 0.001  # of the pairs of neighbours, that another reading must take away
MOST_NEW_JUMPS = 0.05  # of those that it takes away, that it may put in
_ROWS = 96  # that are looked at


@dataclass(frozen=True, slots=True)
class _Reading:
    """A way of reading samples: ``bits`` of them, from bit ``lowest`` on, with a sign or without."""

    bits: int
    is_signed: bool
    lowest: int = 0

    def of(self, samples: NDArray[Any]) -> NDArray[Any]:
        """The values, of samples (H, W) that are unsigned."""
        size = 8 * samples.dtype.itemsize
        above = size - self.bits - self.lowest
        if not self.is_signed:
            mask = samples.dtype.type(2**self.bits - 1)
            return samples if self.bits == size else (samples >> self.lowest) & mask
        signed = samples.view(samples.dtype.str.replace("u", "i"))
        # To the top and back: the shift back fills with the sign.
        return signed if self.bits == size else (signed << above) >> (above + self.lowest)

    @property
    def in_words(self) -> str:
        """As "12 bits with a sign"."""
        return f"{self.bits} bits with{'' if self.is_signed else 'out'} a sign"


def stored_values(
    samples: NDArray[Any], layout: PixelLayout, *, stream_bits: int | None = None
) -> tuple[NDArray[Any], tuple[str, ...]]:
    """The values (H, W) of unsigned samples (H, W) by the header, or as the film shows it must be; and notes.

    ``stream_bits`` are those of a compressed stream, which has no bits to spare; None for samples that stand
    in the file as they are, beside whose bits older writers keep others (overlays).
    """
    size = 8 * samples.dtype.itemsize
    if stream_bits is None:
        stated = _Reading(layout.bits_stored, layout.is_signed, layout.high_bit + 1 - layout.bits_stored)
    else:
        most = min(max(stream_bits, layout.bits_stored), size)
        stated = _Reading(min(layout.bits_stored, size) if layout.is_signed else most, layout.is_signed)
    looked_at = np.ascontiguousarray(samples[:: max(1, len(samples) // _ROWS)])
    bits = {size - stated.lowest, stream_bits or stated.bits}
    wider = [
        _Reading(count, is_signed, stated.lowest)
        for count in sorted(bits)
        for is_signed in (False, True)
        if stated.bits < count <= size - stated.lowest
    ]
    best = stated
    if wider and (looked_at >> (stated.lowest + stated.bits)).any():
        best = min((stated, *wider), key=lambda reading: _unrelated(reading.of(looked_at)))
        is_better = _unrelated(best.of(looked_at)) <= MOST_UNRELATED * _unrelated(stated.of(looked_at))
        if not (is_better and _takes_jumps_away(looked_at, stated, best)):
            best = stated
    other = replace(best, is_signed=not best.is_signed)
    if best == stated and _takes_jumps_away(looked_at, stated, other):
        best = other
    if best == stated:
        return stated.of(samples), ()
    note = f"the header says {stated.in_words}, which tears the film apart: read as {best.in_words}"
    return best.of(samples), (note,)


def _unrelated(values: NDArray[Any]) -> float:
    """How little the values (H, W) of neighbours tell of each other: one less their correlation."""
    left, right = values[:, :-1].astype(np.float64), values[:, 1:].astype(np.float64)
    left, right = left - left.mean(), right - right.mean()
    scale = float(np.sqrt((left**2).mean() * (right**2).mean()))
    return 1.0 - float((left * right).mean()) / scale if scale > 0 else 1.0


def _takes_jumps_away(samples: NDArray[Any], stated: _Reading, other: _Reading) -> bool:
    """Whether by the other reading neighbours do not jump any more where they did, and no others do."""
    before, after = (reading.of(samples).astype(np.int64) for reading in (stated, other))
    if samples.shape[1] < 4 or np.array_equal(before, after):  # pairs need a neighbour on either side
        return False
    span = 2**stated.bits
    steps_before, steps_after = abs(np.diff(before, axis=1)), abs(np.diff(after, axis=1))
    # Borders, padding and burnt-in letters are flat; their edges are jumps that prove nothing.
    is_flat = steps_before == 0
    is_edge = np.zeros_like(is_flat)
    is_edge[:, 1:] |= is_flat[:, :-1]
    is_edge[:, :-1] |= is_flat[:, 1:]
    is_taken = (steps_before > span // 2) & ~is_edge
    if other.bits > stated.bits:  # what the bits in addition say makes steps of any height
        return bool((is_taken & (steps_after < span // 2)).sum() > LEAST_JUMPS * is_flat.size)
    taken = int((is_taken & (steps_after < span // 8)).sum())
    put_in = int(((steps_after > span // 2) & (steps_before < span // 8) & ~is_edge).sum())
    if taken <= LEAST_JUMPS * is_flat.size or put_in > MOST_NEW_JUMPS * taken:
        return False
    # A mark or a border has few shades.
    shades = [np.unique(before[part]).size for part in (before == after, before != after)]
    return bool(min(shades) >= LEAST_SHADES)

"""Grey in [0, 1] of DICOM pixels, by what the header says of values, in the standard's order (PS3.3 C.11).

Stored value -> modality table, or rescaling (a straight line, of which the sign alone counts) -> VOI table,
else VOI window -> turned round for MONOCHROME1 or an inverse presentation. Padding has no say in the range.
A window or table that would take away a large part of the film's own shades is not applied. Whatever part of
the range is dropped is noted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from pydicom.pixels import apply_color_lut  # type: ignore[attr-defined]  # not in its __all__

from cephsure.errors import FilmError
from cephsure.films.dicom_header import numbers, text
from cephsure.films.grey_values import grey_of_colour, grey_of_samples, scale_bits, scale_range
from cephsure.films.lookup_tables import LookupTable, items, lookup_table

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom import Dataset

    from cephsure.films.dicom_header import PixelLayout

MAX_SHADES_CUT = 0.25  # of the pixels: more of the film's own shades no useful window cuts off
MAX_WINDOWS = 8  # that are tried; viewers offer two or three
_COLOURS = ("Red", "Green", "Blue")


def grey_of_dicom(
    values: NDArray[Any], dataset: Dataset, layout: PixelLayout
) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Grey (H, W) in [0, 1], larger is brighter, of decoded pixels; and notes.

    Raises:
        FilmError: if the image is blank, or in colour.
    """
    if not layout.is_grey:
        return _grey_of_colour(values, dataset, layout)
    greys = _Greys(values, dataset, layout)
    pixels, notes = greys.scaled()
    is_negative = layout.photometric == "MONOCHROME1"
    if is_negative:
        notes.append("stored as a negative (MONOCHROME1): turned so that larger is brighter")
    elif text(dataset, "PresentationLUTShape") == "INVERSE":
        notes.append("to be shown as a negative (PresentationLUTShape INVERSE): turned")
        is_negative = True
    slope = numbers(dataset, "RescaleSlope", 1, notes)
    if slope is not None and slope[0] == 0:
        notes.append("RescaleSlope is 0, which is not possible: ignored")
    if slope is not None and slope[0] < 0:
        notes.append("its rescale slope is negative: turned round")
        is_negative = not is_negative
    if text(dataset, "PresentationIntentType") == "FOR PROCESSING":
        notes.append(
            "the file holds raw detector values (for processing); the image for presentation is better"
        )
    if is_negative:
        np.subtract(1, pixels, out=pixels)
        if greys.ignored is not None:  # which viewers show black, whatever its value
            pixels[greys.ignored] = 0
    return pixels, tuple(notes)


@dataclass(frozen=True, slots=True)
class _Window:
    """A VOI window in stored values: from ``low`` to ``high``; ``name`` for the user."""

    low: float
    high: float
    name: str
    middle: float
    width: float
    is_sigmoid: bool


class _Greys:
    """The values of one grey film on their way."""

    def __init__(self, values: NDArray[Any], dataset: Dataset, layout: PixelLayout) -> None:
        self.values, self.dataset, self.layout = values, dataset, layout
        self.is_little_endian = bool((dataset.original_encoding or (True, True))[1] is not False)
        self.notes: list[str] = []
        self.is_mapped = False  # by a table: the values are not the stored ones any more
        self.ignored = self._padding()

    def scaled(self) -> tuple[NDArray[np.float32], list[str]]:
        self._modality()
        within = None if self._voi_table() else self._voi_window()
        bits = self.layout.bits_stored
        if bits <= 8 and within is None and not self.is_mapped:
            low, high = self.values.min(), self.values.max()
            if low >= 0 and high < 2**bits:
                return scale_bits(self.values, bits=bits), self.notes
        pixels, range_notes = scale_range(self.values, ignored=self.ignored, within=within)
        return pixels, list(dict.fromkeys((*self.notes, *range_notes)))

    def _padding(self) -> NDArray[np.bool_] | None:
        padding = numbers(self.dataset, "PixelPaddingValue", 1, self.notes)
        limit = numbers(self.dataset, "PixelPaddingRangeLimit", 1, self.notes) or padding
        if padding is None or limit is None:
            return None
        span = 2.0**self.layout.bits_allocated
        ends = [padding[0], limit[0]]
        if not self.layout.is_signed:  # written as if it were signed, and the other way round
            ends = [end + span if end < 0 else end for end in ends]
        else:
            ends = [end - span if end >= span / 2 else end for end in ends]
        low, high = sorted(ends)
        padded = (self.values >= low) & (self.values <= high)
        return padded if padded.any() else None

    def _table(self, item: Dataset) -> LookupTable | None:
        is_signed = self.layout.is_signed and not self.is_mapped
        return lookup_table(
            item, "LUTDescriptor", "LUTData", is_little_endian=self.is_little_endian, is_signed=is_signed
        )

    def _modality(self) -> None:
        for item in items(self.dataset, "ModalityLUTSequence")[:1]:
            if (table := self._table(item)) is None:
                self.notes.append("the header's modality table is malformed: not applied")
            else:
                self.values, self.is_mapped = table.apply(self.values), True

    def _voi_table(self) -> bool:
        """Apply the first VOI table that fits; whether there was one."""
        for item in items(self.dataset, "VOILUTSequence")[:MAX_WINDOWS]:
            if (table := self._rescaled_back(self._table(item))) is None:
                self.notes.append("the header's VOI table is malformed: not applied")
                continue
            mapped = table.apply(self.values)
            cut = self._cut_by_table(table)
            if cut > MAX_SHADES_CUT:
                self.notes.append(f"the header's VOI table would drop {cut:.0%} of the film: not applied")
                continue
            self.values, self.is_mapped = mapped, True
            self.notes.append("the header's VOI table (LUT) was applied, as for display")
            return True
        return False

    def _line(self) -> tuple[float, float]:
        """Slope (without its sign) and intercept from stored values to those that windows are stated in."""
        if self.is_mapped:
            return 1.0, 0.0
        slope = numbers(self.dataset, "RescaleSlope", 1, []) or (1.0,)
        intercept = numbers(self.dataset, "RescaleIntercept", 1, []) or (0.0,)
        return (slope[0], intercept[0]) if slope[0] else (1.0, 0.0)

    def _rescaled_back(self, table: LookupTable | None) -> LookupTable | None:
        """The table for stored values, where rescaling comes before it."""
        slope, intercept = self._line()
        if table is None or (slope, intercept) == (1.0, 0.0):
            return table
        bits = self.layout.bits_stored
        if bits > 16:
            return None
        first = -(2 ** (bits - 1)) if self.layout.is_signed else 0
        stored = np.arange(first, first + 2**bits, dtype=np.float64)
        asked = np.rint(stored * slope + intercept) - table.first
        entries = table.entries[asked.clip(0, len(table.entries) - 1).astype(np.int64)]
        if slope < 0:  # polarity is set right afterwards, for all films alike
            entries = (2**table.bits - 1 - entries.astype(np.int64)).clip(0).astype(np.uint16)
        return LookupTable(first, entries, table.bits)

    def _cut_by_table(self, table: LookupTable) -> float:
        """Share of the pixels whose shades a table makes one with its ends."""
        entries = table.entries
        low, high = entries.min(), entries.max()
        inner = np.flatnonzero((entries != low) & (entries != high))
        if not inner.size:
            return 1.0
        return self._share_outside(table.first + float(inner[0]), table.first + float(inner[-1]))

    def _share_outside(self, low: float, high: float) -> float:
        """Share of the pixels outside, but for those that have the film's own extreme values, or pad it."""
        used = self.values if self.ignored is None else self.values[~self.ignored]
        lowest, highest = used.min(), used.max()
        outside = 0
        if lowest < low:
            outside += int(np.count_nonzero(used < low) - np.count_nonzero(used == lowest))
        if highest > high:
            outside += int(np.count_nonzero(used > high) - np.count_nonzero(used == highest))
        return outside / max(used.size, 1)

    def _voi_window(self) -> tuple[float, float] | None:
        """The range of the first window that fits the film; None where none cuts anything off."""
        used = self.values if self.ignored is None else self.values[~self.ignored]
        if not used.size:
            return None
        lowest, highest = float(used.min()), float(used.max())
        for window in self._windows():
            if window.is_sigmoid:
                if self._share_outside(window.low, window.high) <= MAX_SHADES_CUT:
                    self._bend(window, lowest, highest)
                    return None
            elif window.low <= lowest and window.high >= highest:
                return None
            elif self._share_outside(window.low, window.high) <= MAX_SHADES_CUT and (
                max(window.low, lowest) < min(window.high, highest)
            ):
                outside = np.count_nonzero((used < window.low) | (used > window.high)) / used.size
                self.notes.append(
                    f"the header's window ({window.name}) was applied: {outside:.1%} of the film lie outside"
                )
                return window.low, window.high
            self.notes.append(
                f"the header's window ({window.name}) does not fit the film's grey values: not applied"
            )
        return None

    def _windows(self) -> list[_Window]:
        centres = _all_numbers(self.dataset, "WindowCenter")
        widths = _all_numbers(self.dataset, "WindowWidth")
        function = text(self.dataset, "VOILUTFunction") or "LINEAR"
        slope, intercept = self._line()
        found = []
        for centre, width in list(zip(centres, widths, strict=False))[:MAX_WINDOWS]:
            name = f"centre {centre:g}, width {width:g}"
            if width < 1 and not (function != "LINEAR" and width > 0):
                self.notes.append(f"the header's window ({name}) is not possible: not applied")
                continue
            middle, half = centre, width / 2
            if function == "LINEAR":
                middle, half = centre - 0.5, max(width - 1, 1e-6) / 2
            if function == "SIGMOID":
                half = width  # where it is all but flat
            low, high = sorted((edge - intercept) / slope for edge in (middle - half, middle + half))
            stored_middle = (middle - intercept) / slope
            found.append(_Window(low, high, name, stored_middle, width / abs(slope), function == "SIGMOID"))
        return found

    def _bend(self, window: _Window, lowest: float, highest: float) -> None:
        """Apply a sigmoid window, between the film's own ends."""
        x = self.values.astype(np.float32)
        np.clip(x, lowest, highest, out=x)
        x -= np.float32(window.middle)
        x *= np.float32(-4.0 / window.width)
        np.exp(x, out=x)
        x += 1
        np.reciprocal(x, out=x)
        self.values, self.is_mapped = x, True
        self.notes.append(f"the header's sigmoid window ({window.name}) was applied, as for display")


def _all_numbers(dataset: Dataset, keyword: str) -> tuple[float, ...]:
    """Every number of an attribute that may have several; none if one is malformed."""
    try:
        value = dataset.get(keyword)
        values = [value] if isinstance(value, (int, float)) else list(value or ())
        found = tuple(float(item) for item in values)
    except Exception:  # noqa: BLE001 - pydicom converts on access and raises whatever the value provokes
        return ()
    return found if all(math.isfinite(number) for number in found) else ()


def _grey_of_colour(
    values: NDArray[Any], dataset: Dataset, layout: PixelLayout
) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    bits = layout.bits_stored
    if layout.photometric == "PALETTE COLOR":
        values, bits = _through_palette(values, dataset, layout)
    if bits <= 8:
        image = Image.fromarray(np.ascontiguousarray(values, dtype=np.uint8), mode=None)
        grey, notes = grey_of_colour(image)
        return scale_bits(grey, bits=8), notes
    deep, notes = grey_of_samples(values, bits=bits)
    pixels, range_notes = scale_range(deep)
    return pixels, (*notes, *range_notes)


def _through_palette(values: NDArray[Any], dataset: Dataset, layout: PixelLayout) -> tuple[NDArray[Any], int]:
    """(H, W, 3) colours of a palette's indices, and their bits: 8 or 16."""
    if "SegmentedRedPaletteColorLookupTableData" in dataset:
        if dataset.original_encoding[1] is False:
            raise FilmError("a segmented palette in big endian is not read", remedy="export the film as grey")
        colours = apply_color_lut(values, dataset)
        return colours, 8 * colours.dtype.itemsize
    tables = [
        lookup_table(
            dataset,
            f"{colour}PaletteColorLookupTableDescriptor",
            f"{colour}PaletteColorLookupTableData",
            is_little_endian=dataset.original_encoding[1] is not False,
            is_signed=layout.is_signed,
        )
        for colour in _COLOURS
    ]
    known = [table for table in tables if table is not None]
    if len(known) < len(tables):
        raise FilmError("the palette in the DICOM header is missing or malformed")
    colours = np.stack([table.apply(values) for table in known], axis=-1)
    is_shallow = max(int(table.entries.max()) for table in known) <= 255 and max(t.bits for t in known) <= 8
    return colours, 8 if is_shallow else 16

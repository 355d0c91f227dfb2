"""Tables of a DICOM header that turn values into others: modality, VOI, palette (PS3.3 C.11, C.7.6.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom import Dataset

_MAX_SEQUENCE_BYTES = 2**21  # of a raw sequence that is converted: a few tables of 65,536 entries


@dataclass(frozen=True, slots=True)
class LookupTable:
    """``entries`` (N,) for the values from ``first`` on; what lies outside takes the first or last one."""

    first: int
    entries: NDArray[np.uint16]
    bits: int

    def apply(self, values: NDArray[Any]) -> NDArray[np.uint16]:
        """The entry of each value, of an array of whole numbers of any shape."""
        low = self.first
        span = len(self.entries)
        kind = np.int32 if values.dtype.itemsize < 4 else np.int64
        if values.dtype.itemsize <= 2:  # all values there can be, and then one look-up a pixel
            info = np.iinfo(values.dtype)
            every = np.arange(info.min, info.max + 1, dtype=kind)
            table = self.entries[(every - low).clip(0, span - 1)]
            return np.asarray(table.take(values.astype(kind) - info.min if info.min else values))
        return np.asarray(self.entries[(values.astype(kind) - low).clip(0, span - 1)])


def lookup_table(
    dataset: Dataset, descriptor: str, data: str, *, is_little_endian: bool, is_signed: bool
) -> LookupTable | None:
    """The table of two attributes; None if it is absent, or malformed.

    ``is_signed`` says whether the values that it is asked for are.
    """
    try:
        count, first, bits = (int(number) for number in dataset.get(descriptor))
        raw = dataset.get(data)
    except Exception:  # noqa: BLE001 - pydicom converts on access and raises whatever the value provokes
        return None
    count = count or 65_536  # which a 16-bit count cannot say
    count = count + 65_536 if count < 0 else count
    if is_signed and first > 32_767:  # written as if it were unsigned
        first -= 65_536
    if not is_signed and first < 0:
        first += 65_536
    entries = _entries(raw, dataset, data, count, is_little_endian=is_little_endian)
    if entries is None or not 0 < bits <= 16:
        return None
    return LookupTable(first, entries, bits)


def _entries(
    raw: Any, dataset: Dataset, keyword: str, count: int, *, is_little_endian: bool
) -> NDArray[np.uint16] | None:
    if isinstance(raw, (bytes, bytearray)):
        if count <= len(raw) < 2 * count:  # a byte an entry; in words of the other order the second one first
            found = np.frombuffer(raw, np.uint8)
            if not is_little_endian and dataset[keyword].VR == "OW":
                found = found[: 2 * (len(found) // 2)].reshape(-1, 2)[:, ::-1].ravel()
            return found[:count].astype(np.uint16) if len(found) >= count else None
        found = np.frombuffer(raw[: 2 * (len(raw) // 2)], "<u2" if is_little_endian else ">u2")
        return found[:count].astype(np.uint16) if len(found) >= count else None
    try:
        numbers = np.array([raw] if isinstance(raw, int) else list(raw), dtype=np.int64)
    except (TypeError, ValueError, OverflowError):
        return None
    if len(numbers) < count:
        return None
    return (numbers[:count] & 0xFFFF).astype(np.uint16)


def items(dataset: Dataset, keyword: str) -> list[Dataset]:
    """The items of a sequence; none if it is absent, malformed, or larger than tables are."""
    try:
        if keyword not in dataset:
            return []
        raw = dataset.get_item(keyword)
        value = getattr(raw, "value", None)
        if isinstance(value, (bytes, bytearray)) and len(value) > _MAX_SEQUENCE_BYTES:
            return []
        return list(dataset.get(keyword) or ())
    except Exception:  # noqa: BLE001 - as above
        return []

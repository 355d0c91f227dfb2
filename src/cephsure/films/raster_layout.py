"""What PNG, TIFF and BMP files say of themselves: whether they are whole, alone, and of bearable size.

Pillow reads every page's directory to count pages, and every value that a directory points to: a small file
can ask for hours and gigabytes. So pages, directories and chunks are looked at here first.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from cephsure.errors import FilmError

MAX_CHUNKS = 100_000  # of a PNG: writers use 8 KiB and more a chunk
MAX_ENTRIES_BYTES = 16 * 2**20  # that the entries of one TIFF directory may point to
MAX_BLOCKS = 200_000  # strips or tiles of a TIFF
MAX_PAGES_COUNTED = 16

_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_TYPE_BYTES |= {16: 8, 17: 8, 18: 8}
_CUT_OFF = "the file is cut off"


@dataclass(frozen=True, slots=True)
class PngLayout:
    """The chunks of a PNG file: ``metadata_bytes`` are those beside the picture's."""

    chunks: int
    metadata_bytes: int
    exif: bytes = b""


def png_layout(data: bytes) -> PngLayout:
    """Walk the chunks of a PNG up to IEND, the checksums of those that the picture needs.

    Raises:
        FilmError: if it is cut off, damaged, or of more chunks than any picture needs.
    """
    position, chunks, metadata, exif = 8, 0, 0, b""
    while position + 12 <= len(data):
        length, name = struct.unpack(">I4s", data[position : position + 8])
        end = position + 12 + length
        if end > len(data):
            break
        is_critical = not name[0] & 0x20
        stated = int.from_bytes(data[end - 4 : end], "big")
        if is_critical and zlib.crc32(memoryview(data)[position + 4 : end - 4]) != stated:
            shown = name.decode("ascii", "backslashreplace")
            raise FilmError(f"the file is damaged (checksum of its {shown} chunk)")
        chunks += 1
        if chunks > MAX_CHUNKS:
            raise FilmError(f"the PNG file has more than {MAX_CHUNKS} chunks")
        metadata += 0 if name in (b"IDAT", b"IHDR", b"PLTE") else length
        if name == b"eXIf":
            exif = data[position + 8 : end - 4]
        if name == b"IEND":
            return PngLayout(chunks, metadata, exif)
        position = end
    raise FilmError(_CUT_OFF)


@dataclass(frozen=True, slots=True)
class TiffLayout:
    """The first directory of a TIFF file: its plain numbers by tag, and how many pages follow it."""

    pages: int
    values: dict[int, tuple[int, ...]]

    def first(self, tag: int, default: int) -> int:
        """The first number of a tag."""
        return (self.values.get(tag) or (default,))[0]

    @property
    def blocks(self) -> tuple[tuple[int, int], ...]:
        """(offset, byte count) of each strip, or tile."""
        found = []
        for offsets, counts in ((273, 279), (324, 325)):
            found += list(zip(self.values.get(offsets, ()), self.values.get(counts, ()), strict=False))
        return tuple(found)


_BLOCK_TAGS = frozenset({273, 279, 324, 325})
_SHORT_TAGS = frozenset({256, 257, 258, 259, 262, 277, 278, 284, 322, 323, 339, 338})


def tiff_layout(data: bytes) -> TiffLayout:
    """Read the first directory of a TIFF file, or of Exif data, and count the pages after it.

    Raises:
        FilmError: if the directory is cut off, or its entries ask for more than a film's could.
    """
    reader = _TiffReader(data)
    entries, following = reader.directory(reader.first)
    total, values = 0, {}
    for tag, kind, count, at in entries:
        size = _TYPE_BYTES.get(kind, 1) * count
        total += size
        if size > len(data) or total > max(MAX_ENTRIES_BYTES, 2 * len(data)):
            raise FilmError("the directory of the TIFF file is damaged: it asks for more than there is")
        if tag in _BLOCK_TAGS and count > MAX_BLOCKS:
            raise FilmError(f"the TIFF file has more than {MAX_BLOCKS} strips or tiles")
        if tag in _BLOCK_TAGS or (tag in _SHORT_TAGS and count <= 16):
            values[tag] = reader.numbers(kind, count, at)
    pages, seen = 1, {reader.first}
    while following and following not in seen and following < len(data) and pages <= MAX_PAGES_COUNTED:
        seen.add(following)
        pages += 1
        _, following = reader.directory(following)
    return TiffLayout(pages, values)


class _TiffReader:
    """Numbers of a TIFF file in its byte order, in the plain and in the Big variant."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.order = "<" if data[:2] == b"II" else ">"
        self.is_big = data[2:4] in (b"+\x00", b"\x00+")
        self.first = self._unpack("Q", 8) if self.is_big else self._unpack("I", 4)

    def _unpack(self, form: str, at: int) -> int:
        size = struct.calcsize(form)
        if at + size > len(self.data):
            raise FilmError(_CUT_OFF)
        value: int = struct.unpack_from(self.order + form, self.data, at)[0]
        return value

    def directory(self, at: int) -> tuple[list[tuple[int, int, int, int]], int]:
        """(tag, type, count, place of the value) of each entry, and where the next directory is (0: none)."""
        head, entry, word, form = (8, 20, 8, "Q") if self.is_big else (2, 12, 4, "I")
        count = self._unpack("Q" if self.is_big else "H", at)
        start, end = at + head, at + head + count * entry
        if end + word > len(self.data):
            raise FilmError(_CUT_OFF)
        found = []
        for place in range(start, end, entry):
            tag, kind = self._unpack("H", place), self._unpack("H", place + 2)
            number = self._unpack(form, place + 4)
            value = place + 4 + word
            if _TYPE_BYTES.get(kind, 1) * number > word:
                value = self._unpack(form, value)
            found.append((tag, kind, number, value))
        return found, self._unpack(form, end)

    def numbers(self, kind: int, count: int, at: int) -> tuple[int, ...]:
        """The whole numbers of an entry; none if they are of another type."""
        form = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}.get(kind)
        if form is None:
            return ()
        if at + count * struct.calcsize(form) > len(self.data):
            raise FilmError(_CUT_OFF)
        return struct.unpack_from(f"{self.order}{count}{form}", self.data, at)


def bmp_is_compressed(data: bytes) -> bool:
    """Whether a BMP is run-length encoded; refuses such a one that is shorter than it says."""
    if len(data) < 34:
        raise FilmError(_CUT_OFF)
    header_bytes = struct.unpack("<I", data[14:18])[0]
    compressed = header_bytes >= 40 and struct.unpack("<I", data[30:34])[0] in (1, 2)
    # The size field is often wrong in plain files, but of those Pillow knows how long they must be.
    if compressed and struct.unpack("<I", data[2:6])[0] > len(data):
        raise FilmError(_CUT_OFF)
    return bool(compressed)

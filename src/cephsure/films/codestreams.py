"""Is a compressed picture whole, and how large is it? Walks markers and chunks, decodes nothing.

Decoders fill what is missing with grey and say nothing, or allocate what a stream claims before any limit is
looked at. So the outline is read first.
"""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass

# In entropy-coded data 0xFF is followed by 0x00 (JPEG), by a value below 0x80 (JPEG-LS) or by a restart
# marker (0xD0 to 0xD7); whatever else from 0xC0 on is the next segment's marker.
_NEXT_MARKER = re.compile(rb"\xff[\xc0-\xcf\xd8-\xfe]")
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}
_START_OF_SCAN = 0xDA
_END_OF_IMAGE = 0xD9


@dataclass(frozen=True, slots=True)
class Outline:
    """The outline of a compressed picture.

    Attributes:
        complete: whether the stream reaches its own end.
        width_px: width by the stream's own header, None when it has none.
        height_px: height, likewise.
    """

    complete: bool
    width_px: int | None = None
    height_px: int | None = None


def jpeg_outline(data: bytes) -> Outline:
    """Walk the markers of a JPEG, JPEG Lossless or JPEG-LS stream (ITU-T T.81 annex B, T.87 annex C).

    Args:
        data: the stream, from its SOI marker on; bytes after its end are allowed.

    Returns:
        The outline; ``complete`` is True only if an EOI marker follows at least one scan.
    """
    width: int | None = None
    height: int | None = None
    scanned = False
    position = 2
    while (found := _NEXT_MARKER.search(data, position)) is not None:
        marker, body = data[found.start() + 1], found.end()
        if marker == _END_OF_IMAGE:
            return Outline(scanned, width, height)
        segment = data[body : body + 9]
        if len(segment) < 2:
            break
        if marker in _START_OF_FRAME and len(segment) >= 7:
            height, width = struct.unpack(">HH", segment[3:7])
        scanned = scanned or marker == _START_OF_SCAN
        position = body + struct.unpack(">H", segment[:2])[0]
    return Outline(complete=False, width_px=width, height_px=height)


def jpeg2000_outline(data: bytes) -> Outline:
    """Read the SIZ marker and look for the EOC marker of a JPEG 2000 codestream (ITU-T T.800 annex A).

    Args:
        data: the codestream, bare or inside JP2 boxes; padding zeros at the end are allowed.

    Returns:
        The outline.
    """
    start = data.find(b"\xff\x4f\xff\x51")
    if start < 0 or len(data) < start + 24:
        return Outline(complete=False)
    right, bottom, left, top = struct.unpack(">4I", data[start + 8 : start + 24])
    return Outline(data.rstrip(b"\x00").endswith(b"\xff\xd9"), right - left, bottom - top)


def png_fault(data: bytes) -> str | None:
    """Check the chunks of a PNG: all there up to IEND, and the critical ones' checksums right.

    Args:
        data: the file's content, from its signature on.

    Returns:
        What is wrong, or None.
    """
    position = 8
    while position + 12 <= len(data):
        length, name = struct.unpack(">I4s", data[position : position + 8])
        end = position + 12 + length
        if end > len(data):
            break
        is_critical = not name[0] & 0x20
        if (
            is_critical
            and zlib.crc32(memoryview(data)[position + 4 : end - 4])
            != struct.unpack(">I", data[end - 4 : end])[0]
        ):
            return f"the file is damaged (checksum of its {name.decode('ascii', 'backslashreplace')} chunk)"
        if name == b"IEND":
            return None
        position = end
    return "the file is cut off"

"""What a compressed stream says of itself, and whether it is whole: JPEG, JPEG-LS and JPEG 2000.

Decoders fill what is missing with grey and say nothing, or allocate what a stream claims before any limit is
looked at. So the markers are walked first; nothing is decoded here. A stream is held to no more than decoders
need: whatever stands behind its end marker is allowed.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, replace

from cephsure.errors import FilmError

MAX_SEGMENTS = 10_000  # of a stream, beside its entropy-coded data; cameras write some dozens
MAX_SCANS = 100  # of a JPEG; encoders write up to 12, one of three components with all planes apart some 200
RUN_BYTES = 64  # zeros one after another in compressed data that are taken for a hole

# In entropy-coded data 0xFF stands before 0x00 or a restart marker (0xD0 to 0xD7); in JPEG-LS before any
# value below 0x80. Fill bytes 0xFF may stand before a marker.
_NEXT_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
_NEXT_MARKER_LS = re.compile(rb"\xff[\x80-\xcf\xd8-\xfe]")
_RESTART = re.compile(rb"\xff([\xd0-\xd7])")
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_LOSSLESS = frozenset({0xC3, 0xC7, 0xCB, 0xCF})
_JPEG_LS = 0xF7
_START_OF_SCAN, _END_OF_IMAGE, _RESTART_INTERVAL, _HUFFMAN_TABLES = 0xDA, 0xD9, 0xDD, 0xC4
_J2K_START = b"\xff\x4f\xff\x51"
HOLE = "the compressed picture holds a run of zeros in its middle: part of it may be missing"


@dataclass(frozen=True, slots=True)
class Outline:
    """What a compressed picture's own header says, and whether it is whole by its markers.

    Attributes:
        complete: it reaches its own end.
        width_px, height_px, bits, components: by its header; None if it has none.
        is_signed: of a JPEG 2000 stream's samples.
        process: the second byte of a JPEG's start-of-frame marker, which says how it is coded.
        scans: (start, end) of each scan's entropy-coded bytes.
        restart_interval: units between two restart markers, 0 for none.
        end: where the end marker stands.
        fault: what is wrong with its markers, for the user, or None.
        doubt: what may be wrong, or None.
    """

    complete: bool
    width_px: int | None = None
    height_px: int | None = None
    bits: int | None = None
    components: int | None = None
    is_signed: bool = False
    process: int | None = None
    scans: tuple[tuple[int, int], ...] = ()
    restart_interval: int = 0
    end: int = 0
    fault: str | None = None
    doubt: str | None = None

    @property
    def is_sequential(self) -> bool:
        """Whether it is an 8-bit JPEG of one scan, which is decoded while it is read."""
        return self.process in (0xC0, 0xC1) and self.bits == 8 and len(self.scans) == 1


def jpeg_outline(data: bytes) -> Outline:
    """Walk the markers of a JPEG, JPEG Lossless or JPEG-LS stream (ITU-T T.81 annex B, T.87 annex C).

    It is complete only if an EOI marker follows at least one scan; bytes after that are allowed.

    Raises:
        FilmError: if it has more scans or segments than any picture needs.
    """
    walk = _JpegWalk(data)
    outline = walk.outline()
    if outline.complete and outline.process != _JPEG_LS:
        fault = outline.fault or _unfinished(outline, data) or _restart_fault(outline, data)
        return replace(outline, fault=fault, doubt=HOLE if walk.has_hole(outline) else None)
    return outline


class _JpegWalk:
    """One walk over a stream's markers."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.scans: list[tuple[int, int]] = []
        self.frame: tuple[int, int, int, int, int] | None = None  # process, bits, height, width, components
        self.interval = 0
        self.fault: str | None = None
        # Whether each table gives the code of zeros to the end of a block: flat areas are zeros then.
        self.zeros_are_flat = True

    def outline(self) -> Outline:
        data, position, segments = self.data, 2, 0
        begun: int | None = None  # of the scan that is walked through
        while (found := self._next(position)) is not None:
            marker, body = data[found.start() + 1], found.end()
            if begun is not None:
                if marker < 0xC0:
                    self.fault = "the compressed picture is damaged: a marker that means nothing stands in it"
                    position = body
                    continue
                self._end_scan(begun, found.start())
                begun = None
            elif marker < 0xC0:  # what stands between two segments means nothing
                position = body
                continue
            if marker == _END_OF_IMAGE:
                return self._outline(complete=bool(self.scans), end=found.start())
            segments += 1
            if segments > MAX_SEGMENTS:
                raise FilmError(f"the JPEG stream has more than {MAX_SEGMENTS} segments")
            segment = data[body : body + 10]
            if len(segment) < 2:
                break
            position = body + int.from_bytes(segment[:2], "big")
            self._take(marker, segment)
            if marker == _HUFFMAN_TABLES:
                self._take_tables(data[body + 2 : position])
            if marker == _START_OF_SCAN:
                begun = position
        return self._outline(complete=False, end=len(data))

    def _next(self, position: int) -> re.Match[bytes] | None:
        is_ls = self.frame is not None and self.frame[0] == _JPEG_LS
        return (_NEXT_MARKER_LS if is_ls else _NEXT_MARKER).search(self.data, position)

    def _take(self, marker: int, segment: bytes) -> None:
        if marker in _START_OF_FRAME and len(segment) >= 8:
            if self.frame is not None:
                self.fault = "the compressed picture has two headers"
                return
            bits, height, width, components = struct.unpack(">BHHB", segment[2:8])
            self.frame = (marker, bits, height, width, components)
        elif marker == _RESTART_INTERVAL:
            self.interval = int.from_bytes(segment[2:4], "big")

    def _take_tables(self, tables: bytes) -> None:
        while len(tables) >= 18:
            count = sum(tables[1:17])
            is_of_blocks = tables[0] >> 4 == 1
            self.zeros_are_flat &= not is_of_blocks or tables[17] == 0
            tables = tables[17 + count :]

    def has_hole(self, outline: Outline) -> bool:
        """Whether a scan holds a run of zeros that no flat area makes."""
        if outline.process in _LOSSLESS:
            return False
        scans = outline.scans
        if outline.process in _PROGRESSIVE:  # a scan of first coefficients has such runs in flat areas
            scans = tuple(scan for scan in scans if self.data[scan[0] - 3])
        elif self.zeros_are_flat:
            return False
        return any(self.data.find(bytes(RUN_BYTES), *scan) >= 0 for scan in scans)

    def _end_scan(self, begun: int, end: int) -> None:
        while end > begun and self.data[end - 1] == 0xFF:  # fill bytes before the marker
            end -= 1
        self.scans.append((begun, end))
        if len(self.scans) > MAX_SCANS:
            raise FilmError(
                f"the JPEG stream has more than {MAX_SCANS} scans, as no film has",
                remedy="save it as a plain JPEG or as PNG",
            )

    def _outline(self, *, complete: bool, end: int) -> Outline:
        process, bits, height, width, components = self.frame or (None, None, None, None, None)
        return Outline(
            complete=complete,
            width_px=width,
            height_px=height,
            bits=bits,
            components=components,
            process=process,
            scans=tuple(self.scans),
            restart_interval=self.interval,
            end=end,
            fault=self.fault,
        )


def _unfinished(outline: Outline, data: bytes) -> str | None:
    """Whether the scans of a progressive JPEG, or of one with its components apart, leave something out."""
    if outline.components is None or outline.process in _LOSSLESS:
        return None
    missing = _missing_bits(outline, data)
    if not missing:
        return None
    if outline.process in _PROGRESSIVE:
        return "the compressed picture is unfinished: the last of its scans are missing"
    return "the compressed picture is cut off: one of its colour channels is missing"


def _missing_bits(outline: Outline, data: bytes) -> bool:
    """Whether some component has coefficients whose lowest bit no scan holds."""
    lowest: dict[int, list[int]] = {}
    for begun, _ in outline.scans:
        # Components, one selector and table byte each, then first and last coefficient and the bit planes.
        for count in range(1, 5):
            head = begun - (6 + 2 * count)
            if data[head : head + 3] == bytes((0, 6 + 2 * count, count)):
                break
        else:
            return False  # a scan header that decoders take for malformed
        first, last, planes = data[begun - 3 : begun]
        for k in range(count):
            bits = lowest.setdefault(data[head + 3 + 2 * k], [99] * 64)
            for coefficient in range(first, min(last, 63) + 1):
                bits[coefficient] = min(bits[coefficient], planes & 15)
    if outline.process not in _PROGRESSIVE:
        return len(lowest) < (outline.components or 0)
    unfinished = any(bit > 0 for bits in lowest.values() for bit in bits)
    return unfinished or len(lowest) < (outline.components or 0)


def _restart_fault(outline: Outline, data: bytes) -> str | None:
    """Restart markers count from 0 to 7 and begin again; one left out means that a part is missing."""
    if not outline.restart_interval:
        return None
    for scan in outline.scans:
        numbers = [found[1][0] - 0xD0 for found in _RESTART.finditer(data, *scan)]
        if any(number != k % 8 for k, number in enumerate(numbers)):
            return "the compressed picture is damaged: part of its middle is missing"
    return None


def jpeg2000_outline(data: bytes) -> Outline:
    """Read the header of a JPEG 2000 codestream and follow its tile parts (ITU-T T.800 annex A).

    The codestream may stand bare or inside JP2 boxes. It is complete if its tile parts lead to the EOC
    marker; what follows that (padding to an even length, of whatever value) is allowed.
    """
    start = data.find(_J2K_START)
    if start < 0 or len(data) < start + 42:
        return Outline(complete=False)
    right, bottom, left, top = struct.unpack(">4I", data[start + 8 : start + 24])
    (components,) = struct.unpack(">H", data[start + 40 : start + 42])
    depth = data[start + 42] if len(data) > start + 42 else 7
    end = _end_of_tile_parts(data, start)
    hole = end is not None and data.find(bytes(RUN_BYTES), start, end) >= 0
    return Outline(
        complete=end is not None,
        width_px=right - left,
        height_px=bottom - top,
        bits=(depth & 0x7F) + 1,
        components=components,
        is_signed=bool(depth & 0x80),
        end=end or len(data),
        doubt=HOLE if hole else None,
    )


def _end_of_tile_parts(data: bytes, start: int) -> int | None:
    """Where the EOC marker stands, or None if the tile parts do not lead to it."""
    position, segments = start + 2, 0
    while data[position : position + 2] != b"\xff\x90":  # the main header's segments, up to the first SOT
        if len(data) < position + 4 or data[position] != 0xFF or (segments := segments + 1) > MAX_SEGMENTS:
            return None
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    parts = 0
    while data[position : position + 2] == b"\xff\x90":
        parts += 1
        length = int.from_bytes(data[position + 6 : position + 10], "big")
        if length == 0:  # the last one, up to the end marker
            end = data.rfind(b"\xff\xd9", position)
            return end if end > position else None
        if length < 14 or parts > 65_535:
            return None
        position += length
    return position if data[position : position + 2] == b"\xff\xd9" else None

"""PackBits, in which TIFF and DICOM's RLE are packed: how many bytes a block unpacks to."""

from __future__ import annotations

from cephsure.errors import FilmError

_HEADER_BYTES, _MOST_SEGMENTS = 64, 15


def packed_length(block: bytes) -> int:
    """How many bytes a PackBits block unpacks to; -1 if it ends in the middle of a run.

    Examples:
        >>> packed_length(bytes([2, 10, 20, 30, 253, 7]))  # three bytes, and one four times
        7
    """
    length, missing = _unpacked(block)
    return -1 if missing else length


def _unpacked(block: bytes) -> tuple[int, int]:
    """How many bytes a block unpacks to, what its last run lacks counted too; and how many bytes that are."""
    position, length = 0, 0
    while position < len(block):
        code = block[position]
        if code < 128:
            position += code + 2
            length += code + 1
        elif code > 128:
            position += 2
            length += 257 - code
        else:
            position += 1
    return length, position - len(block)


def check_rle(frame: bytes, *, rows: int, columns: int, planes: int) -> None:
    """Hold a frame of DICOM's RLE (PS3.5 annex G) against the header: a segment for each byte of a pixel.

    Each must unpack to as many bytes as there are pixels. What pads it may make that a few more, but no row.

    Raises:
        FilmError: if it does not.
    """
    offsets = [int.from_bytes(frame[k : k + 4], "little") for k in range(0, _HEADER_BYTES, 4)]
    count, pixels = offsets[0], rows * columns
    if len(frame) < _HEADER_BYTES or not 0 < count <= _MOST_SEGMENTS:
        raise FilmError("the compressed pixels are damaged: they have no RLE header")
    if count != planes:
        raise FilmError(f"the compressed pixels have {count} bytes a pixel, the header says {planes}")
    segments = zip(offsets[1 : count + 1], [*offsets[2 : count + 1], len(frame)], strict=True)
    pieces = [frame[begin:end] for begin, end in segments]
    fewest = min(length for length, _ in map(_unpacked, pieces))
    if fewest < pixels:
        raise FilmError(f"the compressed pixels are fewer than the {columns} x {rows} that the header says")
    if fewest < pixels + columns:
        return
    # Zeros at the end may pad.
    fewest = min(length for length, _ in (_unpacked(piece.rstrip(b"\x00")) for piece in pieces))
    if fewest >= pixels + columns:
        raise FilmError(
            f"the DICOM header contradicts its pixels: {fewest} of them, the header says {pixels} "
            f"({columns} x {rows})",
            remedy="export the film uncompressed",
        )

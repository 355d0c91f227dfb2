"""Whether the strips or tiles of a compressed TIFF hold what its header says; libtiff does not always ask."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from cephsure.errors import FilmError
from cephsure.films.codestreams import HOLE, RUN_BYTES, jpeg_outline
from cephsure.films.jpeg_streams import load_whole
from cephsure.films.packbits import packed_length

if TYPE_CHECKING:
    from cephsure.films.raster_layout import TiffLayout

_DAMAGED = "the compressed picture in the TIFF file is damaged"
_DEFLATE, _PACKBITS, _JPEG, _LZW = (8, 32946), 32773, 7, 5
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _SAMPLES, _ROWS_PER_STRIP, _PLANAR = 256, 257, 258, 259, 277, 278, 284
_TILE_WIDTH, _TILE_HEIGHT, _JPEG_TABLES = 322, 323, 347


def check_blocks(data: bytes, layout: TiffLayout, jpeg_tables: bytes) -> tuple[str, ...]:
    """Check each block by its compression's own rules; LZW has none that libtiff does not know.

    Gives what is doubtful, for the user.

    Raises:
        FilmError: if one is cut off or damaged.
    """
    compression = layout.first(_COMPRESSION, 1)
    blocks = [data[offset : offset + count] for offset, count in layout.blocks]
    if compression in _DEFLATE:
        for block in blocks:
            _check_deflated(block)
    elif compression == _PACKBITS:
        for block, wanted in zip(blocks, _block_bytes(layout, len(blocks)), strict=True):
            if packed_length(block) != wanted:
                raise FilmError(_DAMAGED)
    elif compression == _JPEG:
        doubts = [_check_jpeg(block, jpeg_tables) for block in blocks]
        return tuple({doubt for doubt in doubts if doubt is not None})
    # Whoever packs writes a run of zeros in fewer bytes.
    is_packed = compression in (_LZW, _PACKBITS)
    return (HOLE,) if is_packed and any(bytes(RUN_BYTES) in block for block in blocks) else ()


def _check_deflated(block: bytes) -> None:
    inflater, rest = zlib.decompressobj(), block
    try:
        while rest and not inflater.eof:
            inflater.decompress(rest, 2**20)
            rest = inflater.unconsumed_tail
    except zlib.error:
        raise FilmError(_DAMAGED) from None
    if not inflater.eof:
        raise FilmError(_DAMAGED)


def _block_bytes(layout: TiffLayout, count: int) -> list[int]:
    """How many bytes each strip or tile unpacks to."""
    separate = layout.first(_PLANAR, 1) == 2
    samples = 1 if separate else layout.first(_SAMPLES, 1)
    bits = layout.first(_BITS, 1) * samples
    if tile_width := layout.first(_TILE_WIDTH, 0):
        return [layout.first(_TILE_HEIGHT, 0) * ((tile_width * bits + 7) // 8)] * count
    row, height = (layout.first(_WIDTH, 0) * bits + 7) // 8, layout.first(_HEIGHT, 0)
    rows = min(layout.first(_ROWS_PER_STRIP, height), height) or 1
    strips = -(-height // rows)
    return [row * min(rows, height - rows * (k % max(strips, 1))) for k in range(count)]


def _check_jpeg(block: bytes, tables: bytes) -> str | None:
    """Check a block that is a JPEG stream, its tables perhaps kept apart for all blocks."""
    stream = tables[:-2] + block[2:] if tables[-2:] == b"\xff\xd9" else block
    outline = jpeg_outline(stream)
    load_whole(stream, outline)
    return outline.doubt

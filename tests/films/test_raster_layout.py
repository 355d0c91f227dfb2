from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from cephsure.errors import FilmError
from cephsure.films.raster_layout import bmp_is_compressed, png_layout, tiff_layout

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def test_a_png_is_whole_up_to_its_last_byte_and_no_sooner(
    grey8: NDArray[np.uint8], encode: Callable[..., bytes]
) -> None:
    data = encode(grey8, "PNG")
    assert png_layout(data).metadata_bytes == 0
    assert png_layout(data + b"trailing bytes") == png_layout(data)
    for end in range(8, len(data)):
        with pytest.raises(FilmError, match=r"^the file is cut off$"):
            png_layout(data[:end])


def test_every_flipped_bit_of_a_png_s_pixels_is_found(
    grey8: NDArray[np.uint8], encode: Callable[..., bytes]
) -> None:
    data = encode(grey8, "PNG")
    start = data.index(b"IDAT")
    for position in range(start + 4, len(data) - 16, 97):
        damaged = bytearray(data)
        damaged[position] ^= 0x10
        with pytest.raises(FilmError, match=r"damaged \(checksum of its IDAT chunk\)"):
            png_layout(bytes(damaged))


def test_a_wrong_checksum_of_an_ancillary_chunk_costs_no_pixel(
    grey8: NDArray[np.uint8], encode: Callable[..., bytes]
) -> None:
    data = encode(grey8, "PNG")
    text = chunk(b"tEXt", b"Comment\x00hello")
    assert png_layout(data[:-12] + text[:-1] + b"!" + data[-12:]).metadata_bytes == 13


def test_millions_of_chunks_are_not_walked(grey8: NDArray[np.uint8], encode: Callable[..., bytes]) -> None:
    data = encode(grey8, "PNG")
    with pytest.raises(FilmError, match="more than 100000 chunks"):
        png_layout(data[:33] + 100_001 * chunk(b"tEXt", b"a\x00b") + data[33:])


def test_the_exif_data_of_a_png_are_found(grey8: NDArray[np.uint8], encode: Callable[..., bytes]) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert tiff_layout(png_layout(encode(grey8, "PNG", exif=exif)).exif).pages == 1


@pytest.mark.parametrize("big", [False, True])
def test_a_tiff_s_blocks_and_numbers(
    big: bool, grey12: NDArray[np.uint16], encode: Callable[..., bytes]
) -> None:
    for values in (grey12, grey12.astype(">u2")):
        data = encode(values, "TIFF", **({"big_tiff": True} if big else {}))
        layout = tiff_layout(data)
        assert (layout.first(256, 0), layout.first(257, 0), layout.first(259, 0)) == (80, 96, 1)
        assert sum(count for _, count in layout.blocks) == 80 * 96 * 2
        assert layout.pages == 1


def test_pages_are_counted_without_being_read(grey8: NDArray[np.uint8], encode: Callable[..., bytes]) -> None:
    more = [Image.fromarray(grey8)] * 3
    assert tiff_layout(encode(grey8, "TIFF", save_all=True, append_images=more)).pages == 4


def with_directories(data: bytes, count: int, *, loop: bool = False) -> bytes:
    """A TIFF with its directory ``count`` times more, or one that leads back to the first."""
    first = struct.unpack("<I", data[4:8])[0]
    entries = struct.unpack("<H", data[first : first + 2])[0]
    directory = data[first : first + 2 + 12 * entries]
    longer, link = bytearray(data), first + len(directory)
    for _ in range(count):
        longer[link : link + 4] = struct.pack("<I", len(longer))
        link = len(longer) + len(directory)
        longer += directory + bytes(4)
    if loop:
        longer[link : link + 4] = struct.pack("<I", first)
    return bytes(longer)


def test_thousands_of_pages_are_not_walked(grey8: NDArray[np.uint8], encode: Callable[..., bytes]) -> None:
    data = encode(grey8, "TIFF")
    assert tiff_layout(with_directories(data, 5000)).pages == 17
    assert tiff_layout(with_directories(data, 1, loop=True)).pages == 2


def test_a_directory_that_asks_for_the_same_bytes_again_and_again() -> None:
    entries = b"".join(struct.pack("<HHII", 1000 + k, 1, 900_000, 8) for k in range(30))
    body = bytes(1_000_000)
    data = b"II*\x00" + struct.pack("<I", 8 + len(body)) + body + struct.pack("<H", 30) + entries + bytes(4)
    with pytest.raises(FilmError, match="asks for more than there is"):
        tiff_layout(data)
    with pytest.raises(FilmError, match="cut off"):
        tiff_layout(data[:-5])


def test_a_run_length_coded_bmp_is_told_from_a_plain_one(
    grey8: NDArray[np.uint8], encode: Callable[..., bytes]
) -> None:
    data = bytearray(encode(grey8, "BMP"))
    assert not bmp_is_compressed(bytes(data))
    data[30:34] = struct.pack("<I", 1)
    assert bmp_is_compressed(bytes(data))
    with pytest.raises(FilmError, match="cut off"):
        bmp_is_compressed(bytes(data[:-1]))
    assert Image.open(io.BytesIO(encode(grey8, "BMP"))).size == (80, 96)

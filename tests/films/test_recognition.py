from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import pytest

from cephsure.errors import FilmError
from cephsure.films.recognition import FilmKind, Outline, jpeg2000_outline, jpeg_outline, png_fault, recognise

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF"])
def test_rasters(kind: str, grey8: NDArray[np.uint8], encode: Callable[..., bytes]) -> None:
    assert recognise(encode(grey8, kind)) is FilmKind(kind)


def test_other_beginnings_of_tiff() -> None:
    for head in (b"MM\x00*", b"II+\x00", b"MM\x00+"):
        assert recognise(head + bytes(20)) is FilmKind.TIFF


def test_dicom_is_looked_for_first_because_its_preamble_is_free() -> None:
    preamble = b"II*\x00".ljust(128, b"\x00")
    assert recognise(preamble + b"DICM" + bytes(20)) is FilmKind.DICOM


@pytest.mark.parametrize(
    "head",
    [
        struct.pack("<HHI", 0x0008, 0x0005, 10) + b"ISO_IR 100",  # implicit VR
        b"\x08\x00\x05\x00CS\x0a\x00ISO_IR 100",  # explicit VR
        b"\x02\x00\x00\x00UL\x04\x00",  # meta group without preamble
        b"\x00\x08\x00\x05CS\x00\x0aISO_IR 100",  # big endian
    ],
)
def test_dicom_without_preamble(head: bytes) -> None:
    assert recognise(head.ljust(200, b" ")) is FilmKind.DICOM


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"GIF89a" + bytes(20), "a GIF image"),
        (b"%PDF-1.7\n", "a PDF document"),
        (b"PK\x03\x04" + bytes(30), "a ZIP archive"),
        (b"\x1f\x8b\x08" + bytes(30), "a gzip archive"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "a WebP image"),
        (b"\x00\x00\x00\x18ftypheic", "a HEIC"),
        (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "a JPEG 2000 image outside DICOM"),
        (bytes(344) + b"n+1\x00", "a NIfTI volume"),
        (b"x,y\n829,996\n", "a text file"),
        (b"BMI of the patients\n", "a text file"),
        ("Größe\n".encode() * 100, "a text file"),
        ("ä".encode() * 400, "a text file"),
        ("text".encode("utf-16"), "a text file"),
        (b"\x7fELF" + bytes(range(200, 256)), "content of an unknown kind"),
        (b"\x08\x00\xff\xff\x00\x00\x00\x00", "content of an unknown kind"),
    ],
)
def test_whatever_else_is_named(data: bytes, name: str) -> None:
    with pytest.raises(FilmError, match=name) as caught:
        recognise(data)
    assert "DICOM files are read" in str(caught.value)


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_is_complete_up_to_its_last_byte_and_no_sooner(
    progressive: bool, grey8: NDArray[np.uint8], encode: Callable[..., bytes]
) -> None:
    data = encode(grey8, "JPEG", quality=80, progressive=progressive)
    assert jpeg_outline(data) == Outline(complete=True, width_px=80, height_px=96)
    assert jpeg_outline(data + b"trailing bytes").complete
    assert not any(jpeg_outline(data[:end]).complete for end in range(len(data)))


def test_the_end_of_a_thumbnail_is_not_the_end_of_the_jpeg(
    grey8: NDArray[np.uint8], encode: Callable[..., bytes]
) -> None:
    data = encode(grey8, "JPEG")
    thumbnail = encode(grey8[:64, :64], "JPEG")
    with_thumbnail = data[:2] + b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 2) + thumbnail + data[2:]
    assert jpeg_outline(with_thumbnail).complete
    assert not jpeg_outline(with_thumbnail[:-1]).complete


def test_jpeg_ls_writes_values_below_0x80_behind_0xff() -> None:
    frame = b"\xff\xf7" + struct.pack(">HBHHB", 8, 8, 300, 200, 0)
    scan = b"\xff\xda" + struct.pack(">H", 2) + b"\x12\xff\x41\x13\xff\x7f\x14"
    outline = jpeg_outline(b"\xff\xd8" + frame + scan + b"\xff\xd9")
    assert outline == Outline(complete=True, width_px=200, height_px=300)
    assert not jpeg_outline(b"\xff\xd8" + frame + scan).complete


def test_a_jpeg_without_a_scan_is_not_complete() -> None:
    assert not jpeg_outline(b"\xff\xd8\xff\xd9").complete


def test_size_of_a_jpeg_2000_codestream_is_that_of_its_grid_less_the_offset() -> None:
    size = struct.pack(">HHIIII", 41, 0, 210, 320, 10, 20)
    stream = b"\xff\x4f\xff\x51" + size + b"body"
    assert jpeg2000_outline(stream + b"\xff\xd9") == Outline(complete=True, width_px=200, height_px=300)
    assert jpeg2000_outline(stream + b"\xff\xd9\x00").complete, "padded to an even length"
    assert not jpeg2000_outline(stream).complete
    assert jpeg2000_outline(b"") == Outline(complete=False)


def test_a_png_is_whole_up_to_its_last_byte_and_no_sooner(
    grey8: NDArray[np.uint8], encode: Callable[..., bytes]
) -> None:
    data = encode(grey8, "PNG")
    assert png_fault(data) is None
    assert png_fault(data + b"trailing bytes") is None
    assert all(png_fault(data[:end]) == "the file is cut off" for end in range(8, len(data)))


def test_every_flipped_bit_of_a_png_s_pixels_is_found(
    grey8: NDArray[np.uint8], encode: Callable[..., bytes]
) -> None:
    data = encode(grey8, "PNG")
    start = data.index(b"IDAT")
    for position in range(start + 4, len(data) - 16, 97):
        damaged = bytearray(data)
        damaged[position] ^= 0x10
        assert png_fault(bytes(damaged)) == "the file is damaged (checksum of its IDAT chunk)"


def test_a_wrong_checksum_of_an_ancillary_chunk_costs_no_pixel(
    grey8: NDArray[np.uint8], encode: Callable[..., bytes]
) -> None:
    data = encode(grey8, "PNG")
    text = b"tEXtComment\x00hello"
    chunk = struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text) ^ 1)
    assert png_fault(data[:-12] + chunk + data[-12:]) is None

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np
import pytest
from pydicom import uid

from cephsure.errors import FilmError
from cephsure.films import read

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from pydicom.dataset import Dataset

    Make = Callable[..., Dataset]
    Write = Callable[[Dataset], bytes]

PIXELS = b"\xe0\x7f\x10\x00O"


def before_the_pixels(data: bytes, elements: bytes) -> bytes:
    place = data.rindex(PIXELS)
    return data[:place] + elements + data[place:]


def private(vr: bytes, length: int) -> bytes:
    return struct.pack("<HH2sHI", 0x29, 0x1010, vr, 0, length)


@pytest.fixture
def film(grey8: NDArray[np.uint8], dataset_of: Make, dicom_bytes: Write) -> bytes:
    return dicom_bytes(dataset_of(grey8, 8))


def test_elements_without_end_are_refused(film: bytes) -> None:
    empty_items = b"\xfe\xff\x00\xe0\x00\x00\x00\x00" * 60_000
    many = private(b"SQ", 0xFFFFFFFF) + empty_items + b"\xfe\xff\xdd\xe0\x00\x00\x00\x00"
    with pytest.raises(FilmError, match="more elements than any film's"):
        read(before_the_pixels(film, many))
    deep = (private(b"SQ", 0xFFFFFFFF) + b"\xfe\xff\x00\xe0\xff\xff\xff\xff") * 2000
    with pytest.raises(FilmError):
        read(before_the_pixels(film, deep))


def test_a_private_element_of_some_size_is_passed_over(film: bytes) -> None:
    assert read(before_the_pixels(film, private(b"UN", 10_000) + bytes(10_000))).pixels.shape == (96, 80)


def test_a_private_element_that_inflates(
    grey8: NDArray[np.uint8], dataset_of: Make, dicom_bytes: Write
) -> None:
    dataset = dataset_of(grey8, 8)
    dataset.file_meta.TransferSyntaxUID = uid.DeflatedExplicitVRLittleEndian
    data = dicom_bytes(dataset)
    begin = 144 + int.from_bytes(data[140:144], "little")
    plain = zlib.decompress(data[begin:], -zlib.MAX_WBITS)
    size = 200 * 2**20
    deflater = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    place = plain.rindex(PIXELS)
    pieces = [deflater.compress(plain[:place] + private(b"UN", size))]
    pieces += [deflater.compress(bytes(2**20)) for _ in range(200)]
    bomb = data[:begin] + b"".join((*pieces, deflater.compress(plain[place:]), deflater.flush()))
    assert len(bomb) < 2_000_000
    with pytest.raises(FilmError, match="inflates to more than the limit"):
        read(bomb)
    np.testing.assert_allclose(read(data).pixels, grey8 / 255, atol=1e-7)


@pytest.mark.parametrize("length", [b"\x00\x00\x00\x00", b"\xff\xff\xff\xff"])
def test_the_closing_delimiter_s_length_means_nothing(
    length: bytes, grey8: NDArray[np.uint8], dataset_of: Make, dicom_bytes: Write
) -> None:
    dataset = dataset_of(grey8, 8)
    dataset.compress(uid.RLELossless)
    data = dicom_bytes(dataset)
    place = data.rindex(b"\xfe\xff\xdd\xe0")
    film = read(data[: place + 4] + length + data[place + 8 :])
    np.testing.assert_allclose(film.pixels, grey8 / 255, atol=1e-7)


def test_what_stands_behind_the_pixels_has_no_say(film: bytes) -> None:
    pixels = read(film).pixels
    for rest, notes in [
        (b"junk" * 30, ("120 bytes after the pixels: ignored",)),
        (film, (f"{len(film)} bytes after the pixels: ignored",)),
        (bytes(500), ()),
        (b"\xfc\xff\xfc\xffOB\x00\x00\x10\x00\x00\x00" + bytes(6), ()),  # padding that is cut off
    ]:
        again = read(film + rest)
        np.testing.assert_array_equal(again.pixels, pixels)
        assert again.notes == notes

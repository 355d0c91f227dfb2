from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest
from pydicom import uid

from cephsure.errors import FilmError
from cephsure.films.codestreams import MAX_SCANS, Outline, jpeg2000_outline, jpeg_outline
from cephsure.films.dicom_pixels import first_frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from pydicom.dataset import Dataset


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_is_complete_up_to_its_last_byte_and_no_sooner(
    progressive: bool, grey8: NDArray[np.uint8], encode: Callable[..., bytes]
) -> None:
    data = encode(grey8, "JPEG", quality=80, progressive=progressive)
    outline = jpeg_outline(data)
    assert (outline.complete, outline.width_px, outline.height_px) == (True, 80, 96)
    assert (outline.bits, outline.components, outline.fault, outline.doubt) == (8, 1, None, None)
    assert outline.is_sequential is not progressive
    assert (len(outline.scans) > 1) is progressive
    assert jpeg_outline(data + b"trailing bytes").complete
    assert not any(jpeg_outline(data[:end]).complete for end in range(len(data)))


def test_an_embedded_thumbnail_is_not_the_picture(
    grey8: NDArray[np.uint8], encode: Callable[..., bytes]
) -> None:
    data, thumbnail = encode(grey8, "JPEG"), encode(grey8[:16, :8], "JPEG")
    segment = b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 2) + thumbnail
    assert jpeg_outline(data[:2] + segment + data[2:]).width_px == 80


def test_jpeg_ls_writes_values_below_0x80_behind_0xff() -> None:
    frame = b"\xff\xf7" + struct.pack(">HBHHB", 8, 8, 300, 200, 1)
    scan = b"\xff\xda" + struct.pack(">H", 2) + b"\x12\xff\x41\x13\xff\x7f\x14"
    outline = jpeg_outline(b"\xff\xd8" + frame + scan + b"\xff\xd9")
    assert (outline.complete, outline.width_px, outline.height_px) == (True, 200, 300)
    assert outline.fault is None
    assert not jpeg_outline(b"\xff\xd8" + frame + scan).complete


def test_a_jpeg_without_a_scan_is_not_complete() -> None:
    assert not jpeg_outline(b"\xff\xd8\xff\xd9").complete


def test_a_marker_that_means_nothing_in_the_middle_is_a_fault(
    grey8: NDArray[np.uint8], encode: Callable[..., bytes]
) -> None:
    data = encode(grey8, "JPEG", quality=90)
    (begun, end) = jpeg_outline(data).scans[0]
    middle = (begun + end) // 2
    assert "damaged" in str(jpeg_outline(data[:middle] + b"\xff\x42" + data[middle:]).fault)


def test_a_progressive_jpeg_whose_last_scans_are_missing_is_unfinished(
    grey8: NDArray[np.uint8], encode: Callable[..., bytes]
) -> None:
    data = encode(grey8, "JPEG", progressive=True)
    scans = jpeg_outline(data).scans
    for _, end in scans[:-1]:
        assert "unfinished" in str(jpeg_outline(data[:end] + b"\xff\xd9").fault)


def test_a_restart_marker_left_out_is_a_fault(grey8: NDArray[np.uint8], encode: Callable[..., bytes]) -> None:
    data = encode(grey8, "JPEG", restart_marker_blocks=2)
    assert jpeg_outline(data).fault is None
    gap = data.index(b"\xff\xd3")
    assert "missing" in str(jpeg_outline(data[:gap] + data[gap + 2 :]).fault)


def test_zeros_in_the_middle_are_a_doubt(grey8: NDArray[np.uint8], encode: Callable[..., bytes]) -> None:
    data = encode(np.tile(grey8, (4, 4)), "JPEG", quality=90)
    begun, end = jpeg_outline(data).scans[0]
    middle = (begun + end) // 2
    holed = jpeg_outline(data[:middle] + bytes(200) + data[middle + 200 :])
    assert (
        holed.doubt == "the compressed picture holds a run of zeros in its middle: part of it may be missing"
    )


def test_thousands_of_scans_or_segments_are_refused(
    grey8: NDArray[np.uint8], encode: Callable[..., bytes]
) -> None:
    data = encode(grey8, "JPEG", progressive=True)
    begun, end = jpeg_outline(data).scans[-1]
    last = data[data.rindex(b"\xff\xda", 0, begun) : end]
    with pytest.raises(FilmError, match=f"more than {MAX_SCANS} scans"):
        jpeg_outline(data[:end] + MAX_SCANS * last + data[end:])
    with pytest.raises(FilmError, match="more than 10000 segments"):
        jpeg_outline(data[:2] + 10_001 * b"\xff\xfe\x00\x02" + data[2:])


def siz(*, bits: int = 8, components: int = 1) -> bytes:
    body = struct.pack(">HIIIIIIII", 0, 210, 320, 10, 20, 210, 320, 0, 0)
    body += struct.pack(">H", components) + bytes((bits - 1, 1, 1)) * components
    return b"\xff\x4f\xff\x51" + struct.pack(">H", len(body) + 2) + body


def tile_part(body: bytes, *, length: int | None = None) -> bytes:
    size = 14 + len(body) if length is None else length
    return b"\xff\x90" + struct.pack(">HHIBB", 10, 0, size, 0, 1) + b"\xff\x93" + body


@pytest.mark.parametrize("padding", [b"", b"\x00", b"\xff", b"\x20", b"\xff\xff"])
def test_a_jpeg_2000_codestream_may_be_padded_with_anything(padding: bytes) -> None:
    outline = jpeg2000_outline(siz(bits=12) + tile_part(b"body") + b"\xff\xd9" + padding)
    assert (outline.complete, outline.width_px, outline.height_px) == (True, 200, 300)
    assert (outline.bits, outline.components, outline.is_signed) == (12, 1, False)


@pytest.mark.parametrize(
    "stream",
    [
        siz() + tile_part(b"body"),
        siz() + tile_part(b"body")[:-2] + b"\xff\xd9",  # cut and closed
        siz() + tile_part(b"body")[:-2],
        siz() + tile_part(b"body", length=0),
        siz() + b"\xff\xd9",
        siz()[:20],
        b"",
    ],
    ids=[
        "no end marker",
        "cut and closed",
        "cut",
        "open tile part",
        "no tile part",
        "half a header",
        "nothing",
    ],
)
def test_a_jpeg_2000_codestream_that_is_cut_off(stream: bytes) -> None:
    assert not jpeg2000_outline(stream).complete


def test_a_last_tile_part_of_open_length_reaches_the_end_marker() -> None:
    assert jpeg2000_outline(siz() + tile_part(b"body", length=0) + b"\xff\xd9").complete


def test_real_codestreams_are_complete_and_cut_ones_are_not(
    grey12: NDArray[np.uint16], dataset_of: Callable[..., Dataset]
) -> None:
    dataset = dataset_of(grey12, 12)
    dataset.compress(uid.JPEG2000Lossless)
    stream = first_frame(dataset.PixelData)
    outline = jpeg2000_outline(stream)
    assert outline == Outline(True, 80, 96, 12, 1, end=outline.end)
    half = stream[: len(stream) // 2] + b"\xff\xd9"
    assert not jpeg2000_outline(half).complete

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from pydicom import uid
from pydicom.encaps import encapsulate, generate_frames

from cephsure.errors import FilmError
from cephsure.films import read
from cephsure.films.packbits import check_rle, packed_length

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from pydicom.dataset import Dataset


def test_how_long_a_block_is_unpacked() -> None:
    assert packed_length(b"") == 0
    assert packed_length(bytes([0, 7, 128, 255, 9])) == 1 + 2
    assert packed_length(bytes([3, 1, 2])) == -1
    assert packed_length(bytes([200])) == -1


def frame_of(*segments: bytes) -> bytes:
    offsets = np.zeros(16, "<u4")
    offsets[0] = len(segments)
    offsets[1 : len(segments) + 1] = 64 + np.cumsum([0, *map(len, segments[:-1])])
    return offsets.tobytes() + b"".join(segments)


ROWS_OF_8 = bytes([7, *range(1, 9)])


def test_a_frame_holds_as_many_pixels_as_the_header_says() -> None:
    check_rle(frame_of(4 * ROWS_OF_8), rows=4, columns=8, planes=1)
    check_rle(frame_of(4 * ROWS_OF_8 + bytes(41)), rows=4, columns=8, planes=1)
    check_rle(frame_of(4 * ROWS_OF_8, 4 * ROWS_OF_8 + b"junk"), rows=4, columns=8, planes=2)
    with pytest.raises(FilmError, match="fewer than the 8 x 5"):
        check_rle(frame_of(4 * ROWS_OF_8), rows=5, columns=8, planes=1)
    with pytest.raises(FilmError, match=r"32 of them, the header says 24 \(6 x 4\)"):
        check_rle(frame_of(4 * ROWS_OF_8), rows=4, columns=6, planes=1)
    with pytest.raises(FilmError, match="1 bytes a pixel, the header says 2"):
        check_rle(frame_of(4 * ROWS_OF_8), rows=4, columns=8, planes=2)
    with pytest.raises(FilmError, match="no RLE header"):
        check_rle(bytes(64), rows=4, columns=8, planes=1)


def test_a_film_whose_columns_are_fewer_than_its_stream_s(
    grey12: NDArray[np.uint16],
    dataset_of: Callable[..., Dataset],
    dicom_bytes: Callable[[Dataset], bytes],
) -> None:
    dataset = dataset_of(grey12, 12)
    dataset.compress(uid.RLELossless)
    whole = read(dicom_bytes(dataset))
    frame = next(generate_frames(dataset.PixelData, number_of_frames=1))
    dataset.PixelData = encapsulate([frame + b"\x00\x07\x00\x00"])
    np.testing.assert_array_equal(read(dicom_bytes(dataset)).pixels, whole.pixels)
    dataset.Columns -= 2
    with pytest.raises(FilmError, match="contradicts its pixels"):
        read(dicom_bytes(dataset))

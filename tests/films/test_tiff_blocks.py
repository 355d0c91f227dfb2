from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from cephsure.errors import FilmError
from cephsure.films import read
from cephsure.films.codestreams import HOLE
from cephsure.films.film import DEFAULT_LIMITS
from cephsure.films.raster import read_raster
from cephsure.films.raster_layout import tiff_layout
from cephsure.films.recognition import FilmKind
from cephsure.films.tiff_blocks import check_blocks

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

pytestmark = pytest.mark.usefixtures("decoded_here")

COMPRESSIONS = ["packbits", "tiff_adobe_deflate", "tiff_deflate", "jpeg"]


@pytest.mark.parametrize("strip_size", [65_536, 1000])
@pytest.mark.parametrize("compression", [*COMPRESSIONS, "tiff_lzw", "raw"])
def test_whole_blocks_pass(
    compression: str, strip_size: int, grey8: NDArray[np.uint8], encode: Callable[..., bytes]
) -> None:
    data = encode(grey8, "TIFF", compression=compression, strip_size=strip_size)
    if compression != "raw":
        assert (len(tiff_layout(data).blocks) > 3) is (strip_size == 1000)
    picture = read_raster(data, FilmKind.TIFF, DEFAULT_LIMITS)
    np.testing.assert_allclose(picture.pixels, grey8 / 255, atol=0.2 if compression == "jpeg" else 1e-7)
    assert picture.notes == ()


@pytest.mark.parametrize("strip_size", [65_536, 4000])
@pytest.mark.parametrize("compression", [*COMPRESSIONS, "tiff_lzw"])
def test_zeros_in_a_block_are_refused_or_said(
    compression: str, strip_size: int, grey8: NDArray[np.uint8], encode: Callable[..., bytes]
) -> None:
    values = np.tile(grey8, (4, 4))
    data = bytearray(encode(values, "TIFF", compression=compression, strip_size=strip_size))
    offset, count = tiff_layout(bytes(data)).blocks[0]
    length = min(count // 3, 300)
    data[offset + count // 2 : offset + count // 2 + length] = bytes(length)
    try:
        notes = read(bytes(data)).notes
    except FilmError:
        return
    assert notes == (HOLE,)


def test_a_packbits_block_that_ends_within_a_run(
    grey8: NDArray[np.uint8], encode: Callable[..., bytes]
) -> None:
    data = bytearray(encode(grey8, "TIFF", compression="packbits"))
    offset, _ = tiff_layout(bytes(data)).blocks[0]
    check_blocks(bytes(data), tiff_layout(bytes(data)), b"")
    data[offset] ^= 1  # one pixel more, or fewer, in the first run
    with pytest.raises(FilmError, match="compressed picture in the TIFF file is damaged"):
        check_blocks(bytes(data), tiff_layout(bytes(data)), b"")


def test_a_block_may_reach_the_file_s_last_byte_and_not_beyond(
    grey8: NDArray[np.uint8], encode: Callable[..., bytes]
) -> None:
    # The one strip moved to the end: the file ends with its last byte.
    data = encode(grey8, "TIFF")
    (offset, count) = tiff_layout(data).blocks[0]
    moved = bytearray(data) + data[offset : offset + count]
    place = data.index(offset.to_bytes(4, "little"), 8)
    moved[place : place + 4] = len(data).to_bytes(4, "little")
    assert tiff_layout(bytes(moved)).blocks == ((len(data), count),)
    np.testing.assert_allclose(
        read_raster(bytes(moved), FilmKind.TIFF, DEFAULT_LIMITS).pixels, grey8 / 255, atol=1e-7
    )
    with pytest.raises(FilmError, match=r"^the file is cut off$"):
        read_raster(bytes(moved[:-1]), FilmKind.TIFF, DEFAULT_LIMITS)

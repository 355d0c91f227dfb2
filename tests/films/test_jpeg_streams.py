from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from cephsure.errors import FilmError
from cephsure.films.codestreams import jpeg_outline
from cephsure.films.jpeg_streams import load_whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "best tables": {"optimize": True},
    "coarse": {"quality": 20},
    "fine": {"quality": 100},
    "restart markers": {"restart_marker_rows": 1},
    "progressive": {"progressive": True},
}


@pytest.fixture(scope="module")
def film(grey8: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A larger picture with a black border, as films have it: its flat blocks take few bits."""
    values = np.tile(grey8, (4, 4))
    values[:, :40] = 0
    values[330:] = 0
    return values


def load(data: bytes) -> NDArray[np.uint8]:
    return np.asarray(load_whole(data, jpeg_outline(data)))


def stream_of(film: NDArray[np.uint8], encode: Callable[..., bytes], variant: str, *, colour: bool) -> bytes:
    picture = Image.fromarray(film)
    return encode(picture.convert("RGB") if colour else picture, "JPEG", **VARIANTS[variant])


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("variant", VARIANTS)
def test_what_is_whole_is_read_as_pillow_reads_it(
    variant: str, colour: bool, film: NDArray[np.uint8], encode: Callable[..., bytes]
) -> None:
    import io

    data = stream_of(film, encode, variant, colour=colour)
    expected = np.asarray(Image.open(io.BytesIO(data)))
    np.testing.assert_array_equal(load(data), expected)
    np.testing.assert_array_equal(load(data + b"trailing bytes" * 20), expected)


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("variant", VARIANTS)
def test_what_was_cut_and_closed_is_refused(
    variant: str, colour: bool, film: NDArray[np.uint8], encode: Callable[..., bytes]
) -> None:
    data = stream_of(film, encode, variant, colour=colour)
    scans = jpeg_outline(data).scans
    for share in (0.02, 0.3, 0.5, 0.8, 0.97):
        begun = scans[0][0]
        end = int(begun + share * (scans[-1][1] - begun))
        with pytest.raises(FilmError):
            load(data[:end].rstrip(b"\xff") + b"\xff\xd9")


@pytest.mark.parametrize("variant", [name for name in VARIANTS if name != "progressive"])
def test_a_hole_in_the_middle_is_refused(
    variant: str, film: NDArray[np.uint8], encode: Callable[..., bytes]
) -> None:
    data = stream_of(film, encode, variant, colour=False)
    begun, end = jpeg_outline(data).scans[0]
    for share in (0.1, 0.35, 0.6):
        middle, gap = int(begun + share * (end - begun)), (end - begun) // 10
        with pytest.raises(FilmError):
            load(data[:middle] + data[middle + gap :])


def test_zeroed_bytes_in_the_middle_are_refused(
    film: NDArray[np.uint8], encode: Callable[..., bytes]
) -> None:
    data = stream_of(film, encode, "plain", colour=False)
    begun, end = jpeg_outline(data).scans[0]
    for share in (0.1, 0.35, 0.6):
        middle = int(begun + share * (end - begun))
        with pytest.raises(FilmError, match=r"cut off|missing"):
            load(data[:middle] + bytes(100) + data[middle + 100 :])


def test_bytes_left_over_are_the_sign_of_a_damaged_middle(
    film: NDArray[np.uint8], encode: Callable[..., bytes]
) -> None:
    data = stream_of(film, encode, "plain", colour=False)
    _, end = jpeg_outline(data).scans[0]
    with pytest.raises((FilmError, OSError), match=r"missing or overwritten|broken data"):
        load(data[:end] + bytes(range(1, 120)) + data[end:])
    load(data[:end] + b"\xff" * 120 + data[end:])  # fill bytes are allowed before a marker

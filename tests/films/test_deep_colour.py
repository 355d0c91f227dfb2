from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np
import pytest

from cephsure.errors import FilmError
from cephsure.films.film import DEFAULT_LIMITS
from cephsure.films.raster import read_raster
from cephsure.films.recognition import FilmKind

if TYPE_CHECKING:
    from numpy.typing import NDArray


def png16(samples: NDArray[np.uint16], colour_type: int) -> bytes:
    """A PNG of (H, W, C) samples of 16 bits, which Pillow does not write."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    height, width = samples.shape[:2]
    rows = b"".join(b"\x00" + row.astype(">u2").tobytes() for row in samples)
    header = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    pieces = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(pieces)


def tiff16(
    samples: NDArray[np.unsignedinteger], order: str, *, photometric: int = 2, planar: int = 1
) -> bytes:
    """An uncompressed TIFF of (H, W, C) samples of 16 or 32 bits, the second of two being alpha."""
    height, width, count = samples.shape
    size = samples.dtype.itemsize
    body = samples.astype(f"{order}u{size}").tobytes()
    bits_at = 8 + len(body)
    bits = (258, 3, count, bits_at if count > 2 else 8 * size)  # of two samples mended below
    entries = [(256, 3, 1, width), (257, 3, 1, height), bits, (259, 3, 1, 1), (262, 3, 1, photometric)]
    entries += [(273, 4, 1, 8), (277, 3, 1, count), (278, 3, 1, height), (279, 4, 1, len(body))]
    entries += [(284, 3, 1, planar)] + ([(338, 3, 1, 2)] if count == 2 else [])
    directory = struct.pack(f"{order}H", len(entries))
    for tag, kind, number, value in entries:
        if kind == 3 and number == 2:
            directory += struct.pack(f"{order}HHIHH", tag, kind, number, value, value)
            continue
        form = "HHIHxx" if kind == 3 and number == 1 else "HHII"
        directory += struct.pack(order + form, tag, kind, number, value)
    mark = b"II*\x00" if order == "<" else b"MM\x00*"
    first = struct.pack(f"{order}I", bits_at + 6)
    return mark + first + body + struct.pack(f"{order}3H", 16, 16, 16) + directory + bytes(4)


@pytest.mark.parametrize("order", ["<", ">"])
def test_kinds_of_tiff_that_pillow_does_not_list(
    order: str, grey12: NDArray[np.uint16], unit12: NDArray[np.float64]
) -> None:
    opaque = np.full_like(grey12, 65_535)
    for data in (
        tiff16((4095 - grey12)[..., None], order, photometric=0),
        tiff16(grey12[..., None].astype(np.uint32) * 900_000, order, photometric=1),
        tiff16(np.stack([grey12, opaque], axis=-1), order, photometric=1),
    ):
        picture = read_raster(data, FilmKind.TIFF, DEFAULT_LIMITS)
        np.testing.assert_allclose(picture.pixels, unit12, atol=1e-6)


@pytest.mark.parametrize("order", ["<", ">"])
def test_planes_of_16_bits_are_refused(order: str, grey12: NDArray[np.uint16]) -> None:
    data = tiff16(np.repeat(grey12[..., None], 3, axis=2), order, planar=2)
    with pytest.raises(FilmError, match="each in a plane of its own, which is not read"):
        read_raster(data, FilmKind.TIFF, DEFAULT_LIMITS)


@pytest.mark.parametrize("kind", ["PNG", "TIFF little endian", "TIFF big endian"])
def test_three_equal_channels_of_16_bits_are_that_channel(
    kind: str, grey12: NDArray[np.uint16], unit12: NDArray[np.float64]
) -> None:
    samples = np.repeat(grey12[..., None], 3, axis=2)
    data = png16(samples, 2) if kind == "PNG" else tiff16(samples, "<" if "little" in kind else ">")
    picture = read_raster(data, FilmKind.PNG if kind == "PNG" else FilmKind.TIFF, DEFAULT_LIMITS)
    np.testing.assert_allclose(picture.pixels, unit12, atol=1e-6)
    assert picture.notes == ()


def test_a_slight_tint_is_dropped_and_real_colour_refused(grey12: NDArray[np.uint16]) -> None:
    samples = np.repeat(grey12[..., None] * 16, 3, axis=2)
    samples[..., 2] += 500
    picture = read_raster(png16(samples, 2), FilmKind.PNG, DEFAULT_LIMITS)
    assert picture.notes == ("slight colour (mean chroma 0.008) was dropped",)
    samples[..., 2] //= 4
    with pytest.raises(FilmError, match="in colour"):
        read_raster(png16(samples, 2), FilmKind.PNG, DEFAULT_LIMITS)


def test_grey_with_transparency_keeps_its_depth(
    grey12: NDArray[np.uint16], unit12: NDArray[np.float64]
) -> None:
    opaque = np.stack([grey12, np.full_like(grey12, 65_535)], axis=2)
    picture = read_raster(png16(opaque, 4), FilmKind.PNG, DEFAULT_LIMITS)
    np.testing.assert_allclose(picture.pixels, unit12, atol=1e-6)
    half = opaque.copy()
    half[:48, :, 1] = 0
    picture = read_raster(png16(half, 4), FilmKind.PNG, DEFAULT_LIMITS)
    assert picture.pixels[:48].max() == 0
    assert picture.notes == ("transparent pixels were laid over black",)
    with pytest.raises(FilmError, match="every pixel is transparent"):
        read_raster(png16(opaque * (1, 0), 4), FilmKind.PNG, DEFAULT_LIMITS)


def test_colour_with_transparency_keeps_its_depth(
    grey12: NDArray[np.uint16], unit12: NDArray[np.float64]
) -> None:
    opaque = np.dstack([grey12, grey12, grey12, np.full_like(grey12, 65_535)])
    picture = read_raster(png16(opaque, 6), FilmKind.PNG, DEFAULT_LIMITS)
    np.testing.assert_allclose(picture.pixels, unit12, atol=1e-6)

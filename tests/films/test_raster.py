from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from cephsure.errors import FilmError
from cephsure.films.film import DEFAULT_LIMITS, ReadLimits
from cephsure.films.raster import read_raster
from cephsure.films.recognition import FilmKind, recognise

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from cephsure.films.film import Picture

    Encode = Callable[..., bytes]


def decode(data: bytes, limits: ReadLimits = DEFAULT_LIMITS) -> Picture:
    return read_raster(data, recognise(data), limits)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PNG", {}),
        ("BMP", {}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("TIFF", {"compression": "tiff_adobe_deflate"}),
        ("TIFF", {"compression": "packbits"}),
    ],
)
def test_eight_bit_grey_is_value_over_255(
    kind: str, options: dict[str, Any], grey8: NDArray[np.uint8], encode: Encode
) -> None:
    pixels = decode(encode(grey8, kind, **options)).pixels
    assert pixels.dtype == np.float32
    np.testing.assert_allclose(pixels, grey8 / 255, atol=1e-7)


def test_jpeg_is_near(grey8: NDArray[np.uint8], encode: Encode) -> None:
    picture = decode(encode(grey8, "JPEG", quality=95))
    np.testing.assert_allclose(picture.pixels, grey8 / 255, atol=0.05)
    assert picture.notes == ()


@pytest.mark.parametrize(
    ("kind", "dtype", "options"),
    [
        ("PNG", "<u2", {}),
        ("TIFF", "<u2", {}),
        ("TIFF", ">u2", {}),
        ("TIFF", ">u2", {"compression": "tiff_lzw"}),
        ("TIFF", "<i4", {}),
        ("TIFF", "<f4", {}),
    ],
)
def test_deep_grey_is_scaled_by_the_range_it_uses(  # noqa: PLR0917 - fixtures
    kind: str,
    dtype: str,
    options: dict[str, Any],
    grey12: NDArray[np.uint16],
    unit12: NDArray[np.float64],
    encode: Encode,
) -> None:
    picture = decode(encode(grey12.astype(dtype), kind, **options))
    np.testing.assert_allclose(picture.pixels, unit12, atol=1e-6)
    assert picture.notes == ()


def test_unsigned_32_bit_tiff_does_not_turn_negative(encode: Encode) -> None:
    values = np.linspace(0, 4_000_000_000, 6400).astype(np.uint32).reshape(80, 80)
    data = bytearray(encode(values.view(np.int32), "TIFF"))
    entry = data.index(struct.pack("<HHI", 339, 3, 1))  # SampleFormat: 2, signed; 1 is unsigned
    data[entry + 8] = 1
    np.testing.assert_allclose(decode(bytes(data)).pixels, values / 4e9, atol=1e-6)


def test_float_tiff_with_nan_is_refused(encode: Encode) -> None:
    values = np.linspace(0, 1, 6400, dtype=np.float32).reshape(80, 80).copy()
    values[3, 4] = np.nan
    with pytest.raises(FilmError, match="not finite"):
        decode(encode(values, "TIFF"))


@pytest.mark.parametrize("deep", [False, True])
def test_white_is_zero_tiff_is_turned_round(
    deep: bool,
    grey8: NDArray[np.uint8],
    grey12: NDArray[np.uint16],
    unit12: NDArray[np.float64],
    encode: Encode,
) -> None:
    data = bytearray(encode(grey12 if deep else grey8, "TIFF"))
    entry = data.index(struct.pack("<HHI", 262, 3, 1))  # PhotometricInterpretation: 1, BlackIsZero
    assert data[entry + 8] == 1
    data[entry + 8] = 0
    picture = decode(bytes(data))
    np.testing.assert_allclose(picture.pixels, 1 - (unit12 if deep else grey8 / 255), atol=1e-6)
    assert any("WhiteIsZero" in note for note in picture.notes) is deep


def test_one_bit(grey8: NDArray[np.uint8], encode: Encode) -> None:
    picture = decode(encode(Image.fromarray(grey8 > 127), "PNG"))
    np.testing.assert_array_equal(picture.pixels, grey8 > 127)
    assert picture.notes == ("1 bit a pixel: black and white only",)


@pytest.mark.parametrize("mode", ["RGB", "P", "RGBA", "LA"])
def test_grey_in_other_clothes_is_the_same_grey(mode: str, grey8: NDArray[np.uint8], encode: Encode) -> None:
    picture = decode(encode(Image.fromarray(grey8).convert(mode), "PNG"))
    np.testing.assert_allclose(picture.pixels, grey8 / 255, atol=1e-7)
    assert picture.notes == ()


def test_cmyk_jpeg(grey8: NDArray[np.uint8], encode: Encode) -> None:
    picture = decode(encode(Image.fromarray(grey8).convert("CMYK"), "JPEG", quality=95))
    np.testing.assert_allclose(picture.pixels, grey8 / 255, atol=0.05)


@pytest.mark.parametrize(("kind", "mode"), [("PNG", "LA"), ("PNG", "RGBA"), ("TIFF", "LA"), ("TIFF", "RGBA")])
def test_transparency_is_laid_over_black(
    kind: str, mode: str, grey8: NDArray[np.uint8], encode: Encode
) -> None:
    alpha = np.full_like(grey8, 255)
    alpha[:10], alpha[10:20] = 0, 51
    image = Image.fromarray(grey8).convert(mode)
    image.putalpha(Image.fromarray(alpha))
    picture = decode(encode(image, kind))
    np.testing.assert_allclose(picture.pixels, grey8 / 255 * (alpha / 255), atol=0.005)
    assert picture.notes == ("transparent pixels were laid over black",)


def test_a_transparent_palette_entry_is_laid_over_black(grey8: NDArray[np.uint8], encode: Encode) -> None:
    image = Image.fromarray(grey8).convert("P")
    picture = decode(encode(image, "PNG", transparency=255))
    expected = np.where(grey8 == 255, 0, grey8) / 255
    np.testing.assert_allclose(picture.pixels, expected, atol=1e-6)


def test_a_wholly_transparent_image_is_refused(grey8: NDArray[np.uint8], encode: Encode) -> None:
    image = Image.fromarray(grey8).convert("LA")
    image.putalpha(0)
    with pytest.raises(FilmError, match="every pixel is transparent"):
        decode(encode(image, "PNG"))


# What a viewer does to the stored rows and columns for each value (Exif 2.32, tag Orientation), by numpy.
ORIENTATIONS = {
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.T,
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].T,
    8: lambda a: np.rot90(a, 1),
}


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("orientation", list(ORIENTATIONS))
def test_exif_orientation_is_applied_and_noted(
    kind: str, orientation: int, grey8: NDArray[np.uint8], encode: Encode
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = decode(encode(grey8, kind, exif=exif))
    np.testing.assert_allclose(picture.pixels, ORIENTATIONS[orientation](grey8) / 255, atol=1e-7)
    assert picture.notes == (f"turned as its EXIF orientation ({orientation}) asks",)


def test_exif_orientation_of_deep_grey_and_of_jpeg(
    grey8: NDArray[np.uint8], unit12: NDArray[np.float64], grey12: NDArray[np.uint16], encode: Encode
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    deep = decode(encode(grey12, "PNG", exif=exif))
    np.testing.assert_allclose(deep.pixels, np.rot90(unit12, -1), atol=1e-6)
    jpeg = decode(encode(grey8, "JPEG", quality=95, exif=exif))
    np.testing.assert_allclose(jpeg.pixels, np.rot90(grey8, -1) / 255, atol=0.05)
    assert jpeg.notes == ("turned as its EXIF orientation (6) asks",)
    exif[0x0112] = 1
    assert decode(encode(grey8, "PNG", exif=exif)).notes == ()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP"])
def test_resolution_tags_are_no_calibration(kind: str, grey8: NDArray[np.uint8], encode: Encode) -> None:
    picture = decode(encode(grey8, kind, dpi=(254, 254)))
    assert len(picture.notes) == 1
    assert "254 dpi) is no calibration: ignored" in picture.notes[0]
    assert picture.stated.pixel_mm is None


def test_a_tiff_resolution_without_unit_is_a_ratio_and_not_worth_a_note(
    grey8: NDArray[np.uint8], encode: Encode
) -> None:
    tags = ImageFileDirectory_v2()
    tags[282], tags[283], tags[296] = 1.0, 1.0, 1
    assert decode(encode(grey8, "TIFF", tiffinfo=tags)).notes == ()


def test_colour_is_refused(grey8: NDArray[np.uint8], encode: Encode) -> None:
    photograph = np.stack([grey8, grey8[::-1], 255 - grey8], axis=2)
    for kind in ("PNG", "JPEG", "TIFF", "BMP"):
        with pytest.raises(FilmError, match="in colour"):
            decode(encode(photograph, kind))


def test_the_tint_of_a_jpeg_is_accepted(grey8: NDArray[np.uint8], encode: Encode) -> None:
    tinted = np.stack([grey8, grey8, np.clip(grey8.astype(int) + 5, 0, 255).astype(np.uint8)], axis=2)
    picture = decode(encode(tinted, "JPEG", quality=95))
    np.testing.assert_allclose(picture.pixels, grey8 / 255, atol=0.06)
    assert "slight colour" in picture.notes[0]


@pytest.mark.parametrize("kind", ["TIFF", "PNG"])
def test_several_pages_or_frames_are_refused(kind: str, grey8: NDArray[np.uint8], encode: Encode) -> None:
    other = Image.fromarray(grey8[::-1].copy())
    with pytest.raises(FilmError, match="holds 2 images or pages"):
        decode(encode(grey8, kind, save_all=True, append_images=[other]))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF"])
def test_limits_are_checked(kind: str, grey8: NDArray[np.uint8], encode: Encode) -> None:
    data = encode(grey8, kind)
    with pytest.raises(FilmError, match="80 x 96 pixels, more than the limit"):
        decode(data, ReadLimits(max_pixels=80 * 96 - 1))
    with pytest.raises(FilmError, match="too small"):
        decode(data, ReadLimits(min_side_px=81))


def test_limits_may_be_larger_than_pillow_s_own(encode: Encode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    values = np.arange(6400).reshape(80, 80).astype(np.uint8)
    assert decode(encode(values, "PNG")).pixels.shape == (80, 80)


def test_a_run_length_coded_bmp_that_is_cut_off(grey8: NDArray[np.uint8]) -> None:
    # One run a row: Pillow would fill the missing rows with zeros.
    runs = b"".join(bytes([80, 10 + row]) + b"\x00\x00" for row in range(96)) + b"\x00\x01"
    palette = b"".join(bytes([grey, grey, grey, 0]) for grey in range(256))
    offset = 14 + 40 + len(palette)
    info = struct.pack("<IiiHHIIiiII", 40, 80, 96, 1, 8, 1, len(runs), 0, 0, 256, 0)
    data = b"BM" + struct.pack("<IHHI", offset + len(runs), 0, 0, offset) + info + palette + runs
    picture = read_raster(data, FilmKind.BMP, DEFAULT_LIMITS)
    expected = np.repeat((10 + np.arange(96))[::-1, None], 80, axis=1)
    np.testing.assert_allclose(picture.pixels, expected / 255, atol=1e-7)
    with pytest.raises(FilmError, match="cut off"):
        decode(data[:-40])

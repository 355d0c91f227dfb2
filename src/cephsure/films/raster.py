"""Films from PNG, JPEG, BMP and TIFF files, through Pillow."""

from __future__ import annotations

import io
import struct
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import BmpImagePlugin, Image, ImageOps, JpegImagePlugin, PngImagePlugin, TiffImagePlugin

from cephsure.errors import FilmError
from cephsure.films.film import Picture
from cephsure.films.grey_values import grey_of_colour, scale_bits, scale_range
from cephsure.films.recognition import FilmKind, jpeg_outline, png_fault
from cephsure.films.third_party import captured_stderr

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.ImageFile import ImageFile

    from cephsure.films.film import ReadLimits

# The classes instead of Image.open: no other plugin is loaded, and the limits are ours.
_OPENERS: dict[FilmKind, Any] = {
    FilmKind.PNG: PngImagePlugin.PngImageFile,
    FilmKind.JPEG: JpegImagePlugin.JpegImageFile,
    FilmKind.BMP: BmpImagePlugin.BmpImageFile,
    FilmKind.TIFF: TiffImagePlugin.TiffImageFile,
}
_CUT_OFF = "the file is cut off"
_EXIF_ORIENTATION = 0x0112
_TIFF_BITS, _TIFF_PHOTOMETRIC, _TIFF_SAMPLE_FORMAT = 258, 262, 339
_TIFF_BLOCKS = ((273, 279), (324, 325))  # offsets and byte counts, of strips and of tiles
_X_RESOLUTION, _RESOLUTION_UNIT = 282, 296


def read_raster(data: bytes, kind: FilmKind, limits: ReadLimits) -> Picture:
    """Read a raster image.

    Up to 8 bits a grey value v becomes v / 255 (Pillow widens 1, 2 and 4 bits to 8); deeper values are scaled
    by the range the film uses (`cephsure.films.grey_values`). The EXIF orientation is applied, transparency
    laid over black, and resolution tags are no calibration: all three are noted. The picture states no scale.

    Raises:
        FilmError: if the file is cut off or damaged, too large or too small, coloured, blank or has several
            pages.
        Exception: whatever Pillow raises for content it cannot decode.
    """
    _check_whole(data, kind)
    image: ImageFile = _OPENERS[kind](io.BytesIO(data))
    limits.check_size(*image.size)
    for offsets_tag, counts_tag in _TIFF_BLOCKS if kind is FilmKind.TIFF else ():
        blocks = zip(_tag(image, offsets_tag) or (), _tag(image, counts_tag) or (), strict=False)
        if any(offset + count > len(data) for offset, count in blocks):
            raise FilmError(_CUT_OFF)
    if (pages := getattr(image, "n_frames", 1)) > 1:
        raise FilmError(f"the file holds {pages} images or pages", remedy="save the film alone in a file")
    notes = [*_resolution_notes(image, kind), *_depth_notes(image, data, kind)]
    is_white_zero = kind is FilmKind.TIFF and _tag(image, _TIFF_PHOTOMETRIC) == 0
    is_unsigned = kind is FilmKind.TIFF and _tag(image, _TIFF_SAMPLE_FORMAT) in (None, 1, (1,))
    orientation = image.getexif().get(_EXIF_ORIENTATION, 1)
    is_of_libtiff = kind is FilmKind.TIFF and image.info.get("compression") != "raw"
    with captured_stderr() if is_of_libtiff else nullcontext():
        image.load()
    if orientation in range(2, 9):
        notes.append(f"turned as its EXIF orientation ({orientation}) asks")
        ImageOps.exif_transpose(image, in_place=True)
    pixels, more_notes = _grey(image, is_white_zero=is_white_zero, is_unsigned=is_unsigned)
    return Picture(pixels, notes=(*notes, *more_notes))


def _check_whole(data: bytes, kind: FilmKind) -> None:
    """Refuse files that Pillow would fill up with grey or zeros without a word."""
    if kind is FilmKind.PNG and (fault := png_fault(data)) is not None:
        raise FilmError(fault)
    if kind is FilmKind.JPEG and not jpeg_outline(data).complete:
        raise FilmError(_CUT_OFF)
    if kind is FilmKind.BMP:
        header_bytes = struct.unpack("<I", data[14:18])[0]
        is_compressed = header_bytes >= 40 and struct.unpack("<I", data[30:34])[0] in (1, 2)
        # The size field is often wrong in plain files, but of those Pillow knows how long they must be.
        if is_compressed and struct.unpack("<I", data[2:6])[0] > len(data):
            raise FilmError(_CUT_OFF)


def _tag(image: ImageFile, number: int) -> Any:
    tags: Any = getattr(image, "tag_v2", {})
    return tags.get(number)


def _resolution_notes(image: ImageFile, kind: FilmKind) -> list[str]:
    resolution = image.info.get("dpi")
    if not resolution or not all(value > 0 for value in resolution):
        return []
    # Where there is no tag, Pillow gives 1 dpi for a TIFF and 72 dpi for a JPEG with EXIF data. Unit 1 of a
    # TIFF and unit 0 of a JFIF density state a ratio only.
    if kind is FilmKind.TIFF and (_tag(image, _X_RESOLUTION) is None or _tag(image, _RESOLUTION_UNIT) == 1):
        return []
    if kind is FilmKind.JPEG and not image.info.get("jfif_unit") and _X_RESOLUTION not in image.getexif():
        return []
    return [f"its resolution tag ({float(resolution[0]):.4g} dpi) is no calibration: ignored"]


def _depth_notes(image: ImageFile, data: bytes, kind: FilmKind) -> list[str]:
    """Note that Pillow reads 16-bit colour (and grey with alpha) at 8 bits."""
    is_deep = (kind is FilmKind.PNG and data[24] == 16) or (
        kind is FilmKind.TIFF and max(_tag(image, _TIFF_BITS) or (8,)) > 8
    )
    if is_deep and image.mode in ("LA", "RGB", "RGBA"):
        return ["16-bit channels were read at 8 bits"]
    if image.mode == "1":
        return ["1 bit a pixel: black and white only"]
    return []


def _grey(
    image: Image.Image, *, is_white_zero: bool, is_unsigned: bool
) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    if image.mode.startswith(("I", "F")):
        deep = np.asarray(image)
        deep = deep.astype(deep.dtype.newbyteorder("="), copy=False)
        if is_unsigned and deep.dtype == np.int32:
            # Pillow keeps 32-bit TIFF samples in int32 whatever their sign.
            deep = deep.view(np.uint32)
        pixels, notes = scale_range(deep)
        if not is_white_zero:
            return pixels, notes
        # For these depths Pillow leaves the photometric interpretation to the caller.
        return 1 - pixels, (*notes, "stored as a negative (WhiteIsZero): turned so that larger is brighter")
    opaque, notes = _over_black(image)
    if opaque.mode in ("L", "1"):
        return scale_bits(np.asarray(opaque.convert("L")), bits=8), notes
    values, colour_notes = grey_of_colour(opaque.convert("RGB"))
    return scale_bits(values, bits=8), (*notes, *colour_notes)


def _over_black(image: Image.Image) -> tuple[Image.Image, tuple[str, ...]]:
    """Lay a transparent image over black; an opaque one comes back as it is, without its alpha channel."""
    if image.mode not in ("LA", "La", "PA", "RGBA", "RGBa") and "transparency" not in image.info:
        return image, ()
    # La and RGBa are premultiplied; they convert only to their plain twins.
    plain = image.convert({"La": "LA", "RGBa": "RGBA"}.get(image.mode, image.mode)).convert("RGBA")
    low, high = plain.getchannel("A").getextrema()
    if high == 0:
        raise FilmError("every pixel is transparent")
    if low == 255:
        return plain.convert("RGB"), ()
    black = Image.new("RGBA", plain.size, (0, 0, 0, 255))
    return Image.alpha_composite(black, plain).convert("RGB"), ("transparent pixels were laid over black",)

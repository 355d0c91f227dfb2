"""Films from PNG, JPEG, BMP and TIFF files, through Pillow.

What Pillow decodes quickly and safely is decoded here; compressed TIFFs, JPEGs of several scans and the like
go to a process of their own (`cephsure.films.child`).
"""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import BmpImagePlugin, Image, JpegImagePlugin, PngImagePlugin, TiffImagePlugin

from cephsure.errors import FilmError
from cephsure.films.child import decode
from cephsure.films.codestreams import Outline, jpeg_outline
from cephsure.films.deep_colour import grey_of_deep_colour, is_deep_colour
from cephsure.films.film import Picture
from cephsure.films.grey_values import grey_of_colour, scale_bits, scale_range
from cephsure.films.jpeg_streams import load_whole
from cephsure.films.raster_layout import TiffLayout, bmp_is_compressed, png_layout, tiff_layout
from cephsure.films.recognition import FilmKind
from cephsure.films.third_party import captured_stderr, captured_warnings
from cephsure.films.tiff_blocks import check_blocks

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
# TIFFs that Pillow can decode but does not list: byte order, photometric interpretation, sample formats, fill
# order, bits, extra samples -> its mode, and how the file stores that.
_MORE_TIFFS = {
    (b"MM", 0, (1,), 1, (16,), ()): ("I;16B", "I;16B"),
    (b"MM", 1, (1,), 1, (32,), ()): ("I", "I;32BS"),
    (b"II", 1, (1,), 1, (16, 16), (0,)): ("LA", "LA;16L"),
    (b"MM", 1, (1,), 1, (16, 16), (0,)): ("LA", "LA;16B"),
    (b"II", 1, (1,), 1, (16, 16), (2,)): ("LA", "LA;16L"),
    (b"MM", 1, (1,), 1, (16, 16), (2,)): ("LA", "LA;16B"),
}
for _kind, _modes in _MORE_TIFFS.items():
    TiffImagePlugin.OPEN_INFO.setdefault(_kind, _modes)
_EXIF_ORIENTATION = 0x0112
_TIFF_COMPRESSION, _TIFF_PHOTOMETRIC, _TIFF_SAMPLE_FORMAT, _JPEG_TABLES = 259, 262, 339, 347
_X_RESOLUTION, _RESOLUTION_UNIT = 282, 296
_PLAIN_METADATA_BYTES = 2**20  # beside the picture; files with more are read in a process of their own
_PLAIN_DEEP_PIXELS = 12_000_000  # of colour of 16 bits, which is decoded twice
_PLAIN_BLOCKS = 20_000  # of an uncompressed TIFF; Pillow takes them one by one
# What Pillow says in a warning when it leaves out metadata that it could not read to the end.
_DAMAGE = ("orrupt", "larger than file", "Truncated")


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
    outline = _checked_jpeg(data, limits) if kind is FilmKind.JPEG else None
    if _is_plain(data, kind, limits, outline):
        return _picture(data, kind, limits, outline)
    pixels, said = decode("raster", data, limits, kind=kind.value)
    return Picture(pixels, notes=tuple(said["notes"]))


def decode_task(data: bytes, limits: ReadLimits, *, kind: str) -> tuple[NDArray[Any], dict[str, Any]]:
    """The task of the process that decodes: as `read_raster`."""
    outline = _checked_jpeg(data, limits) if kind == FilmKind.JPEG else None
    with captured_stderr():
        picture = _picture(data, FilmKind(kind), limits, outline)
    return picture.pixels, {"notes": picture.notes}


def _is_plain(data: bytes, kind: FilmKind, limits: ReadLimits, outline: Outline | None) -> bool:
    """Check the file's layout; whether it is decoded in bearable time and memory by what the layout says."""
    if kind is FilmKind.PNG:
        png = png_layout(data)
        if png.exif:
            tiff_layout(png.exif)
        width, height, bits, colours = struct.unpack(">IIBB", data[16:26])
        is_light = bits < 16 or colours == 0 or width * height <= _PLAIN_DEEP_PIXELS
        return is_light and png.metadata_bytes <= _PLAIN_METADATA_BYTES
    if kind is FilmKind.BMP:
        return not bmp_is_compressed(data)
    if kind is FilmKind.TIFF:
        tiff = _checked_tiff(data, limits)
        pixels = tiff.first(256, 0) * tiff.first(257, 0)
        is_light = tiff.first(277, 1) == 1 or pixels <= _PLAIN_DEEP_PIXELS
        return is_light and tiff.first(_TIFF_COMPRESSION, 1) == 1 and len(tiff.blocks) <= _PLAIN_BLOCKS
    assert outline is not None
    return outline.is_sequential and outline.scans[0][0] <= _PLAIN_METADATA_BYTES


def _checked_tiff(data: bytes, limits: ReadLimits) -> TiffLayout:
    layout = tiff_layout(data)
    limits.check_size(layout.first(256, 0), layout.first(257, 0))
    if any(offset + count > len(data) for offset, count in layout.blocks):
        raise FilmError("the file is cut off")
    if layout.first(277, 1) > 1 and layout.first(284, 1) == 2 and layout.first(258, 8) > 8:
        raise FilmError(
            "its colours have 16 bits, each in a plane of its own, which is not read",
            remedy="save it as grey first",
        )
    if (pages := layout.pages) > 1:
        shown = f"{pages}" if pages <= 16 else "more than 16"
        raise FilmError(f"the file holds {shown} images or pages", remedy="save the film alone in a file")
    return layout


def _checked_jpeg(data: bytes, limits: ReadLimits) -> Outline:
    outline = jpeg_outline(data)
    if not outline.complete:
        raise FilmError("the file is cut off")
    if outline.fault is not None:
        raise FilmError(outline.fault)
    limits.check_size(outline.width_px or 0, outline.height_px or 0)
    if (begun := data.find(b"Exif\x00\x00", 0, outline.scans[0][0])) >= 0:
        tiff_layout(data[begun + 6 : begun + 65_536])
    return outline


def _picture(data: bytes, kind: FilmKind, limits: ReadLimits, outline: Outline | None) -> Picture:
    with captured_warnings() as warnings:
        picture = _decoded(data, kind, limits, outline)
    # Where metadata is cut off, the film's orientation, in a TIFF its very layout, would be lost.
    messages = [str(warning.message) for warning in warnings]
    if any(part in message for message in messages for part in _DAMAGE):
        raise FilmError(f"the metadata of the {kind.value} file is damaged or cut off")
    return picture


def _decoded(data: bytes, kind: FilmKind, limits: ReadLimits, outline: Outline | None) -> Picture:
    doubts: tuple[str | None, ...] = ()
    if outline is not None:
        image, doubts = load_whole(data, outline), (outline.doubt,)
    else:
        image = _OPENERS[kind](io.BytesIO(data))
    limits.check_size(*image.size)
    if kind is FilmKind.PNG and (pages := getattr(image, "n_frames", 1)) > 1:
        raise FilmError(f"the file holds {pages} images or pages", remedy="save the film alone in a file")
    notes = [doubt for doubt in doubts if doubt is not None]
    notes += _resolution_notes(image, kind)
    if image.mode == "1":
        notes.append("1 bit a pixel: black and white only")
    if kind is FilmKind.TIFF and _tag(image, _TIFF_COMPRESSION) not in (None, 1):
        notes += check_blocks(data, tiff_layout(data), _tag(image, _JPEG_TABLES) or b"")
    is_white_zero = kind is FilmKind.TIFF and _tag(image, _TIFF_PHOTOMETRIC) == 0
    is_unsigned = kind is FilmKind.TIFF and _tag(image, _TIFF_SAMPLE_FORMAT) in (None, 1, (1,))
    is_deep = kind in (FilmKind.PNG, FilmKind.TIFF) and is_deep_colour(image)
    orientation = _orientation(image) if kind is FilmKind.TIFF else 1
    if is_deep:
        pixels, more_notes = grey_of_deep_colour(image, lambda: _OPENERS[kind](io.BytesIO(data)))
    else:
        image.load()
        pixels, more_notes = _grey(image, is_white_zero=is_white_zero, is_unsigned=is_unsigned)
    # Pillow turns a TIFF by itself, and takes the tag away then.
    still = _orientation(image)
    if max(orientation, still) > 1:
        notes.append(f"turned as its EXIF orientation ({max(orientation, still)}) asks")
        pixels = _turned(pixels, still)
    return Picture(pixels, notes=(*notes, *more_notes))


def _orientation(image: ImageFile) -> int:
    found = image.getexif().get(_EXIF_ORIENTATION, 1)
    return found if found in range(1, 9) else 1


def _turned(pixels: NDArray[np.float32], orientation: int) -> NDArray[np.float32]:
    """Turn and mirror (H, W) as the Exif orientation asks."""
    turned = {
        1: lambda p: p,
        2: lambda p: p[:, ::-1],
        3: lambda p: p[::-1, ::-1],
        4: lambda p: p[::-1],
        5: lambda p: p.T,
        6: lambda p: p.T[:, ::-1],
        7: lambda p: p.T[::-1, ::-1],
        8: lambda p: p.T[::-1],
    }[orientation](pixels)
    return np.ascontiguousarray(turned)


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
        np.subtract(1, pixels, out=pixels)
        return pixels, (*notes, "stored as a negative (WhiteIsZero): turned so that larger is brighter")
    opaque, notes = _over_black(image)
    if opaque.mode in ("L", "1"):
        grey = opaque if opaque.mode == "L" else opaque.convert("L")
        return scale_bits(np.asarray(grey), bits=8), notes
    values, colour_notes = grey_of_colour(opaque if opaque.mode == "RGB" else opaque.convert("RGB"))
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

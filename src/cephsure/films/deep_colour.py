"""Colour and transparency of 16 bits a sample, of which Pillow gives the upper eight only.

The same bytes are decoded twice: as they are for the upper halves of the samples, and as if their byte order
were the other one for the lower halves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure.errors import FilmError
from cephsure.films.grey_values import grey_of_samples, scale_range

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from PIL.ImageFile import ImageFile

_OTHER_ORDER = {"B": "L", "L": "B", "N": "B" if np.little_endian else "L"}
_TRANSPARENT_NOTE = "transparent pixels were laid over black"


def is_deep_colour(image: ImageFile) -> bool:
    """Whether an image that is not loaded yet has colour, or grey with transparency, of 16 bits a sample."""
    return image.mode in ("LA", "RGB", "RGBA", "RGBX", "CMYK") and any(
        ";16" in _raw_mode(tile) for tile in image.tile
    )


def _raw_mode(tile: Any) -> str:
    arguments = tile[3]
    return str(arguments if isinstance(arguments, str) else arguments[0])


def grey_of_deep_colour(
    image: ImageFile, again: Callable[[], ImageFile]
) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Grey (H, W) in [0, 1] of such an image, and notes; ``again`` opens it anew.

    Raises:
        FilmError: if it has real colour, is blank, or is stored in a way of which only 8 bits can be read.
    """
    is_grey = any(_raw_mode(tile).startswith("LA") for tile in image.tile)
    samples = _grey_and_alpha(image) if is_grey else _colour(image, again())
    has_alpha = is_grey or samples.shape[2] == 4
    notes: tuple[str, ...] = ()
    colour, alpha = (samples[..., :-1], samples[..., -1]) if has_alpha else (samples, None)
    grey, notes = (colour[..., 0], ()) if is_grey else grey_of_samples(colour)
    if alpha is not None and alpha.min() < 65_535:
        if alpha.max() == 0:
            raise FilmError("every pixel is transparent")
        grey = (grey.astype(np.uint32) * alpha // 65_535).astype(np.uint16)
        notes = (*notes, _TRANSPARENT_NOTE)
    pixels, range_notes = scale_range(grey)
    return pixels, (*notes, *range_notes)


def _grey_and_alpha(image: ImageFile) -> NDArray[np.uint16]:
    """(H, W, 2): a pixel's four bytes are read as those of a colour image."""
    order = "<" if any(_raw_mode(tile).endswith("L") for tile in image.tile) else ">"
    image.tile = [_with_mode(tile, "RGBA") for tile in image.tile]
    image._mode = "RGBA"  # noqa: SLF001 - else Pillow would drop the lower halves
    image.load()
    return np.ascontiguousarray(np.asarray(image)).view(f"{order}u2").astype(np.uint16)


def _colour(image: ImageFile, twin: ImageFile) -> NDArray[np.uint16]:
    """(H, W, 3 or 4)."""
    if image.mode not in ("RGB", "RGBA"):
        raise FilmError("its colours have 16 bits in a way that is not read", remedy="save it as grey first")
    modes = [_raw_mode(tile) for tile in twin.tile]
    swapped = [mode[:-1] + _OTHER_ORDER.get(mode[-1], "?") for mode in modes]
    twin.tile = [_with_mode(tile, mode) for tile, mode in zip(twin.tile, swapped, strict=True)]
    image.load()
    try:
        twin.load()
    except (ValueError, KeyError) as error:
        raise FilmError(
            "its colours have 16 bits in a way that is not read", remedy="save it as grey first"
        ) from error
    upper, lower = (np.asarray(half.convert(image.mode)) for half in (image, twin))
    return np.asarray(upper.astype(np.uint16) << 8 | lower, dtype=np.uint16)


def _with_mode(tile: Any, mode: str) -> Any:
    """The tile, a tuple or in newer Pillows a named one, read in another raw mode."""
    arguments = tile[3]
    changed = (*tile[:3], mode if isinstance(arguments, str) else (mode, *arguments[1:]))
    return changed if type(tile) is tuple else type(tile)(*changed)

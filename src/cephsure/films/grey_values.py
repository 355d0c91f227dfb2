"""From stored values to grey in [0, 1]: the rules of scaling, and what counts as colour.

Up to 8 bits a film keeps its scale: value / (2^bits - 1). Deeper films use some part of their range, each
scanner another one, so there the smallest useful value becomes 0 and the largest 1, in a straight line. What
is useful says `cephsure.films.grey_range`; what lies outside is clipped. The rules depend on the film alone
and never turn the order of two values round.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import ImageChops

from cephsure.errors import FilmError
from cephsure.films.grey_range import useful_range

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from PIL import Image

MAX_MEAN_CHROMA = 0.05  # `mean_chroma` above which an image is a colour picture
_CHUNK_PIXELS = 2**16
_BLANK = "the image is blank: one value everywhere"


def scale_bits(values: NDArray[np.integer[Any]], *, bits: int) -> NDArray[np.float32]:
    """Scale (H, W) values from 0 to 2^bits - 1, of 1 to 8 bits, to float32: value / (2^bits - 1).

    Raises:
        FilmError: if the image is blank.

    Examples:
        >>> scale_bits(np.array([[0, 51, 255]], dtype=np.uint8), bits=8).tolist()
        [[0.0, 0.20000000298023224, 1.0]]
    """
    if values.min() == values.max():
        raise FilmError(_BLANK)
    scaled = np.empty(values.shape, dtype=np.float32)
    for rows in _some_rows(values):
        np.divide(values[rows], np.float32(2**bits - 1), out=scaled[rows], dtype=np.float32)
    return scaled


def scale_range(
    values: NDArray[Any],
    *,
    ignored: NDArray[np.bool_] | None = None,
    within: tuple[float, float] | None = None,
) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Scale values of more than 8 bits, or floating point ones, by the range they use.

    Gives (H, W) float32 in [0, 1] for (H, W) numbers, and notes for the user. Where ``ignored``, (H, W), is
    True a pixel is padding and has no say in the range; it is clipped into it. ``within`` is the range that
    the file says is useful: what lies outside counts as its ends.

    Raises:
        FilmError: if the image is blank or holds values that are not finite.

    Examples:
        >>> scale_range(np.array([[1000, 1500, 3000]], dtype=np.uint16))[0].tolist()
        [[0.0, 0.25, 1.0]]
    """
    if values.dtype.kind == "f" and not np.isfinite((values.min(), values.max())).all():
        raise FilmError("the image holds values that are not finite numbers")
    used = values.ravel() if ignored is None else values[~ignored]
    if used.size == 0:
        raise FilmError(_BLANK)
    if within is not None:
        ends = np.array(within).clip(float(used.min()), float(used.max()))
        used = used.clip(*ends.astype(used.dtype))
    low, high, notes = useful_range(used)
    if not high > low:
        raise FilmError(_BLANK)
    return _line(values, low, high), notes


def _line(values: NDArray[Any], low: float, high: float) -> NDArray[np.float32]:
    """(value - low) / (high - low), cut to [0, 1]; some rows at a time, to save memory."""
    scaled = np.empty(values.shape, dtype=np.float32)
    # float32 is exact for 16 bits; wider values take float64 so that neighbours keep their order.
    exact = np.float32 if values.dtype.itemsize <= 2 else np.float64
    for rows in _some_rows(values):
        part: NDArray[Any] = values[rows].astype(exact)
        part -= low
        part /= high - low
        np.clip(part, 0.0, 1.0, out=part)
        scaled[rows] = part
    return scaled


def _some_rows(values: NDArray[Any]) -> Iterator[slice]:
    """All rows of (H, W), some at a time: what is made of them meanwhile stays in the processor's cache."""
    step = max(1, _CHUNK_PIXELS // max(1, values.shape[1]))
    for first in range(0, len(values), step):
        yield slice(first, first + step)


def mean_chroma(image: Image.Image) -> float:
    """Mean colourfulness of an RGB image: the mean of (largest - smallest of R, G, B) / 255, from 0 to 1."""
    red, green, blue = image.split()
    largest = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    smallest = ImageChops.darker(ImageChops.darker(red, green), blue)
    counts = np.asarray(ImageChops.subtract(largest, smallest).histogram(), dtype=np.float64)
    return float(counts @ np.arange(256) / counts.sum() / 255.0)


def grey_of_samples(colour: NDArray[Any], *, bits: int = 16) -> tuple[NDArray[np.uint16], tuple[str, ...]]:
    """`grey_of_colour` for (H, W, 3) samples of 9 to 16 bits; some rows at a time, to save memory."""
    grey = np.empty(colour.shape[:2], dtype=np.uint16)
    total = 0.0
    for rows in _some_rows(colour):
        red, green, blue = (colour[rows, :, k].astype(np.uint32) for k in range(3))
        chroma = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
        total += float(chroma.sum(dtype=np.uint64))
        # ITU-R BT.601 luma as Pillow has it, in sixteen binary places that sum to one.
        luma = red * np.uint32(19_595) + green * np.uint32(38_470) + blue * np.uint32(7_471)
        grey[rows] = (luma + np.uint32(0x8000)) >> np.uint32(16)
    return grey, _colour_notes(total / grey.size / (2.0**bits - 1))


def grey_of_colour(image: Image.Image) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Turn an RGB image without real colour into grey (ITU-R BT.601 luma).

    Three equal channels give exactly that channel. A slight tint, as a JPEG or a coloured label leaves it, is
    allowed and noted.

    Raises:
        FilmError: if the mean chroma is above `MAX_MEAN_CHROMA`.
    """
    notes = _colour_notes(mean_chroma(image))
    return np.asarray(image.convert("L")), notes


def _colour_notes(chroma: float) -> tuple[str, ...]:
    if chroma > MAX_MEAN_CHROMA:
        raise FilmError(
            f"the image is in colour (mean chroma {chroma:.2f}, at most {MAX_MEAN_CHROMA:.2f}), no film",
            remedy="if it is a tinted scan of a film, save it as grey first",
        )
    return (f"slight colour (mean chroma {chroma:.3f}) was dropped",) if chroma > 0 else ()

"""From stored values to grey in [0, 1]: the rules of scaling, and what counts as colour.

Up to 8 bits a film keeps its scale: value / (2^bits - 1). Deeper films use some part of their range, each
scanner another one, so there the smallest stored value becomes 0 and the largest 1, in a straight line. If a
few stray pixels (a burnt-in label, dead pixels) stretch that range to more than twice what all but 0.1 % of
the pixels at either end need, the line spans the inner range and what lies outside is clipped. Both rules
depend on the film alone and never turn the order of two values round.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import ImageChops

from cephsure.errors import FilmError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image

STRAY_FRACTION = 0.001  # of the pixels, at either end, may be stray
STRAY_STRETCH = 2.0  # the full range, in inner ranges, above which stray pixels are clipped
MAX_MEAN_CHROMA = 0.05  # `mean_chroma` above which an image is a colour picture
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
    scaled = values.astype(np.float32)
    scaled /= np.float32(2**bits - 1)
    return scaled


def scale_range(
    values: NDArray[Any], *, ignored: NDArray[np.bool_] | None = None
) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Scale values of more than 8 bits, or floating point ones, by the range they use.

    Gives (H, W) float32 in [0, 1] for (H, W) numbers, and notes for the user. Where ``ignored``, (H, W), is
    True a pixel is padding and has no say in the range; it is clipped into it.

    Raises:
        FilmError: if the image is blank or holds values that are not finite.

    Examples:
        >>> scale_range(np.array([[1000, 1500, 3000]], dtype=np.uint16))[0].tolist()
        [[0.0, 0.25, 1.0]]
    """
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise FilmError("the image holds values that are not finite numbers")
    used = values.ravel() if ignored is None else values[~ignored]
    if used.size == 0 or used.min() == used.max():
        raise FilmError(_BLANK)
    low, high = float(used.min()), float(used.max())
    inner_low, inner_high = _inner_range(used)
    notes: tuple[str, ...] = ()
    if inner_high > inner_low and high - low > STRAY_STRETCH * (inner_high - inner_low):
        span = f"grey values span {low:g} to {high:g} because of a few stray pixels"
        notes = (f"{span}: clipped to {inner_low:g} to {inner_high:g}",)
        low, high = inner_low, inner_high
    # float32 is exact for 16 bits; wider values take float64 so that neighbours keep their order.
    scaled: NDArray[Any] = values.astype(np.float32 if values.dtype.itemsize <= 2 else np.float64)
    scaled -= low
    scaled /= high - low
    return np.clip(scaled, 0.0, 1.0, out=scaled).astype(np.float32, copy=False), notes


def _inner_range(used: NDArray[Any]) -> tuple[float, float]:
    """The values that `STRAY_FRACTION` of the pixels lie below and above, as order statistics."""
    rank = int(STRAY_FRACTION * (used.size - 1))
    ranks = (rank, used.size - 1 - rank)
    if used.dtype.kind == "u" and used.dtype.itemsize <= 2:
        # Counting is three times faster than partitioning; most deep films come this way.
        cumulated = np.cumsum(np.bincount(used))
        low, high = np.searchsorted(cumulated, ranks, side="right")
    else:
        ordered = np.partition(used, ranks)
        low, high = ordered[ranks[0]], ordered[ranks[1]]
    return float(low), float(high)


def mean_chroma(image: Image.Image) -> float:
    """Mean colourfulness of an RGB image: the mean of (largest - smallest of R, G, B) / 255, from 0 to 1."""
    red, green, blue = image.split()
    largest = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    smallest = ImageChops.darker(ImageChops.darker(red, green), blue)
    counts = np.asarray(ImageChops.subtract(largest, smallest).histogram(), dtype=np.float64)
    return float(counts @ np.arange(256) / counts.sum() / 255.0)


def grey_of_colour(image: Image.Image) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Turn an RGB image without real colour into grey (ITU-R BT.601 luma).

    Three equal channels give exactly that channel. A slight tint, as a JPEG or a coloured label leaves it, is
    allowed and noted.

    Raises:
        FilmError: if the mean chroma is above `MAX_MEAN_CHROMA`.
    """
    chroma = mean_chroma(image)
    if chroma > MAX_MEAN_CHROMA:
        raise FilmError(
            f"the image is in colour (mean chroma {chroma:.2f}, at most {MAX_MEAN_CHROMA:.2f}), no film",
            remedy="if it is a tinted scan of a film, save it as grey first",
        )
    notes = (f"slight colour (mean chroma {chroma:.3f}) was dropped",) if chroma > 0 else ()
    return np.asarray(image.convert("L")), notes

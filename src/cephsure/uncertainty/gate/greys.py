"""What the grey values of a film's head tell: how sharp, how grainy, how much of it is over-exposed."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from cephsure.geometry import resize

if TYPE_CHECKING:
    from numpy.typing import NDArray

PITCH_MM = 0.5
"""Films are looked at in pixels of this size, on an average head: coarse enough for the same film to look the
same at half and at twice its pixels, and about as fine as what networks see."""

_SMALLEST_PX = 12
_MARGIN = 0.1
_SATURATED = 0.02


@dataclass(frozen=True, slots=True)
class Greys:
    """Three figures of the grey values within the landmarks' box.

    Attributes:
        detail: logarithm of the contrast of details of 2 to 4 mm over that of twice their size; falls where a
            film is blurred by more than about a millimetre.
        grain: logarithm of the contrast of details of 1 to 2 mm over that of twice their size; rises with
            noise.
        white: share of the box that is within 2 % of its whitest, as where a film is over-exposed.
    """

    detail: float = 0.0
    grain: float = 0.0
    white: float = 0.0


def head_greys(
    pixels: NDArray[np.float32], points_px: NDArray[np.float64], *, pitch_px: float, negative: bool = False
) -> Greys:
    """Measure a film; zeros where there is too little to look at, or no contrast at all.

    The film is parted into bands, each the difference of two binomial blurs, and each band's contrast is
    the median size of its values: strong edges, letters and the film's margin hardly count. Of the (H, W)
    grey values the box of the landmarks found (L, 2) with a margin is looked at; ``pitch_px`` px of the film
    are ``PITCH_MM`` of an average head. On a ``negative`` bone is dark, and so is what is over-exposed.
    """
    height, width = pixels.shape
    low, high = points_px.min(axis=0), points_px.max(axis=0)
    margin = _MARGIN * (high - low)
    left, top = np.clip(np.floor(low - margin), 0, (width, height)).astype(int)
    right, bottom = np.clip(np.ceil(high + margin) + 1, 0, (width, height)).astype(int)
    crop = pixels[top:bottom, left:right]
    if min(crop.shape) < _SMALLEST_PX or not 0.0 < pitch_px < min(crop.shape) / _SMALLEST_PX:
        return Greys()
    # A film coarser than the pitch keeps its pixels, and shows its lack of detail in them.
    image, _ = resize(np.ascontiguousarray(crop, dtype=np.float32), min(1.0, 1.0 / pitch_px))
    blurred = [image]
    for step in (1, 2, 4, 8):
        if min(blurred[-1].shape) <= 4 * step:
            return Greys()
        blurred.append(_halved_detail(blurred[-1], step=step))
    contrasts = [_contrast(fine, coarse) for fine, coarse in pairwise(blurred)]
    if min(contrasts) <= 0.0:
        return Greys()
    _, grain, detail, rough = np.log(contrasts)
    bright = -image if negative else image
    white = np.mean(bright >= bright.max() - _SATURATED * np.ptp(bright))
    return Greys(detail=float(detail - rough), grain=float(grain - detail), white=float(white))


def _halved_detail(image: NDArray[np.float32], *, step: int) -> NDArray[np.float32]:
    """The image blurred by (1, 2, 1) / 4 along both axes, weights ``step`` pixels apart; 2 steps smaller."""
    quarter, half = np.float32(0.25), np.float32(0.5)
    rows = quarter * (image[: -2 * step] + image[2 * step :]) + half * image[step:-step]
    columns = quarter * (rows[:, : -2 * step] + rows[:, 2 * step :]) + half * rows[:, step:-step]
    return columns.astype(np.float32, copy=False)


def _contrast(fine: NDArray[np.float32], coarse: NDArray[np.float32]) -> float:
    """Median size of what the blur took away."""
    edge = (fine.shape[0] - coarse.shape[0]) // 2
    # Every other row and column tells the median as well, in a quarter of the time.
    taken = np.abs(fine[edge:-edge:2, edge:-edge:2] - coarse[::2, ::2])
    return float(np.median(taken))

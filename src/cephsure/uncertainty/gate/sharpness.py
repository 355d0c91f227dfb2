"""How sharp and how grainy a film is where the head is, whatever its contrast and resolution."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from cephsure.geometry import resize

if TYPE_CHECKING:
    from numpy.typing import NDArray

PITCH_MM = 0.3
"""Films are looked at in pixels of this size, on an average head: finer than edges of bone, coarser than the
grain of most films."""

_SMALLEST_PX = 12
_MARGIN = 0.1


@dataclass(frozen=True, slots=True)
class Sharpness:
    """Two logarithms of ratios of contrasts, within the landmarks' box.

    Attributes:
        detail: contrast of details of about 1 mm over that of 2 to 4 mm: falls where a film is blurred.
        grain: contrast from one pixel to the next over that of details of 1 mm: rises with noise.
    """

    detail: float
    grain: float


def sharpness(pixels: NDArray[np.float32], points_px: NDArray[np.float64], *, pitch_px: float) -> Sharpness:
    """Measure a film's sharpness.

    The film is parted into bands, each the difference of two binomial blurs, and each band's contrast is
    the median size of its values: strong edges, letters and the film's margin hardly count.

    Args:
        pixels: (H, W) grey values.
        points_px: (L, 2) positions of the landmarks found, (x, y); their box with a margin is looked at.
        pitch_px: how many px of the film are ``PITCH_MM`` of an average head.

    Returns:
        The two ratios; (0, 0) where the box is too small or has no contrast at all.
    """
    height, width = pixels.shape
    low, high = points_px.min(axis=0), points_px.max(axis=0)
    margin = _MARGIN * (high - low)
    left, top = np.clip(np.floor(low - margin), 0, (width, height)).astype(int)
    right, bottom = np.clip(np.ceil(high + margin) + 1, 0, (width, height)).astype(int)
    crop = pixels[top:bottom, left:right]
    if min(crop.shape) < _SMALLEST_PX or not 0.0 < pitch_px < min(crop.shape) / _SMALLEST_PX:
        return Sharpness(0.0, 0.0)
    # A film coarser than the pitch keeps its pixels, and shows its lack of detail in them.
    image, _ = resize(np.ascontiguousarray(crop, dtype=np.float32), min(1.0, 1.0 / pitch_px))
    blurred = [image]
    for _ in range(3):
        blurred.append(_halved_detail(blurred[-1], step=2 ** (len(blurred) - 1)))
    contrasts = [_contrast(fine, coarse) for fine, coarse in pairwise(blurred)]
    if min(contrasts) <= 0.0:
        return Sharpness(0.0, 0.0)
    grain, detail, rough = np.log(contrasts)
    return Sharpness(detail=float(detail - rough), grain=float(grain - detail))


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

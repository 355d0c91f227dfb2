"""The look of a cephalogram: from line integrals of attenuation to greys as a scanned film shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from scipy.interpolate import PchipInterpolator

from cephsure.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

CEPHALOGRAM_BONE_GAIN = 2.4
"""Weight of bone at 35 to 40 keV, a cephalogram's beam, over what a CT's 65 to 70 keV see (see
`attenuation_per_mm`): cortical bone over water is 4.8 to 5.5 to 1 there and 2.6 to 1 here."""

TONE_CURVE = (
    (-0.3, 6.0),
    (0.0, 16.0),
    (0.3, 35.0),
    (0.6, 50.0),
    (1.0, 65.0),
    (1.6, 78.0),
    (2.4, 98.0),
    (3.0, 141.0),
    (3.6, 188.0),
    (4.2, 214.0),
    (5.0, 236.0),
    (6.5, 253.0),
)
"""Line integral to grey (0 to 255): air, the soft profile (0.3 to 1), cheeks and throat (1.6 to 2.4), face
bones and braincase (3 to 4.2), petrous bone and fillings. The greys are those that scanned films have at such
places; the first millimetres of soft tissue get a steep piece, as a cephalostat's wedge filter gives them."""

_BASE_WIDTH_MM = 14.0
_EDGE_CONTRAST = 0.15
_SHARPENED_SIGMA_MM = 0.8
_GRAIN_SIGMA_MM = 0.2


def to_cephalogram(
    line_integrals: NDArray[np.float32],
    *,
    mm_per_px: float,
    detail_gain: float = 1.5,
    sharpening: float = 0.8,
    grain: float = 0.0,
    seed: int = 0,
) -> NDArray[np.float32]:
    """Grey values that look like a scanned lateral film: bone bright, air dark, the soft profile visible.

    The line integrals are parted into a base without fine detail but with its edges kept (the guided filter
    of He, Sun & Tang, TPAMI 2013, guided by the image itself) and the detail that is left; the detail is
    amplified, the sum mildly sharpened and sent through `TONE_CURVE`. Positions stay where they are.

    Args:
        line_integrals: (height, width) of `project`, best with ``bone_gain=CEPHALOGRAM_BONE_GAIN``.
        mm_per_px: scale of the film; widths of the filters follow from it.
        detail_gain: amplification of detail, 1 for none.
        sharpening: amount of unsharp masking (sigma 0.8 mm), 0 for none.
        grain: standard deviation of the film's grain, as a fraction of white; 0 for none.
        seed: for the grain.

    Returns:
        (height, width) float32 in [0, 1], larger is brighter.

    Raises:
        InputError: if the line integrals are not a finite image.
    """
    if line_integrals.ndim != 2 or not np.isfinite(line_integrals).all():
        raise InputError("line integrals must be a two-dimensional array of finite numbers")
    integrals = line_integrals.astype(np.float64)
    base = _edge_keeping_base(integrals, width_px=_odd(_BASE_WIDTH_MM / mm_per_px))
    shown = base + detail_gain * (integrals - base)
    shown += sharpening * (shown - ndimage.gaussian_filter(shown, _SHARPENED_SIGMA_MM / mm_per_px))
    at, grey = np.array(TONE_CURVE).T
    pixels = PchipInterpolator(at, grey / 255)(np.clip(shown, at[0], at[-1]))
    if grain > 0:
        pixels = pixels + grain * _grain(pixels.shape, _GRAIN_SIGMA_MM / mm_per_px, seed)
    clipped: NDArray[np.float32] = np.clip(pixels, 0, 1).astype(np.float32)
    return clipped


def _edge_keeping_base(image: NDArray[np.float64], *, width_px: int) -> NDArray[np.float64]:
    """The guided filter, guided by the image: smooth where its variance is below ``_EDGE_CONTRAST``."""
    mean = ndimage.uniform_filter(image, width_px)
    variance = np.maximum(ndimage.uniform_filter(image**2, width_px) - mean**2, 0)
    slope = variance / (variance + _EDGE_CONTRAST)
    offset = mean * (1 - slope)
    base: NDArray[np.float64] = ndimage.uniform_filter(slope, width_px) * image + ndimage.uniform_filter(
        offset, width_px
    )
    return base


def _grain(shape: tuple[int, ...], sigma_px: float, seed: int) -> NDArray[np.float64]:
    """Noise of unit standard deviation, correlated over the grain's size."""
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal(shape), sigma_px)
    grain: NDArray[np.float64] = noise / noise.std()
    return grain


def _odd(number: float) -> int:
    """The odd integer nearest below, at least 1: a window with a middle."""
    return max(1, 2 * int((number - 1) // 2) + 1)

"""Resampling images: smooth reduction and bilinear sampling, the same code in training and in prediction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from cephsure.geometry.affine import Affine

if TYPE_CHECKING:
    from numpy.typing import NDArray


def resize(image: NDArray[np.float32], factor: float) -> tuple[NDArray[np.float32], Affine]:
    """Resize by about ``factor`` with antialiasing (triangle filter over the source pixels a new one covers).

    Args:
        image: (H, W) float32.
        factor: new size over old size.

    Returns:
        The new image, and the map from its pixel coordinates to the old one's (centres at whole numbers).
    """
    height, width = image.shape
    new_width, new_height = max(1, round(width * factor)), max(1, round(height * factor))
    step = np.array([width / new_width, height / new_height])
    to_old = Affine(np.diag(step), step / 2 - 0.5)
    if (new_width, new_height) == (width, height):
        return image, to_old
    small = Image.fromarray(image).resize(
        (new_width, new_height), Image.Resampling.BILINEAR, reducing_gap=3.0
    )
    return np.asarray(small, dtype=np.float32), to_old


def sample_bilinear(
    image: NDArray[np.float32], xy: NDArray[np.floating], fill: float | None = None
) -> NDArray[np.float32]:
    """Bilinear values of ``image`` (H, W) at points ``xy`` (..., 2) in its pixel coordinates.

    Args:
        image: (H, W) float32, at least 2 x 2.
        xy: points; the first pixel's centre is (0, 0).
        fill: value outside the image (beyond half a pixel of its edge); None repeats the edge.
    """
    height, width = image.shape
    x = np.clip(xy[..., 0].astype(np.float32), 0, np.float32(width - 1))
    y = np.clip(xy[..., 1].astype(np.float32), 0, np.float32(height - 1))
    column = np.minimum(x.astype(np.int32), width - 2)
    row = np.minimum(y.astype(np.int32), height - 2)
    x -= column
    y -= row
    flat = np.ascontiguousarray(image).ravel()
    corner = row * np.int32(width) + column
    upper = flat.take(corner)
    upper += x * (flat.take(corner + 1) - upper)
    corner += np.int32(width)
    lower = flat.take(corner)
    lower += x * (flat.take(corner + 1) - lower)
    values: NDArray[np.float32] = upper + y * (lower - upper)
    if fill is not None:
        inside = (
            (xy[..., 0] >= -0.5)
            & (xy[..., 0] <= width - 0.5)
            & (xy[..., 1] >= -0.5)
            & (xy[..., 1] <= height - 0.5)
        )
        values = np.where(inside, values, np.float32(fill))
    return values


def grid_points(width: int, height: int, step: float = 1.0) -> NDArray[np.float64]:
    """Points (height, width, 2) of a regular grid, centred at the origin, ``step`` apart."""
    x = (np.arange(width) - (width - 1) / 2) * step
    y = (np.arange(height) - (height - 1) / 2) * step
    return np.stack(np.meshgrid(x, y), axis=-1)

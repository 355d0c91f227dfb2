"""Resampling images: smooth reduction and bilinear sampling, the same code in training and in prediction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from cephsure.geometry.affine import Affine

if TYPE_CHECKING:
    from numpy.typing import NDArray


def resize(image: NDArray[np.float32], factor: float) -> tuple[NDArray[np.float32], Affine]:
    """Resize an image (H, W) by about ``factor``, the new size over the old.

    With antialiasing: a triangle filter over the source pixels that a new one covers. Gives the new image and
    the map from its pixel coordinates to the old one's (centres at whole numbers).
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
    """Bilinear values of ``image`` (H, W) at points ``xy`` (..., 2), the first pixel's centre being (0, 0).

    Outside the image, beyond half a pixel of its edge, the value is ``fill``; None repeats the edge.
    """
    values = _interpolate(image, xy[..., 0].astype(np.float32), xy[..., 1].astype(np.float32))
    if fill is not None:
        (height, width), x, y = image.shape, xy[..., 0], xy[..., 1]
        inside = (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)
        values = np.where(inside, values, np.float32(fill))
    return values


def sample_lattices(
    image: NDArray[np.float32], to_image: Affine, centres: NDArray[np.floating], axis: NDArray[np.floating]
) -> NDArray[np.float32]:
    """Bilinear values on square lattices round several points, the image's edge repeated.

    The same as ``sample_bilinear`` of ``image`` (H, W) at ``to_image.apply(centre + (axis[j], axis[i]))`` for
    (N, 2) ``centres`` and (S,) offsets of columns, and of rows; (N, S, S) values, rows first. But quicker:
    under an affine map a coordinate is a sum of what the column and what the row gives.
    """
    origins = to_image.apply(centres.astype(np.float64))
    steps = to_image.matrix[:, :, None] * axis  # (2, 2, S): of x and y, by column and by row
    by_column = steps[:, 0].astype(np.float32)
    by_row = (origins.T[:, :, None] + steps[:, 1][:, None, :]).astype(np.float32)  # (2, N, S)
    x, y = by_row[..., None] + by_column[:, None, None, :]
    return _interpolate(image, x, y)


def _interpolate(
    image: NDArray[np.float32], x: NDArray[np.float32], y: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Bilinear values at ``x`` and ``y``, which are used up; the edge is repeated."""
    height, width = image.shape
    np.clip(x, 0, np.float32(width - 1), out=x)
    np.clip(y, 0, np.float32(height - 1), out=y)
    column = np.floor(np.minimum(x, np.float32(max(width - 2, 0))))
    row = np.floor(np.minimum(y, np.float32(max(height - 2, 0))))
    x -= column
    y -= row
    # Indices in the type that take() works with, or it would convert them at each of its calls.
    corner = row.astype(np.intp)
    corner *= width
    corner += column.astype(np.intp)
    right, below = min(1, width - 1), width * min(1, height - 1)
    upper = _between(image, corner, right, x)
    corner += below
    values = _between(image, corner, right, x)
    values -= upper
    values *= y
    values += upper
    return values


def _between(
    image: NDArray[np.float32], corner: NDArray[np.intp], right: int, share: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Values between the pixels at ``corner`` and their right neighbours."""
    flat = image.ravel()
    here = flat.take(corner)
    values = flat[right:].take(corner)
    values -= here
    values *= share
    values += here
    return values


def grid_points(width: int, height: int, step: float = 1.0) -> NDArray[np.float64]:
    """Points (height, width, 2) of a regular grid, centred at the origin, ``step`` apart."""
    x = (np.arange(width) - (width - 1) / 2) * step
    y = (np.arange(height) - (height - 1) / 2) * step
    return np.stack(np.meshgrid(x, y), axis=-1)

"""Affine maps of the plane and the similarity that fits one set of points to another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Float = TypeVar("Float", bound=np.floating)


@dataclass(frozen=True, slots=True)
class Affine:
    """The map x -> matrix @ x + offset, of (2, 2) and (2,) numbers.

    Examples:
        >>> Affine(np.eye(2) * 2, np.array([1.0, 0.0])).apply(np.array([[3.0, 4.0]])).tolist()
        [[7.0, 8.0]]
    """

    matrix: NDArray[np.float64]
    offset: NDArray[np.float64]

    @staticmethod
    def identity() -> Affine:
        """The map that changes nothing."""
        return Affine(np.eye(2), np.zeros(2))

    @staticmethod
    def about(centre: NDArray[np.float64], matrix: NDArray[np.float64]) -> Affine:
        """The linear map ``matrix`` (2, 2) applied about ``centre`` (2,), which stays where it is."""
        return Affine(matrix, centre - matrix @ centre)

    def apply(self, xy: NDArray[Float]) -> NDArray[Float]:
        """Map points (..., 2), in their precision."""
        # By coordinate: a product with the matrix would be a call of BLAS for every row of a grid of points.
        matrix, offset = self.matrix.astype(xy.dtype), self.offset.astype(xy.dtype)
        x, y = xy[..., 0], xy[..., 1]
        mapped = np.empty_like(xy)
        for axis in (0, 1):
            mapped[..., axis] = x * matrix[axis, 0] + y * matrix[axis, 1] + offset[axis]
        return mapped

    def inverse(self) -> Affine:
        """The map back; ``numpy.linalg.LinAlgError`` if there is none."""
        back = np.asarray(np.linalg.inv(self.matrix), dtype=np.float64)
        return Affine(back, -back @ self.offset)

    def after(self, first: Affine) -> Affine:
        """The map that applies ``first`` and then this one."""
        return Affine(self.matrix @ first.matrix, self.matrix @ first.offset + self.offset)

    @property
    def scale(self) -> float:
        """The factor of lengths: the square root of the determinant's size."""
        return float(np.sqrt(abs(np.linalg.det(self.matrix))))


def linear(
    *, rotation_deg: float = 0.0, scale: float = 1.0, stretch: float = 1.0, shear: float = 0.0
) -> NDArray[np.float64]:
    """A (2, 2) matrix: stretch x against y (area kept), shear, scale, then rotate (x towards y)."""
    angle, root = np.deg2rad(rotation_deg), np.sqrt(stretch)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    sheared = scale * rotation @ np.array([[1.0, shear], [0.0, 1.0]])
    return np.asarray(sheared @ np.diag([root, 1.0 / root]), dtype=np.float64)


def fit_similarity(source: NDArray[np.float64], target: NDArray[np.float64]) -> Affine:
    """Least-squares similarity (rotation, scale, shift; no reflection) from ``source`` to ``target``.

    Both are (N, 2) points; rows with NaN in either are left out. `ValueError` if fewer than two distinct
    points are left.

    Source: Umeyama, IEEE PAMI 13 (1991), for two dimensions in closed form (complex numbers).
    """
    kept = np.isfinite(source).all(axis=1) & np.isfinite(target).all(axis=1)
    if kept.sum() < 2:
        raise ValueError("a similarity needs at least two points")
    p = source[kept] @ np.array([1.0, 1.0j])
    q = target[kept] @ np.array([1.0, 1.0j])
    p_centred, q_centred = p - p.mean(), q - q.mean()
    # Points that differ by rounding only have no direction either.
    if any(np.abs(c).max() <= 1e-12 * np.abs(z).max() for c, z in ((p_centred, p), (q_centred, q))):
        raise ValueError("a similarity needs at least two distinct points")
    factor = np.sum(np.conj(p_centred) * q_centred) / np.sum(np.abs(p_centred) ** 2)
    shift = q.mean() - factor * p.mean()
    matrix = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
    return Affine(matrix, np.array([shift.real, shift.imag]))


def letterbox(width_px: int, height_px: int, side: int) -> Affine:
    """The map from a square grid of ``side`` pixels to a film, aspect ratio kept, film centred.

    Pixel centres are at whole numbers in both; the film's outer edges touch the grid's.
    """
    scale = max(width_px, height_px) / side
    film_centre = np.array([width_px - 1.0, height_px - 1.0]) / 2
    return Affine(np.eye(2) * scale, film_centre - scale * (side - 1.0) / 2)

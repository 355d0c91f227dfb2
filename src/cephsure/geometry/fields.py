"""Smooth displacement fields, known at every point, and warps built on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.geometry.affine import Affine, Float


@dataclass(frozen=True, slots=True)
class WaveField:
    """A displacement that is a sum of K plane waves: d(x) = sum_k a_k sin(w_k . x + phase_k).

    Being a formula it is exact at any point, for pixels and landmarks alike.
    """

    amplitudes: NDArray[np.float64]  # (K, 2), in the unit of the coordinates
    waves: NDArray[np.float64]  # (K, 2) angular frequencies, radians per unit
    phases: NDArray[np.float64]  # (K,) radians

    @staticmethod
    def random(rng: np.random.Generator, *, amplitude: float, wavelength: float, terms: int = 3) -> WaveField:
        """Waves of random direction; each coordinate's displacement has standard deviation ``amplitude``.

        The map x + d(x) stays invertible: amplitudes are cut where the steepest slope would pass 0.6.
        """
        angle = rng.uniform(0, 2 * np.pi, terms)
        number = 2 * np.pi / (wavelength * rng.uniform(0.8, 1.6, terms))
        waves = number[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        amplitudes = rng.normal(0, amplitude * np.sqrt(2 / terms), (terms, 2))
        slope = float(np.sum(np.linalg.norm(amplitudes, axis=1) * number))
        amplitudes *= min(1.0, 0.6 / max(slope, 1e-12))
        return WaveField(amplitudes, waves, rng.uniform(0, 2 * np.pi, terms))

    def at(self, xy: NDArray[Float]) -> NDArray[Float]:
        """Displacement at points (..., 2), in their precision."""
        amplitudes, waves = self.amplitudes.astype(xy.dtype), self.waves.astype(xy.dtype)
        x, y = xy[..., 0], xy[..., 1]
        shift = np.zeros_like(xy)
        for amplitude, wave, phase in zip(amplitudes, waves, self.phases.astype(xy.dtype), strict=True):
            height = np.sin(x * wave[0] + y * wave[1] + phase)
            for axis in (0, 1):
                shift[..., axis] += height * amplitude[axis]
        return shift


@dataclass(frozen=True, slots=True)
class Warp:
    """A map from output coordinates to source coordinates: affine(v + field(v)).

    An image is warped by sampling the source at ``source(grid)``, landmarks by ``output(points)``.
    """

    affine: Affine
    field: WaveField | None = None

    def source(self, xy: NDArray[Float]) -> NDArray[Float]:
        """Where output points (..., 2) lie in the source."""
        moved = xy if self.field is None else xy + self.field.at(xy)
        return self.affine.apply(moved)

    def output(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where source points (..., 2) lie in the output; NaN stays NaN.

        The field is inverted by fixed-point iteration, v = u - d(v), which converges: its slope is below one.
        """
        straight = self.affine.inverse().apply(xy)
        if self.field is None:
            return straight
        point = straight
        for _ in range(60):
            point = straight - self.field.at(point)
        return point

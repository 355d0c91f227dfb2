"""Mahalanobis ellipse: the distance from the point in units of the error's own covariance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from cephsure.uncertainty.prediction import Region

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.uncertainty.calibration.film_errors import FilmErrors


class Ellipse:
    """Mahalanobis distance from the point without its systematic offset.

    The covariance is the landmark's, scaled by the square of the film's expected error. Source: Johnstone &
    Cox, PMLR 152 (2021).
    """

    kind: Literal["ellipse"] = "ellipse"
    title = "Mahalanobis ellipse"
    needs_maps = False

    def scores(self, film: FilmErrors, positions_px: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mahalanobis distances from the centres."""
        away = (positions_px - film.centres_px) * film.upright_mm_per_px
        inverse = np.linalg.inv(film.covariances_mm2)
        distances: NDArray[np.float64] = np.sqrt(np.einsum("li,lij,lj->l", away, inverse, away))
        return distances

    def area_mm2(self, film: FilmErrors, landmark: int, bound: float) -> float:
        """The ellipse's area."""
        return float(np.pi * bound**2 * np.sqrt(np.linalg.det(film.covariances_mm2[landmark])))

    def region(self, film: FilmErrors, landmark: int, bound: float, level: float) -> Region:
        """The ellipse, its half axes turned and scaled to the film as given."""
        variances, axes = np.linalg.eigh(film.covariances_mm2[landmark])
        lengths_mm = bound * np.sqrt(variances[::-1])
        half_axes = lengths_mm[:, None] * axes.T[::-1] / film.upright_mm_per_px
        half_axes = half_axes[np.argsort(-np.hypot(half_axes[:, 0], half_axes[:, 1]), kind="stable")]
        centre = film.centres_px[landmark]
        (ax, ay), (bx, by) = half_axes.tolist()
        return Region(
            level=level,
            kind=self.kind,
            centre_px=(float(centre[0]), float(centre[1])),
            half_axes_px=((ax, ay), (bx, by)),
            area_mm2=self.area_mm2(film, landmark, bound),
        )

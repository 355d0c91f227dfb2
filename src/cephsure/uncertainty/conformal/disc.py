"""Uncertainty-scaled disc: the distance from the point in units of the expected error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from cephsure.uncertainty.prediction import Region

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.uncertainty.calibration.film_errors import FilmErrors


class Disc:
    """Normalised radial error, |position - centre| / expected error.

    The centre is the point without its systematic offset. Source: the locally weighted score of Papadopoulos
    et al., ECML (2002), and Lei et al., JASA 113 (2018), section 5.2, for the distance in the plane.
    """

    kind: Literal["disc"] = "disc"
    title = "disc scaled by the expected error"
    needs_maps = False

    def scores(self, film: FilmErrors, positions_px: NDArray[np.float64]) -> NDArray[np.float64]:
        """Distances from the centres over the expected errors."""
        away = (positions_px - film.centres_px) * film.upright_mm_per_px
        ratio: NDArray[np.float64] = np.hypot(away[:, 0], away[:, 1]) / film.expected_mm
        return ratio

    def area_mm2(self, film: FilmErrors, landmark: int, bound: float) -> float:
        """The disc's area."""
        return float(np.pi * (bound * film.expected_mm[landmark]) ** 2)

    def region(self, film: FilmErrors, landmark: int, bound: float, level: float) -> Region:
        """The disc in mm, on the film an ellipse where pixels are not square."""
        radius_mm = bound * float(film.expected_mm[landmark])
        x, y = (radius_mm / abs(scale) for scale in film.upright_mm_per_px.tolist())
        centre = film.centres_px[landmark]
        half_axes = ((x, 0.0), (0.0, y))
        return Region(
            level=level,
            kind=self.kind,
            centre_px=(float(centre[0]), float(centre[1])),
            half_axes_px=half_axes if x >= y else half_axes[::-1],
            area_mm2=self.area_mm2(film, landmark, bound),
        )

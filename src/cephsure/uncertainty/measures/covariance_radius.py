"""Area of the samples' covariance ellipse, as the radius of a circle of that area."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cephsure.uncertainty.measures.mean_point import mean_position
from cephsure.uncertainty.measures.measure import Measure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.inference.samples import Samples


def covariance_radius(samples: Samples) -> NDArray[np.float64]:
    """Fourth root of the determinant of the samples' covariance (1/T): sqrt(s1 s2) of its principal SDs.

    The ellipse of one standard deviation has the area pi s1 s2; this is the radius of the circle of that
    area.
    Samples on one line have no area, so two samples always give 0.

    Args:
        samples: T samples of L landmarks.

    Returns:
        (L,) float64 in the unit of the samples' positions; 0 for T < 3.
    """
    away = np.asarray(samples.positions_px, dtype=np.float64) - mean_position(samples)
    covariance = np.einsum("tli,tlj->lij", away, away) / len(away)
    determinant = np.maximum(np.linalg.det(covariance), 0.0)
    radius: NDArray[np.float64] = np.zeros_like(determinant) if len(away) < 3 else determinant**0.25
    return radius


COVARIANCE_RADIUS = Measure(
    name="covariance_radius",
    unit="px",
    direction=1,
    title="radius of the covariance's area",
    source="generalized variance: Wilks, Biometrika 24 (1932); here its fourth root, a length",
    compute=covariance_radius,
)

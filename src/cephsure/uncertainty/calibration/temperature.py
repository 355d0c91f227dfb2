"""One temperature a landmark, by which its heat maps expect the errors that there are.

A map p at temperature T is p^(1/T), made to sum to one: above 1 it is wider, below 1 narrower. A landmark's
temperature is the one at which the mean over the films of the expected radial error,
sum over u of p_T(u) |u - found point|, is the mean radial error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cephsure.inference.heat_maps import tempered
from cephsure.uncertainty.calibration.shrinkage import shrink

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.inference.heat_maps import HeatMaps

LOG_TEMPERATURES = np.linspace(np.log(0.25), np.log(8.0), 11)
"""Between these the expected errors are interpolated; a landmark's temperature stays within them."""


def tempered_errors_mm(
    maps: HeatMaps, points_px: NDArray[np.float64], mm_per_px: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Expected radial errors of a film's points under its maps at each of ``LOG_TEMPERATURES``.

    Args:
        maps: the film's maps.
        points_px: (L, 2) found positions.
        mm_per_px: (2,) the scale; signs do not matter.

    Returns:
        (L, G) in mm.
    """
    count, height, width = maps.probabilities.shape
    grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1) @ maps.cell_px.T
    errors = np.empty((count, len(LOG_TEMPERATURES)))
    for landmark in range(count):
        away = (grid + (maps.origins_px[landmark] - points_px[landmark])) * mm_per_px
        distance = np.hypot(away[..., 0], away[..., 1])
        for index, log_temperature in enumerate(LOG_TEMPERATURES):
            at = tempered(maps.probabilities[landmark], float(np.exp(log_temperature)))
            errors[landmark, index] = float((at * distance).sum())
    return errors


def fit_temperatures(radial_mm: NDArray[np.float64], tempered_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each landmark's temperature, on a logarithmic scale shrunk to the pool's.

    Args:
        radial_mm: (F, L) radial errors, NaN where they are not known.
        tempered_mm: (F, L, G) expected errors at ``LOG_TEMPERATURES``.

    Returns:
        (L,) temperatures; the pool's for a landmark with fewer than two known errors.
    """
    logs, variances = [], []
    for landmark in range(radial_mm.shape[1]):
        known = np.isfinite(radial_mm[:, landmark]) & np.isfinite(tempered_mm[:, landmark]).all(axis=1)
        value, variance = _fitted(radial_mm[known, landmark], tempered_mm[known, landmark])
        logs.append(value)
        variances.append(variance)
    temperatures: NDArray[np.float64] = np.exp(shrink(np.array(logs), np.array(variances)).values)
    return temperatures


def _fitted(errors: NDArray[np.float64], expected: NDArray[np.float64]) -> tuple[float, float]:
    """Log temperature of one landmark and its variance; NaN for fewer than two errors."""
    if len(errors) < 2:
        return np.nan, np.inf
    curve = expected.mean(axis=0)  # (G,), rising
    value = float(np.interp(errors.mean(), curve, LOG_TEMPERATURES))
    slope = np.interp(value, LOG_TEMPERATURES, np.gradient(curve, LOG_TEMPERATURES))
    at = np.array([np.interp(value, LOG_TEMPERATURES, row) for row in expected])
    return value, float((errors - at).var(ddof=1) / len(errors) / max(slope, 1e-6) ** 2)

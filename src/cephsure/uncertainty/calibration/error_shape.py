"""Where errors point: each landmark's systematic offset and the shape of the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cephsure.uncertainty.calibration.shrinkage import shrink

if TYPE_CHECKING:
    from numpy.typing import NDArray


def fit_offsets(errors_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Systematic offset of each landmark: its mean error, shrunk to 0 as far as that may be chance.

    Args:
        errors_mm: (F, L, 2) found minus true position on the upright film, NaN where it is not known.

    Returns:
        (L, 2) in mm; 0 for a landmark with fewer than two known errors.
    """
    known = np.isfinite(errors_mm[..., 0])
    counts = known.sum(axis=0)[:, None]
    filled = np.where(known[..., None], errors_mm, 0.0)
    means = filled.sum(axis=0) / np.maximum(counts, 1)
    squares = (np.where(known[..., None], errors_mm - means, 0.0) ** 2).sum(axis=0)
    variances = np.where(counts > 1, squares / np.maximum(counts - 1, 1) / np.maximum(counts, 1), np.inf)
    shrunk = shrink(means.ravel(), variances.ravel(), centre=0.0)
    return shrunk.values.reshape(means.shape)


def fit_relative_covariances(
    errors_mm: NDArray[np.float64], offsets_mm: NDArray[np.float64], expected_mm: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Second moments of (error - offset) / expected error for each landmark.

    Size and shape are shrunk apart: the size, half the trace, to the pool's on a logarithmic scale; the
    shape, ((xx - yy) / trace, 2 xy / trace), to the circle's (0, 0).

    Args:
        errors_mm: (F, L, 2) found minus true position on the upright film, NaN where it is not known.
        offsets_mm: (L, 2) systematic offsets.
        expected_mm: (F, L) expected radial errors.

    Returns:
        (L, 2, 2), positive definite.
    """
    relative = (errors_mm - offsets_mm) / expected_mm[..., None]
    known = np.isfinite(relative).all(axis=2)
    x, y = (np.where(known, relative[..., axis], 0.0) for axis in (0, 1))
    counts = known.sum(axis=0)
    some = np.maximum(counts, 1)
    trace = np.maximum((x**2 + y**2).sum(axis=0) / some, 1e-9)
    parts = []
    for moment in (x**2 - y**2, 2 * x * y):
        value = moment.sum(axis=0) / some / trace
        spread = np.where(known, moment / trace - value * (x**2 + y**2) / trace, 0.0)
        parts.append(_shrunk(value, spread, counts, centre=0.0))
    away = np.where(known, (x**2 + y**2) / trace - 1.0, 0.0)
    size = np.exp(_shrunk(np.log(trace / 2), away, counts, centre=None))
    # Shrinking the two parts of the shape each by itself can leave it longer than a line.
    longest = np.maximum(np.hypot(*parts) / 0.95, 1.0)
    along, across = parts[0] / longest, parts[1] / longest
    rows = [[size * (1 + along), size * across], [size * across, size * (1 - along)]]
    covariances: NDArray[np.float64] = np.moveaxis(np.array(rows), 2, 0)
    return covariances


def _shrunk(
    values: NDArray[np.float64],
    influence: NDArray[np.float64],
    counts: NDArray[np.int64],
    *,
    centre: float | None,
) -> NDArray[np.float64]:
    """Values shrunk by the variance that their films' influences (F, L), of mean 0, give them.

    The variance of an influence is taken over all landmarks: that of a few films would itself be chance.
    """
    one = (influence**2).sum() / max(int(counts.sum()) - len(counts), 1)
    variances = np.where(counts > 2, one / np.maximum(counts, 1), np.inf)
    return shrink(np.where(counts > 2, values, np.nan), variances, centre=centre).values

"""How far a site's or observer's points lie from the model's, landmark by landmark, without chasing noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cephsure.uncertainty.calibration.shrinkage import shrink

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Films' worth of belief that a landmark scatters like the others do on average.
_PRIOR_FILMS = 5.0


def shrunken_offsets(errors_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """The systematic part of a model's errors at a site: found minus true, shrunken towards 0.

    Let m be the mean error of a landmark along one axis over its n films, and s^2 its variance there. Then

        v = ((n - 1) s^2 + k p) / (n - 1 + k) / n          noise of m; p the mean variance of the axis, k = 5
        t = max(0, sum (m^2 / v - 1) / sum (1 / v))        how much true offsets vary round 0, all of an axis
        offset = t / (t + v) m

    With few films, or where the means are no larger than their noise explains, nothing is moved; with many
    each landmark gets its own mean. This is the empirical-Bayes form of James & Stein's estimator (Efron &
    Morris, Journal of the American Statistical Association 68, 1973), with the variance t by the method of
    moments (``shrinkage.shrink`` round a known centre).

    Args:
        errors_mm: (K, L, 2) found minus true position on the upright film, NaN where it is not known.

    Returns:
        (L, 2) offsets to subtract from found points; 0 for a landmark without films, and everywhere with
        fewer than two films: one film cannot tell a habit from a slip.
    """
    known = np.isfinite(errors_mm)
    counts = known.sum(axis=0)  # (L, 2)
    filled = np.where(known, errors_mm, 0.0)
    means = filled.sum(axis=0) / np.maximum(counts, 1)
    squares = np.where(known, (errors_mm - means) ** 2, 0.0).sum(axis=0)  # (L, 2)
    freedom = np.maximum(counts - 1, 0)
    pooled = squares.sum(axis=0) / np.maximum(freedom.sum(axis=0), 1)  # (2,)
    spread = (squares + _PRIOR_FILMS * pooled) / (freedom + _PRIOR_FILMS)
    noise = np.where(counts > 0, spread / np.maximum(counts, 1), np.nan)
    offsets = np.zeros(means.shape)
    for axis in range(2):
        # Without a second film there is no noise to compare the means with.
        if freedom[:, axis].any():
            estimates = np.where(counts[:, axis] > 0, means[:, axis], np.nan)
            offsets[:, axis] = shrink(estimates, noise[:, axis], centre=0.0).values
    return offsets


def offsets_without_each(errors_mm: NDArray[np.float64], groups: tuple[str, ...]) -> NDArray[np.float64]:
    """For each film the offsets that the films of all other groups give.

    Args:
        errors_mm: (K, L, 2) as for ``shrunken_offsets``.
        groups: (K,) names of groups; films of one group leave together.

    Returns:
        (K, L, 2).
    """
    names = np.asarray(groups)
    offsets = np.zeros(errors_mm.shape)
    for name in dict.fromkeys(groups):
        offsets[names == name] = shrunken_offsets(errors_mm[names != name])
    return offsets

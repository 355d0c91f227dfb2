"""From measures to the expected radial error: a log-linear curve for each landmark, monotone in each measure.

For film f and landmark l, with measures m_k (the heat maps' own expected error; the samples' spread):

    log E[r_fl] = a_l + c_l sum_k b_k (log m_flk - mean over f of log m_flk),      b_k >= 0, c_l >= 0.

The b_k are fitted on all landmarks together, then a_l and c_l on each landmark alone, all by quasi-likelihood
with a variance in proportion to the mean, whose score equations make the predicted errors sum to the actual
ones (Wedderburn, Biometrika 61 (1974)). Last, c_l is shrunk to the pool's, and a_l to the pool's by as much
as its own few films leave it uncertain (``shrinkage``), with the variances of the same quasi-likelihood:

    var(a_l) = phi / sum_f mu_fl,   var(c_l) = phi / sum_f mu_fl (u_fl - u_l)^2,

phi being the mean of (r - mu)^2 / mu, u the sum over k, and u_l its mean weighted by mu.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cephsure.uncertainty.calibration.landmark import log_measure
from cephsure.uncertainty.calibration.shrinkage import shrink

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

MEASURED_BY = ("expected_error_mm", "spread_mm")
"""Keys of the measures that go into the curve, where the model has them."""

_ROUNDS = 60
_SHORTER = 0.7  # steps a little shorter than Newton's: they need not be watched
_STEEPEST = 5.0
_FEW = 3


@dataclass(frozen=True, slots=True)
class ErrorCurves:
    """L curves, log E[r] = intercepts + sum over keys of slopes[key] log m.

    Attributes:
        intercepts: (L,).
        slopes: key -> (L,).
    """

    intercepts: NDArray[np.float64]
    slopes: dict[str, NDArray[np.float64]]


def fit_error_curves(
    radial_mm: NDArray[np.float64], measures: Mapping[str, NDArray[np.float64]]
) -> ErrorCurves:
    """Fit the curves.

    Args:
        radial_mm: (F, L) radial errors, NaN where they are not known.
        measures: key -> (F, L) values.

    Returns:
        The curves; a landmark without any known error has the pool's.
    """
    logs = {key: log_measure(measures[key]) for key in MEASURED_BY if key in measures}
    # A baseline's spread is 0 everywhere: what does not vary says nothing.
    logs = {key: x for key, x in logs.items() if np.nanmax(x) - np.nanmin(x) > 1e-9}
    known = np.isfinite(radial_mm) & np.all([np.isfinite(x) for x in logs.values()], axis=0)
    errors = np.where(known, np.maximum(radial_mm, 1e-6), 0.0)
    centres = {key: _means(x, known) for key, x in logs.items()}
    x = np.stack([np.where(known, logs[key] - centres[key], 0.0) for key in logs], axis=-1)  # (F, L, K)
    weights = _pooled_slopes(errors, x, known)
    own, slope = _landmark_curves(errors, x @ weights, known)
    slopes = {key: slope * weight for key, weight in zip(logs, weights, strict=True)}
    return ErrorCurves(own - sum(slopes[key] * centres[key] for key in logs), slopes)


def _means(x: NDArray[np.float64], known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(L,) means over the known films; the mean of all where a landmark has none."""
    counts = known.sum(axis=0)
    sums = np.where(known, x, 0.0).sum(axis=0)
    means: NDArray[np.float64] = np.where(
        counts > 0, sums / np.maximum(counts, 1), sums.sum() / max(int(counts.sum()), 1)
    )
    return means


def _pooled_slopes(
    errors: NDArray[np.float64], x: NDArray[np.float64], known: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """(K,) slopes common to all landmarks, each with an intercept of its own; none negative."""
    active = np.ones(x.shape[-1], dtype=bool)
    slopes = np.zeros(x.shape[-1])
    while active.any():
        slopes = np.zeros(x.shape[-1])
        slopes[active] = 0.5
        level = np.log(np.maximum(_means(errors, known), 1e-3))
        for _ in range(_ROUNDS):
            means = np.where(known, np.exp(level + x @ slopes), 0.0)
            rest = errors - means
            level = level + _SHORTER * rest.sum(axis=0) / np.maximum(means.sum(axis=0), 1e-9)
            chosen = x[..., active]
            curvature = np.einsum("fl,fli,flj->ij", means, chosen, chosen)
            step = np.linalg.lstsq(curvature, np.einsum("fl,fli->i", rest, chosen), rcond=None)[0]
            slopes[active] = np.clip(slopes[active] + _SHORTER * step, -_STEEPEST, _STEEPEST)
        if (slopes >= 0).all():
            break
        active &= slopes >= 0  # the constraint binds: without these measures
    return np.maximum(slopes, 0.0)


def _landmark_curves(
    errors: NDArray[np.float64], u: NDArray[np.float64], known: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(L,) intercepts at u = 0 and slopes over u, shrunk to the pool."""
    level, slope, _ = _fitted(errors, u, known, slope=None)
    means = np.where(known, np.exp(level + slope * u), 0.0)
    phi = float((((errors - means)[known]) ** 2 / means[known]).mean())
    mass = np.maximum(means.sum(axis=0), 1e-9)
    middle = (means * u).sum(axis=0) / mass
    information = (means * (u - middle) ** 2).sum(axis=0)
    few = known.sum(axis=0) < _FEW
    with np.errstate(divide="ignore", invalid="ignore"):
        slope_variance = np.where(few, np.inf, phi / information)
    # Where no landmark has films enough for a slope of its own, all keep the pooled one.
    shrunk = np.ones(len(few)) if few.all() else shrink(np.where(few, np.nan, slope), slope_variance).values
    shrunk = np.maximum(shrunk, 0.0)
    level, _, means = _fitted(errors, u, known, slope=shrunk)
    # The error's own chance is counted for each landmark: means are told apart only as far as it allows.
    variance = np.where(known.any(axis=0), phi / np.maximum(means.sum(axis=0), 1e-9), np.inf)
    return shrink(np.where(known.any(axis=0), level, np.nan), variance).values, shrunk


def _fitted(
    errors: NDArray[np.float64],
    u: NDArray[np.float64],
    known: NDArray[np.bool_],
    *,
    slope: NDArray[np.float64] | None,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Each landmark's intercept, its slope (fitted unless given) and its means (F, L)."""
    level = np.log(np.maximum(_means(errors, known), 1e-3))
    steep = np.ones(u.shape[1]) if slope is None else slope
    means = np.where(known, np.exp(level + steep * u), 0.0)
    for _ in range(_ROUNDS):
        rest = errors - means
        mass = np.maximum(means.sum(axis=0), 1e-9)
        if slope is None:
            middle = (means * u).sum(axis=0) / mass
            information = (means * (u - middle) ** 2).sum(axis=0)
            step = (rest * (u - middle)).sum(axis=0) / np.maximum(information, 1e-9)
            steep = np.clip(steep + _SHORTER * step, -_STEEPEST, _STEEPEST)
        level = level + _SHORTER * rest.sum(axis=0) / mass
        means = np.where(known, np.exp(level + steep * u), 0.0)
    return level, steep, means

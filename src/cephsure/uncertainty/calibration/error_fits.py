"""What is fitted of each landmark's errors: their expected size, their direction, the maps' temperature.

**Size.** From measures to the expected radial error: a log-linear curve, monotone in each measure. For film f
and landmark l, with measures m_k (the heat maps' own expected error; the samples' spread):

    log E[r_fl] = a_l + c_l sum_k b_k (log m_flk - mean over f of log m_flk),      b_k >= 0, c_l >= 0.

The b_k are fitted on all landmarks together, then a_l and c_l on each landmark alone, all by quasi-likelihood
with a variance in proportion to the mean, whose score equations make the predicted errors sum to the actual
ones (Wedderburn, Biometrika 61 (1974)). Last, c_l is shrunk to the pool's, and a_l to the pool's by as much
as its own few films leave it uncertain (``shrink``), with the variances of the same quasi-likelihood:

    var(a_l) = phi / sum_f mu_fl,   var(c_l) = phi / sum_f mu_fl (u_fl - u_l)^2,

phi being the mean of (r - mu)^2 / mu, u the sum over k, and u_l its mean weighted by mu.

**Direction.** The second moments, shrunk; the systematic part is the reader's (``uncertainty.readers``).

**Temperature.** A map p at temperature T is p^(1/T), made to sum to one: above 1 it is wider, below 1
narrower. A landmark's temperature is the one at which the mean over the films of the expected radial error,
sum over u of p_T(u) |u - found point|, is the mean radial error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cephsure.inference.samples import tempered

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from cephsure.inference.samples import HeatMaps

MEASURED_BY = ("raw_expected_error_mm", "spread_mm")
"""Keys of the measures that go into the curve, where the model has them."""

_ROUNDS = 60
_SHORTER = 0.7  # steps a little shorter than Newton's: they need not be watched
_STEEPEST = 5.0
_FEW = 3

LOG_TEMPERATURES = np.linspace(np.log(0.25), np.log(8.0), 11)
"""Between these the expected errors are interpolated; a landmark's temperature stays within them."""


SMALLEST_MM = 0.01
"""Measures are taken as at least this long before their logarithm: a spread of 0 is no certainty."""


def log_measure(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logarithm of a measure in mm, never of less than ``SMALLEST_MM``; NaN stays NaN."""
    return np.log(np.maximum(values, SMALLEST_MM))


def curve_mm(
    intercepts: NDArray[np.float64],
    slopes: Mapping[str, NDArray[np.float64]],
    measures: Mapping[str, NDArray[np.float64]],
) -> NDArray[np.float64]:
    """(..., L) exp(intercepts (L,) + sum of slopes (L,) log(measure (..., L) in mm)), or NaN."""
    total = intercepts
    for key in sorted(slopes):
        total = total + slopes[key] * log_measure(measures[key])
    return np.exp(total)


class ErrorCurves(NamedTuple):
    """L curves, log E[r] = intercepts (L,) + sum over keys of slopes[key] (L,) log m."""

    intercepts: NDArray[np.float64]
    slopes: dict[str, NDArray[np.float64]]


def fit_error_curves(
    radial_mm: NDArray[np.float64], measures: Mapping[str, NDArray[np.float64]]
) -> ErrorCurves:
    """Fit the curves to (F, L) radial errors, NaN where not known, and (F, L) values of each measure.

    A landmark without any known error gets the pool's curve.
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
    of_all = sums.sum() / max(int(counts.sum()), 1)
    return np.asarray(np.where(counts > 0, sums / np.maximum(counts, 1), of_all))


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
    level, slope, means = _fitted_curves(errors, u, known)
    phi = float((((errors - means)[known]) ** 2 / means[known]).mean())
    middle = (means * u).sum(axis=0) / np.maximum(means.sum(axis=0), 1e-9)
    information = (means * (u - middle) ** 2).sum(axis=0)
    few = known.sum(axis=0) < _FEW
    with np.errstate(divide="ignore", invalid="ignore"):
        slope_variance = np.where(few, np.inf, phi / information)
    # Where no landmark has films enough for a slope of its own, all keep the pooled one.
    shrunk = np.ones(len(few)) if few.all() else shrink(np.where(few, np.nan, slope), slope_variance)
    shrunk = np.maximum(shrunk, 0.0)
    level, _, means = _fitted_curves(errors, u, known, shrunk)
    # The error's own chance is counted for each landmark: means are told apart only as far as it allows.
    variance = np.where(known.any(axis=0), phi / np.maximum(means.sum(axis=0), 1e-9), np.inf)
    return shrink(np.where(known.any(axis=0), level, np.nan), variance), shrunk


def _fitted_curves(
    errors: NDArray[np.float64],
    u: NDArray[np.float64],
    known: NDArray[np.bool_],
    slope: NDArray[np.float64] | None = None,
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


def fit_relative_covariances(
    errors_mm: NDArray[np.float64], expected_mm: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(L, 2, 2) second moments of error / expected error, positive definite.

    Size and shape are shrunk apart: the size, half the trace, to the pool's on a logarithmic scale; the
    shape, ((xx - yy) / trace, 2 xy / trace), to the circle's (0, 0). Of (F, L, 2) errors along the upright
    film's axes without their systematic part, NaN where not known, and (F, L) expected radial errors.
    """
    relative = errors_mm / expected_mm[..., None]
    known = np.isfinite(relative).all(axis=2)
    x, y = (np.where(known, relative[..., axis], 0.0) for axis in (0, 1))
    counts = known.sum(axis=0)
    some = np.maximum(counts, 1)
    trace = np.maximum((x**2 + y**2).sum(axis=0) / some, 1e-9)
    parts = []
    for moment in (x**2 - y**2, 2 * x * y):
        value = moment.sum(axis=0) / some / trace
        spread = np.where(known, moment / trace - value * (x**2 + y**2) / trace, 0.0)
        parts.append(_shrunk_by_influence(value, spread, counts, centre=0.0))
    away = np.where(known, (x**2 + y**2) / trace - 1.0, 0.0)
    size = np.exp(_shrunk_by_influence(np.log(trace / 2), away, counts))
    # Shrinking the two parts of the shape each by itself can leave it longer than a line.
    longest = np.maximum(np.hypot(*parts) / 0.95, 1.0)
    along, across = parts[0] / longest, parts[1] / longest
    rows = [[size * (1 + along), size * across], [size * across, size * (1 - along)]]
    return np.moveaxis(np.array(rows), 2, 0)


def _shrunk_by_influence(
    values: NDArray[np.float64],
    influence: NDArray[np.float64],
    counts: NDArray[np.int64],
    centre: float | None = None,
) -> NDArray[np.float64]:
    """Values shrunk by the variance that their films' influences (F, L), of mean 0, give them.

    The variance of an influence is taken over all landmarks: that of a few films would itself be chance.
    """
    single = (influence**2).sum() / max(int(counts.sum()) - len(counts), 1)
    variances = np.where(counts > 2, single / np.maximum(counts, 1), np.inf)
    return shrink(np.where(counts > 2, values, np.nan), variances, centre=centre)


def tempered_errors_mm(
    maps: HeatMaps, points_px: NDArray[np.float64], mm_per_px: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(L, G) expected radial errors in mm of a film's points (L, 2) under its maps at ``LOG_TEMPERATURES``.

    The scale (2,) may have signs: they do not matter.
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
    """(L,) temperatures, on a logarithmic scale shrunk to the pool's; that for fewer than two known errors.

    Of (F, L) radial errors, NaN where not known, and (F, L, G) expected ones at ``LOG_TEMPERATURES``.
    """
    known = np.isfinite(radial_mm) & np.isfinite(tempered_mm).all(axis=2)
    logs, variances = np.array(
        [
            _fitted_temperature(radial_mm[of_it, landmark], tempered_mm[of_it, landmark])
            for landmark, of_it in enumerate(known.T)
        ]
    ).T
    return np.exp(shrink(logs, variances))


def _fitted_temperature(errors: NDArray[np.float64], expected: NDArray[np.float64]) -> tuple[float, float]:
    """Log temperature of one landmark and its variance; NaN for fewer than two errors."""
    if len(errors) < 2:
        return np.nan, np.inf
    curve = expected.mean(axis=0)  # (G,), rising
    value = float(np.interp(errors.mean(), curve, LOG_TEMPERATURES))
    slope = np.interp(value, LOG_TEMPERATURES, np.gradient(curve, LOG_TEMPERATURES))
    at = np.array([np.interp(value, LOG_TEMPERATURES, row) for row in expected])
    return value, float((errors - at).var(ddof=1) / len(errors) / max(slope, 1e-6) ** 2)


def shrink(
    estimates: NDArray[np.float64], variances: NDArray[np.float64], *, centre: float | None = None
) -> NDArray[np.float64]:
    """(L,) estimates drawn to their centre as far as noise says; the centre where there is no estimate.

    Empirical Bayes: estimate x_l errs with variance v_l round its own truth, the truths vary with variance t
    round a centre c:

        x_l ~ N(truth_l, v_l),  truth_l ~ N(c, t),  so  E[truth_l | x_l] = c + t / (t + v_l) (x_l - c).

    With many films v_l is small and a landmark keeps its own value; with few it takes the pool's. t is the
    estimate of DerSimonian & Laird, Controlled Clinical Trials 7 (1986), 0 where the estimates differ no more
    than their noise explains.

    An estimate that is NaN, or whose variance is not positive and finite, is none. A centre that is not known
    is estimated, or 0 without estimates.

    >>> shrink(np.array([0.0, 10.0]), np.array([1.0, 1.0])).round(2)  # more apart than noise makes them
    array([0.1, 9.9])
    >>> shrink(np.array([0.0, 1.0]), np.array([1.0, 1.0]))
    array([0.5, 0.5])
    """
    known = np.isfinite(estimates) & np.isfinite(variances) & (variances > 0)
    if not known.any():
        return np.full(len(estimates), 0.0 if centre is None else centre)
    x, v = estimates[known], variances[known]
    weights = 1.0 / v
    middle = float(np.average(x, weights=weights)) if centre is None else centre
    excess = float((weights * (x - middle) ** 2).sum())
    if centre is None:  # one degree of freedom went into the centre
        expected = len(x) - 1.0
        scale = float(weights.sum() - (weights**2).sum() / weights.sum())
    else:
        expected, scale = float(len(x)), float(weights.sum())
    between = max(0.0, (excess - expected) / scale) if scale > 0 else 0.0
    if centre is None:
        middle = float(np.average(x, weights=1.0 / (v + between)))
    values = np.full(len(estimates), middle)
    values[known] += between / (between + v) * (x - middle)
    return values

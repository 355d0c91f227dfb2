"""Bootstrap intervals by resampling films: the points of one film are not independent of each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import ArrayLike, NDArray

Interval = tuple[float, float]
UNDEFINED: Interval = (float("nan"), float("nan"))

# Resamples are worked through in blocks of this many, so that B x N arrays of a large data set fit in memory.
_BLOCK = 250


def film_weights(n_films: int, *, n_resamples: int = 1000, seed: int = 0) -> NDArray[np.float64]:
    """(B, F) how often each of F films is in each of B resamples with replacement; each row sums to F."""
    generator = np.random.default_rng(seed)
    draws = generator.multinomial(n_films, np.full(n_films, 1.0 / n_films), size=n_resamples)
    return draws.astype(np.float64)


def percentile_interval(
    statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    weights: NDArray[np.float64],
    *,
    level: float = 0.95,
) -> Interval:
    """Percentile bootstrap interval (Efron 1979) of a statistic of weighted films.

    The statistic makes (b,) values, NaN where it is not defined, of (b, F) film weights of ``film_weights``.
    NaN for fewer than two films, or if it is not defined in more than half of the resamples.
    """
    if weights.shape[1] < 2:
        return UNDEFINED
    return interval_of(np.concatenate([statistic(block) for block in blocks_of(weights)]), level=level)


def blocks_of(weights: NDArray[np.float64]) -> Iterator[NDArray[np.float64]]:
    """The resamples (B, F) in blocks (b, F) whose points fit in memory."""
    for start in range(0, len(weights), _BLOCK):
        yield weights[start : start + _BLOCK]


def interval_of(draws: NDArray[np.float64], *, level: float = 0.95) -> Interval:
    """The middle ``level`` of a statistic's values (B,) in B resamples; NaN if over half of them are NaN."""
    defined = draws[~np.isnan(draws)]
    if len(draws) == 0 or 2 * len(defined) < len(draws):
        return UNDEFINED
    low, high = np.quantile(defined, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    return float(low), float(high)


def mean_interval(errors: ArrayLike, weights: NDArray[np.float64], *, level: float = 0.95) -> Interval:
    """``percentile_interval`` of the mean of all errors (F, ...) of F films; NaN is a missing one."""
    values = np.asarray(errors, dtype=np.float64)
    values = values.reshape(len(values), -1)
    sums = np.nansum(values, axis=1)
    counts = (~np.isnan(values)).sum(axis=1).astype(np.float64)

    def mean(block: NDArray[np.float64]) -> NDArray[np.float64]:
        # A film with fewer points weighs less, as it does in the mean itself.
        with np.errstate(invalid="ignore"):
            return np.asarray((block @ sums) / (block @ counts))

    return percentile_interval(mean, weights, level=level)

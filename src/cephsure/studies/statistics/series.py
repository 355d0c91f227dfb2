"""Statistics of a series of values along an angle, from one object: steadiness and a block bootstrap."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def block_weights(
    n_places: int, *, length: int, n_resamples: int = 1000, seed: int = 0
) -> NDArray[np.float64]:
    """Draw resamples of a series by moving blocks, as how often each place is in each resample.

    Neighbours in a series resemble each other, so they are drawn together (Künsch 1989, Annals of Statistics
    17, 1217-1241).

    Args:
        n_places: number N of places in the series.
        length: of a block; at most N.
        n_resamples: number B of resamples.
        seed: of the random generator.

    Returns:
        (B, N) whole numbers; each row sums to N rounded up to whole blocks.
    """
    length = min(length, n_places)
    generator = np.random.default_rng(seed)
    count = -(-n_places // length)
    starts = generator.integers(0, n_places - length + 1, size=(n_resamples, count))
    places = (starts[:, :, np.newaxis] + np.arange(length)).reshape(n_resamples, -1)
    weights = np.zeros((n_resamples, n_places))
    np.add.at(weights, (np.arange(n_resamples)[:, np.newaxis], places), 1.0)
    return weights


def steadiness(angles: ArrayLike, values: ArrayLike) -> tuple[float, float]:
    """How steadily a value rises with the size of an angle, each side of 0 by itself.

    Args:
        angles: (N,) signed angles; 0 belongs to both sides.
        values: (N,) turned so that they should rise; NaN is left out.

    Returns:
        The share of steps from one angle to the next larger one in which the value rises, and the mean size
        of a fall as a share of the whole range of values (0 where it never falls). NaN where the values are
        constant or there is no step.

    Example:
        >>> steadiness([-2, -1, 0, 1, 2], [3.0, 1.0, 0.0, 2.0, 1.0])
        (0.75, 0.3333333333333333)
    """
    x, y = np.asarray(angles, dtype=np.float64), np.asarray(values, dtype=np.float64)
    x, y = x[np.isfinite(y)], y[np.isfinite(y)]
    steps = np.concatenate([_steps(x, y), _steps(-x, y)])
    extent = float(np.ptp(y)) if y.size else 0.0
    if not steps.size or extent == 0:
        return float("nan"), float("nan")
    falls = -steps[steps < 0]
    return float((steps > 0).mean()), float(falls.mean() / extent) if falls.size else 0.0


def _steps(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Differences of successive values from 0 upwards."""
    side = x >= 0
    return np.diff(y[side][np.argsort(x[side], kind="stable")])

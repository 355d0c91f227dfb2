"""Reliability: whether what was expected is, on the whole, what came."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

BINS = 10


@dataclass(frozen=True, slots=True)
class Reliability:
    """Points in groups of equal number, from the smallest expectation to the largest.

    Attributes:
        counts: (B,) points in each group.
        expected: (B,) mean expectation.
        actual: (B,) mean of what came.
    """

    counts: NDArray[np.int64]
    expected: NDArray[np.float64]
    actual: NDArray[np.float64]

    @property
    def ratios(self) -> NDArray[np.float64]:
        """(B,) mean expectation over mean outcome: 1 is perfect, above 1 too cautious."""
        ratios: NDArray[np.float64] = self.expected / self.actual
        return ratios

    @property
    def expected_calibration_error(self) -> float:
        """Mean distance between expectation and outcome of the groups, weighted by their numbers.

        Source: Naeini, Cooper & Hauskrecht, AAAI (2015), for probabilities; here of errors, in their unit.
        """
        return float(np.average(np.abs(self.expected - self.actual), weights=self.counts))


def reliability(expected: ArrayLike, actual: ArrayLike, *, bins: int = BINS) -> Reliability:
    """Compare expectations with outcomes in groups of equal number.

    Args:
        expected: (N,) or more dimensions, what was expected of each point.
        actual: the same shape, what came; a point with NaN in either is left out.
        bins: how many groups; fewer where there are fewer points.

    Returns:
        The groups.

    Example:
        >>> found = reliability([1.0, 1.0, 3.0, 3.0], [0.5, 1.5, 2.0, 2.0], bins=2)
        >>> found.ratios.tolist(), found.expected_calibration_error
        ([1.0, 1.5], 0.5)
    """
    x, y = (np.asarray(values, dtype=np.float64).ravel() for values in (expected, actual))
    known = np.isfinite(x) & np.isfinite(y)
    x, y = x[known], y[known]
    groups = [one for one in np.array_split(np.argsort(x, kind="stable"), bins) if one.size]
    return Reliability(
        np.array([one.size for one in groups], dtype=np.int64),
        np.array([x[one].mean() for one in groups]),
        np.array([y[one].mean() for one in groups]),
    )

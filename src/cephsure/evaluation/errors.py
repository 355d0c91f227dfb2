"""Radial errors and what is reported of them: mean, success detection rates, whether they were expected."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

THRESHOLDS_MM = (2.0, 2.5, 3.0, 4.0)
"""The thresholds of the ISBI 2015 challenge for the success detection rate."""

BINS = 10  # groups in which expected and actual errors are compared

# An error of exactly 2 mm, computed from pixels, may come out as 2.0000000000000004.
_ROUNDING_MM = 1e-9


@dataclass(frozen=True, slots=True)
class ErrorSummary:
    """What is reported of a set of radial errors, in the errors' own unit.

    Attributes:
        mean: mean radial error (MRE); NaN without any error.
        sd: standard deviation with n - 1 in the denominator; NaN below two errors.
        success_percent: for each threshold the percentage of errors that are at most that large.
    """

    n_points: int
    mean: float
    sd: float
    success_percent: dict[float, float]


def radial_errors(
    positions_px: ArrayLike, truth_px: ArrayLike, *, mm_per_px: ArrayLike | None = None
) -> NDArray[np.float64]:
    """(F, L) Euclidean distances of predicted from true points; NaN where a point or the scale is missing.

    Points are (F, L, 2), (x, y) in px, the scale in mm along x and y (F, 2), or None for errors in px; NaN is
    what is not known. A ValueError where the shapes do not fit.

    >>> radial_errors([[[3.0, 4.0]]], [[[0.0, 0.0]]], mm_per_px=[[0.1, 0.1]])
    array([[0.5]])
    """
    positions = np.asarray(positions_px, dtype=np.float64)
    truth = np.asarray(truth_px, dtype=np.float64)
    if positions.shape != truth.shape or positions.ndim != 3 or positions.shape[-1] != 2:
        raise ValueError(
            f"positions {positions.shape} and truth {truth.shape} are not both (films, landmarks, 2)"
        )
    away = positions - truth
    if mm_per_px is not None:
        scale = np.asarray(mm_per_px, dtype=np.float64)
        if scale.shape != (len(positions), 2):
            raise ValueError(f"mm_per_px has shape {scale.shape}, not ({len(positions)}, 2)")
        away = away * scale[:, None, :]
    return np.hypot(away[..., 0], away[..., 1])


def is_within(errors: NDArray[np.float64], threshold: float) -> NDArray[np.bool_]:
    """Whether each error is at most the threshold, up to rounding; False for NaN."""
    return errors <= threshold + _ROUNDING_MM


def summarize(errors: ArrayLike, *, thresholds: Sequence[float] = THRESHOLDS_MM) -> ErrorSummary:
    """Mean, standard deviation and success detection rates over all errors that are not NaN, of any shape.

    Every point counts the same, as in the challenge (Wang et al. 2016), whatever film it is on.

    >>> summarize([1.0, 2.0, 3.0, float("nan")], thresholds=[2.0])
    ErrorSummary(n_points=3, mean=2.0, sd=1.0, success_percent={2.0: 66.66666666666667})
    """
    values = np.asarray(errors, dtype=np.float64).ravel()
    values = values[~np.isnan(values)]
    count = len(values)
    return ErrorSummary(
        n_points=count,
        mean=float(values.mean()) if count else math.nan,
        sd=float(values.std(ddof=1)) if count > 1 else math.nan,
        success_percent={
            threshold: 100.0 * int(is_within(values, threshold).sum()) / count if count else math.nan
            for threshold in thresholds
        },
    )


@dataclass(frozen=True, slots=True)
class Reliability:
    """Points in B groups of equal number, from the smallest expectation to the largest.

    (B,) numbers of points, mean expectations and means of what came.
    """

    counts: NDArray[np.int64]
    expected: NDArray[np.float64]
    actual: NDArray[np.float64]

    @property
    def expected_calibration_error(self) -> float:
        """Mean distance between expectation and outcome of the groups, weighted by their numbers.

        Source: Naeini, Cooper & Hauskrecht, AAAI (2015), for probabilities; here of errors, in their unit.
        """
        return float(np.average(np.abs(self.expected - self.actual), weights=self.counts))


def reliability(expected: ArrayLike, actual: ArrayLike, *, bins: int = BINS) -> Reliability:
    """Compare expectations with outcomes of one shape in ``bins`` groups; points with a NaN are left out.

    >>> found = reliability([1.0, 1.0, 3.0, 3.0], [0.5, 1.5, 2.0, 2.0], bins=2)
    >>> found.expected.tolist(), found.actual.tolist(), found.expected_calibration_error
    ([1.0, 3.0], [1.0, 2.0], 0.5)
    """
    x, y = (np.asarray(values, dtype=np.float64).ravel() for values in (expected, actual))
    known = np.isfinite(x) & np.isfinite(y)
    x, y = x[known], y[known]
    groups = [group for group in np.array_split(np.argsort(x, kind="stable"), bins) if group.size]
    return Reliability(
        np.array([group.size for group in groups], dtype=np.int64),
        np.array([x[group].mean() for group in groups]),
        np.array([y[group].mean() for group in groups]),
    )

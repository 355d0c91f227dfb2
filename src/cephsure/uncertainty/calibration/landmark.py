"""What is fitted for each landmark, and what it makes of a film's measures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel, ConfigDict

from cephsure.uncertainty.prediction import Pair  # noqa: TC001 - pydantic reads the annotations

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

SMALLEST_MM = 0.01
"""Measures are taken as at least this long before their logarithm: a spread of 0 is no certainty."""


class LandmarkCalibration(BaseModel):
    """One landmark's parameters. Directions are those of the upright film (facing right, y downwards).

    Attributes:
        number: the landmark.
        films: how many films with this landmark it was fitted on.
        log_intercept: a of the expected error, exp(a + sum over measures of b log(measure)), in mm.
        slopes: b by the measure's key, none negative: a larger measure never means a smaller error.
        offset_mm: systematic part of found minus true position, shrunk to 0.
        relative_covariance: second moments ((xx, xy), (xy, yy)) of (error - offset) / expected error.
        temperature: heat maps raised to 1 / temperature expect the errors that there are; 1 if no maps were
            at hand.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int
    films: int
    log_intercept: float
    slopes: dict[str, float]
    offset_mm: Pair
    relative_covariance: tuple[Pair, Pair]
    temperature: float = 1.0


def log_measure(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logarithm of a measure in mm, never of less than ``SMALLEST_MM``; NaN stays NaN."""
    logs: NDArray[np.float64] = np.log(np.maximum(values, SMALLEST_MM))
    return logs


def expected_errors_mm(
    landmarks: Sequence[LandmarkCalibration], measures: Mapping[str, NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Calibrated expectation of the radial error.

    Args:
        landmarks: L landmarks' parameters.
        measures: key -> (..., L) values.

    Returns:
        (..., L) in mm, NaN where a measure is.
    """
    total: NDArray[np.float64] = np.array([one.log_intercept for one in landmarks])
    for key in sorted({key for one in landmarks for key in one.slopes}):
        slopes = np.array([one.slopes.get(key, 0.0) for one in landmarks])
        total = total + slopes * log_measure(measures[key])
    expected: NDArray[np.float64] = np.exp(total)
    return expected


def offsets_mm(landmarks: Sequence[LandmarkCalibration]) -> NDArray[np.float64]:
    """(L, 2) systematic offsets on the upright film."""
    return np.array([one.offset_mm for one in landmarks], dtype=np.float64)


def relative_covariances(landmarks: Sequence[LandmarkCalibration]) -> NDArray[np.float64]:
    """(L, 2, 2) second moments of the rest of the error over the expected error, on the upright film."""
    return np.array([one.relative_covariance for one in landmarks], dtype=np.float64)

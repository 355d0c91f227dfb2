"""What is fitted for each landmark, and the errors that it expects of one film's points.

Directions are those of the upright film: the head facing right, y downwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cephsure.uncertainty.prediction import Frozen, Pair

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from cephsure.inference.samples import HeatMaps

SMALLEST_MM = 0.01
"""Measures are taken as at least this long before their logarithm: a spread of 0 is no certainty."""


class LandmarkCalibration(Frozen):
    """One landmark's parameters.

    Attributes:
        films: how many films with this landmark it was fitted on.
        log_intercept: a of the expected error, exp(a + sum over measures of b log(measure)), in mm.
        slopes: b by the measure's key, none negative: a larger measure never means a smaller error.
        offset_mm: systematic part of found minus true position, shrunk to 0.
        relative_covariance: second moments ((xx, xy), (xy, yy)) of (error - offset) / expected error.
        temperature: heat maps raised to 1 / temperature expect the errors that there are; 1 without maps.
    """

    number: int
    films: int
    log_intercept: float
    slopes: dict[str, float]
    offset_mm: Pair
    relative_covariance: tuple[Pair, Pair]
    temperature: float = 1.0


def log_measure(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logarithm of a measure in mm, never of less than ``SMALLEST_MM``; NaN stays NaN."""
    return np.log(np.maximum(values, SMALLEST_MM))


def expected_errors_mm(
    landmarks: Sequence[LandmarkCalibration], measures: Mapping[str, NDArray[np.float64]]
) -> NDArray[np.float64]:
    """(..., L) calibrated expectation of the radial error in mm, by (..., L) values of each measure."""
    intercepts = np.array([landmark.log_intercept for landmark in landmarks])
    keys = {key for landmark in landmarks for key in landmark.slopes}
    slopes = {key: np.array([landmark.slopes.get(key, 0.0) for landmark in landmarks]) for key in keys}
    return curve_mm(intercepts, slopes, measures)


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


@dataclass(frozen=True, slots=True)
class FilmErrors:
    """One film with a scale: its points, and the errors expected of them.

    Attributes:
        points_px: (L, 2) found positions in px of the film as given.
        upright_mm_per_px: (2,) as in ``Prediction``.
        expected_mm: (L,) expected radial errors.
        offsets_mm: (L, 2) systematic part of found minus true position.
        covariances_mm2: (L, 2, 2) second moments of the rest.
        temperatures: (L,) of the heat maps.
    """

    points_px: NDArray[np.float64]
    upright_mm_per_px: NDArray[np.float64]
    expected_mm: NDArray[np.float64]
    offsets_mm: NDArray[np.float64]
    covariances_mm2: NDArray[np.float64]
    temperatures: NDArray[np.float64]
    maps: HeatMaps | None = None

    @property
    def centres_px(self) -> NDArray[np.float64]:
        """(L, 2) the points without their systematic offsets."""
        return self.points_px - self.offsets_mm / self.upright_mm_per_px

    @property
    def second_moments_mm2(self) -> NDArray[np.float64]:
        """(L, 2, 2) second moments of the error about the given point, along the given film's axes."""
        about = self.covariances_mm2 + self.offsets_mm[:, :, None] * self.offsets_mm[:, None, :]
        signs = np.sign(self.upright_mm_per_px)
        return about * signs[:, None] * signs


def film_errors(
    landmarks: Sequence[LandmarkCalibration],
    measures: Mapping[str, NDArray[np.float64]],
    points_px: NDArray[np.float64],
    upright_mm_per_px: NDArray[np.float64],
    maps: HeatMaps | None = None,
) -> FilmErrors:
    """Apply L landmarks' parameters to a film's (L,) measures; the other arguments as in ``FilmErrors``."""
    expected = expected_errors_mm(landmarks, measures)
    relative = np.array([landmark.relative_covariance for landmark in landmarks], dtype=np.float64)
    offsets = np.array([landmark.offset_mm for landmark in landmarks], dtype=np.float64)
    covariances = relative * expected[:, None, None] ** 2
    temperatures = np.array([landmark.temperature for landmark in landmarks])
    return FilmErrors(points_px, upright_mm_per_px, expected, offsets, covariances, temperatures, maps)

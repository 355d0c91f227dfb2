"""What is known of the landmarks' errors, and what may therefore be said of a measurement's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from cephsure.cephalometry.sampling import spread_correlation, spread_covariances

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.uncertainty.prediction import Prediction

ErrorsFrom = Literal["calibration", "raw sample spread", "none"]

NOT_CALIBRATED = "model is not calibrated"
NO_SCALE_FOR_ERRORS = "no scale in the film: calibrated errors are in mm"
ONE_SAMPLE = "no calibrated errors, and one sample has no spread"


@dataclass(frozen=True, slots=True)
class LandmarkErrors:
    """The landmarks' errors on one film.

    Attributes:
        source: where they come from.
        covariances_px: (L, 2, 2) second moments, px², NaN where not known; None from no source.
        correlation: across landmarks, as `sample_points` takes it, or None for independent ones.
        reason: why there are none.
    """

    source: ErrorsFrom
    covariances_px: NDArray[np.float64] | None = None
    correlation: NDArray[np.float64] | None = None
    reason: str | None = None


def landmark_errors(prediction: Prediction, *, uncalibrated: bool = False) -> LandmarkErrors:
    """The errors that a prediction's measurements are to be given intervals from.

    The calibrated covariances of the prediction's landmarks; how the landmarks' errors hang together comes
    from the samples. Without calibration there are none: how far samples disagree is not how far they err.

    Args:
        prediction: one film's landmarks.
        uncalibrated: take the raw spread of the samples where the model is not calibrated.

    Returns:
        The errors, or the reason why there are none.
    """
    calibrated, scale = _calibrated(prediction), prediction.film.mm_per_px
    if calibrated is not None and scale is not None:
        covariances_px = calibrated / np.outer(scale, scale)
        return LandmarkErrors("calibration", covariances_px, spread_correlation(prediction))
    if not uncalibrated:
        # Without a scale no prediction carries calibrated errors, whether its model is calibrated or not.
        return LandmarkErrors("none", reason=NO_SCALE_FOR_ERRORS if scale is None else NOT_CALIBRATED)
    spread = spread_covariances(prediction)
    if not np.isfinite(spread).any():
        return LandmarkErrors("none", reason=ONE_SAMPLE)
    return LandmarkErrors("raw sample spread", spread, spread_correlation(prediction))


def _calibrated(prediction: Prediction) -> NDArray[np.float64] | None:
    """(L, 2, 2) calibrated second moments, mm², NaN for landmarks without; None if no landmark has any."""
    unknown = ((np.nan, np.nan), (np.nan, np.nan))
    given = [one.error_covariance_mm2 for one in prediction.landmarks]
    if all(one is None for one in given):
        return None
    return np.array([unknown if one is None else one for one in given], dtype=np.float64)

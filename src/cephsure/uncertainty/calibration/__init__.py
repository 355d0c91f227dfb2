"""From measures to millimetres: what is fitted on films that were not trained on, and its application."""

from cephsure.uncertainty.calibration.calibration import (
    CALIBRATION_FILE,
    DEFAULT_LEVEL,
    Calibration,
    LandmarkCalibration,
    calibrated,
    expected_errors_mm,
    read_calibration,
    region_kind,
)
from cephsure.uncertainty.calibration.data import CalibrationData, CalibrationSource, calibration_data
from cephsure.uncertainty.calibration.fitting import (
    CrossFit,
    RegionFigures,
    cross_fit,
    fit_calibration,
    fit_landmarks,
)

__all__ = [
    "CALIBRATION_FILE",
    "DEFAULT_LEVEL",
    "Calibration",
    "CalibrationData",
    "CalibrationSource",
    "CrossFit",
    "LandmarkCalibration",
    "RegionFigures",
    "calibrated",
    "calibration_data",
    "cross_fit",
    "expected_errors_mm",
    "fit_calibration",
    "fit_landmarks",
    "read_calibration",
    "region_kind",
]

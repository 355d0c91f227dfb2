"""From measures to millimetres: what is fitted on films that were not trained on, and its application."""

from cephsure.uncertainty.calibration.apply import DEFAULT_LEVEL, calibrated, region_kind
from cephsure.uncertainty.calibration.calibration import CALIBRATION_FILE, Calibration, read_calibration
from cephsure.uncertainty.calibration.data import CalibrationData, CalibrationSource, calibration_data
from cephsure.uncertainty.calibration.fit import fit_calibration, fit_landmarks
from cephsure.uncertainty.calibration.landmark import LandmarkCalibration, expected_errors_mm

__all__ = [
    "CALIBRATION_FILE",
    "DEFAULT_LEVEL",
    "Calibration",
    "CalibrationData",
    "CalibrationSource",
    "LandmarkCalibration",
    "calibrated",
    "calibration_data",
    "expected_errors_mm",
    "fit_calibration",
    "fit_landmarks",
    "read_calibration",
    "region_kind",
]

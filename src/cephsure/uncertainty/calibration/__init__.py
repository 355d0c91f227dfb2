"""From measures to millimetres: what is fitted on films that were not trained on, and its application."""

from cephsure.uncertainty.calibration.data import CalibrationData, CalibrationSource, calibration_data

__all__ = ["CalibrationData", "CalibrationSource", "calibration_data"]

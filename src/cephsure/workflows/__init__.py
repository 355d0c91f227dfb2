"""Calibrate a model: films with known points in, a bundle that knows its errors out."""

from cephsure.uncertainty.calibration import CrossFit, cross_fit
from cephsure.workflows.calibrated_bundle import write_calibrated
from cephsure.workflows.collect import Collected, collect
from cephsure.workflows.training_films import NotTrainedOn, not_trained_on

__all__ = [
    "Collected",
    "CrossFit",
    "NotTrainedOn",
    "collect",
    "cross_fit",
    "not_trained_on",
    "write_calibrated",
]

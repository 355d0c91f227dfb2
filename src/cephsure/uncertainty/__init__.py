"""From samples to measures of uncertainty and predictions."""

from cephsure.uncertainty.measures import ALWAYS, MEASURES, Measure, mean_position
from cephsure.uncertainty.prediction import Prediction, to_prediction

__all__ = ["ALWAYS", "MEASURES", "Measure", "Prediction", "mean_position", "to_prediction"]

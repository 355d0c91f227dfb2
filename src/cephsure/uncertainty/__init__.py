"""From samples to measures of uncertainty and predictions."""
from cephsure.uncertainty.prediction import Prediction

__all__ = ["Prediction"]

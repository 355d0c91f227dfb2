"""Accuracy, and how well uncertainty follows error."""

from cephsure.evaluation.errors import radial_errors
from cephsure.evaluation.evaluate import evaluate
from cephsure.evaluation.result import About, Evaluation, LeftOut

__all__ = ["About", "Evaluation", "LeftOut", "evaluate", "radial_errors"]

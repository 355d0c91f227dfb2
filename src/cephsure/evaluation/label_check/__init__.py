"""A look at labels before training: what does not fit, what is there twice, what annotators differ in."""

from cephsure.evaluation.label_check.annotator_distances import AnnotatorPair
from cephsure.evaluation.label_check.check import LabelCheck, check_labels
from cephsure.evaluation.label_check.films import FilmLook, LabelledFilms, look_at
from cephsure.evaluation.label_check.finding import KINDS, Finding, Mark

__all__ = [
    "KINDS",
    "AnnotatorPair",
    "FilmLook",
    "Finding",
    "LabelCheck",
    "LabelledFilms",
    "Mark",
    "check_labels",
    "look_at",
]

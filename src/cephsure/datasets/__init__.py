"""Annotated films, the readers of data sets, the choice of truth and of splits."""

from cephsure.datasets.annotated_film import AnnotatedFilm, Dataset
from cephsure.datasets.isbi import read_isbi
from cephsure.datasets.splits import group_folds, last_split, select, validation_split
from cephsure.datasets.truth import annotators, truth

__all__ = [
    "AnnotatedFilm",
    "Dataset",
    "annotators",
    "group_folds",
    "last_split",
    "read_isbi",
    "select",
    "truth",
    "validation_split",
]

"""Annotated films and the readers of data sets."""
from cephsure.datasets.annotated_film import AnnotatedFilm, Dataset

__all__ = ["AnnotatedFilm", "Dataset"]

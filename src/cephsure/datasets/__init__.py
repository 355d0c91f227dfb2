"""Annotated films, the readers of data sets, the choice of truth and of splits."""

from cephsure.datasets.annotated_film import (
    AnnotatedFilm,
    Dataset,
    KnownFilms,
    annotators,
    data_sha256,
    film_of,
    pixel_aspect_of,
    spacing_of,
    truth,
)
from cephsure.datasets.coco import read_coco
from cephsure.datasets.csv_table import read_csv
from cephsure.datasets.isbi import read_isbi
from cephsure.datasets.labelme import read_labelme
from cephsure.datasets.marked_points import MarkedFilm, read_marked_points
from cephsure.datasets.open import DatasetFormat, open_dataset
from cephsure.datasets.splits import group_folds, last_split, select

__all__ = [
    "AnnotatedFilm",
    "Dataset",
    "DatasetFormat",
    "KnownFilms",
    "MarkedFilm",
    "annotators",
    "data_sha256",
    "film_of",
    "group_folds",
    "last_split",
    "open_dataset",
    "pixel_aspect_of",
    "read_coco",
    "read_csv",
    "read_isbi",
    "read_labelme",
    "read_marked_points",
    "select",
    "spacing_of",
    "truth",
]

"""The shape of the annotated heads that the models were trained on: it needs no label of any other film."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cephsure.datasets import spacing_of
from cephsure.datasets.splits import TRAIN
from cephsure.errors import InputError
from cephsure.studies.films import films_of_split, truths_px
from cephsure.uncertainty.shape_fit import ShapeModel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.datasets import Dataset
    from cephsure.studies.case import PointTable


def training_shape(dataset: Dataset, truth: str) -> ShapeModel | None:
    """The shape model of the training films' annotation.

    Args:
        dataset: with the split "train".
        truth: the annotator, or "mean".

    Returns:
        The model, in mm where the data set states a scale for every film, else in px; None where the
        training films do not suffice for one.
    """
    try:
        items = films_of_split(dataset, TRAIN)
        points = truths_px(items, truth)
        scales = [spacing_of(item) for item in items]
        if all(scale is not None for scale in scales):
            mm_per_px = [(s.x_mm_per_px, s.y_mm_per_px) for s in scales if s is not None]
            points = points * np.array(mm_per_px)[:, np.newaxis, :]
        return ShapeModel.fit(points)
    except InputError:
        return None


def points_for_shape(table: PointTable, shape: ShapeModel) -> NDArray[np.float64]:
    """Predicted points as the shape model wants them.

    Args:
        table: predictions of N films.
        shape: of heads that face one way.

    Returns:
        (N, L, 2) in mm where the film's scale is known, else in px; mirrored where the film's head fits the
        shape better so. A table does not say which way a model took the film to face, and a head that faces
        left is no worse a head.
    """
    scale = np.where(np.isfinite(table.mm_per_px).all(axis=1, keepdims=True), table.mm_per_px, 1.0)
    points: NDArray[np.float64] = table.points_px * scale[:, np.newaxis, :]
    for index, each in enumerate(points):
        mirrored = each * np.array([-1.0, 1.0])
        if shape.score(mirrored) < shape.score(each):
            points[index] = mirrored
    return points

"""Scores that order points from certain to uncertain; none needs a label of the points' films."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cephsure.evaluation.ranks import midranks
from cephsure.studies.cases import points_for_shape
from cephsure.studies.measured import measured

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.studies.cases import PointTable
    from cephsure.uncertainty.shape_fit import ShapeModel

AS_IS = "as it is"
WITHIN = "rank within landmark"


@dataclass(frozen=True, slots=True)
class PointScore:
    """One score of N films' L points.

    Attributes:
        name: of the measure, or "shape", "shape_sd", "combined".
        title: for tables and figures.
        scaled: ``AS_IS``, or ``WITHIN`` for the rank among the same landmark's points on these very films.
        values: (N, L), larger for more uncertain; NaN where there is none.
    """

    name: str
    title: str
    scaled: str
    values: NDArray[np.float64]


def point_scores(table: PointTable, shape: ShapeModel | None) -> list[PointScore]:
    """Every measure, the shape's residuals and their combination.

    The combination is the mean of the measures' ranks, each over all points: no weight is fitted.

    Args:
        table: predictions of N films.
        shape: of the training films' annotation; without it there are no residuals.

    Returns:
        The scores as they are, and after them ranked within each landmark.
    """
    scores = [PointScore(name, one.measure.title, AS_IS, one.turned) for name, one in measured(table).items()]
    if shape is not None:
        points = points_for_shape(table, shape)
        by_mm = np.stack([shape.residuals(each) for each in points])
        by_sd = np.stack([shape.standard_residuals(each) for each in points])
        scores.append(PointScore("shape", "shape residual, mm", AS_IS, by_mm))
        if "shape_residual" not in {one.name for one in scores}:  # what a bundle's own reference gives
            scores.append(PointScore("shape_sd", "shape residual, SD", AS_IS, by_sd))
    kinds = [one for one in scores if one.name != "shape_sd"]
    if len(kinds) > 1:
        combined = np.mean([ranked(one.values, within_landmark=False) for one in kinds], axis=0)
        scores.append(PointScore("combined", "mean rank of all", AS_IS, combined))
    within = [
        PointScore(one.name, one.title, WITHIN, ranked(one.values, within_landmark=True)) for one in scores
    ]
    return scores + within


def ranked(values: NDArray[np.float64], *, within_landmark: bool) -> NDArray[np.float64]:
    """Ranks as shares, from 0 to 1, among all points or among each landmark's (columns); NaN stays NaN.

    Example:
        >>> ranked(np.array([[5.0, 1.0], [6.0, 0.0]]), within_landmark=True)
        array([[0.25, 0.75],
               [0.75, 0.25]])
    """
    if within_landmark:
        return np.stack([ranked(column[:, None], within_landmark=False)[:, 0] for column in values.T], axis=1)
    ranks = np.full(values.shape, np.nan)
    there = ~np.isnan(values)
    count = int(there.sum())
    if count:
        ranks[there] = (midranks(values[there], np.ones((1, count)))[0] - 0.5) / count
    return ranks

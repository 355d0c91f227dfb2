"""Which true points lie outside the regions of a prediction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.uncertainty.prediction import Prediction, Region


def outside_share(prediction: Prediction, truth_px: NDArray[np.float64]) -> float | None:
    """Share of a film's true points outside their regions.

    Args:
        prediction: with regions.
        truth_px: (L, 2) true positions in px of the film as given, NaN where there is none.

    Returns:
        The share, or None where no landmark has both a region and a true point.
    """
    judged = [
        holds(mark.region, point)
        for mark, point in zip(prediction.landmarks, truth_px, strict=True)
        if mark.region is not None and np.isfinite(point).all()
    ]
    return 1.0 - sum(judged) / len(judged) if judged else None


def holds(region: Region, point_px: NDArray[np.float64]) -> bool:
    """Whether a region holds a point (2,) in px of the film as given; its edge belongs to it."""
    if region.whole_film:
        return True
    if region.outlines_px is not None:
        return sum(_surrounds(np.array(outline), point_px) for outline in region.outlines_px) % 2 == 1
    if region.centre_px is None or region.half_axes_px is None:
        return False
    axes = np.array(region.half_axes_px).T  # (2, 2): columns are half axes
    if abs(np.linalg.det(axes)) < 1e-12:
        return bool(np.allclose(point_px, region.centre_px))
    inside = np.linalg.solve(axes, point_px - np.array(region.centre_px))
    return bool(inside @ inside <= 1.0 + 1e-9)


def _surrounds(outline: NDArray[np.float64], point: NDArray[np.float64]) -> bool:
    """Whether a closed outline (N, 2) goes round a point: a ray from it crosses an odd number of times."""
    here, there = outline, np.roll(outline, -1, axis=0)
    crosses = (here[:, 1] > point[1]) != (there[:, 1] > point[1])
    rise = np.where(crosses, there[:, 1] - here[:, 1], 1.0)
    at = here[:, 0] + (point[1] - here[:, 1]) / rise * (there[:, 0] - here[:, 0])
    return int((crosses & (at > point[0])).sum()) % 2 == 1

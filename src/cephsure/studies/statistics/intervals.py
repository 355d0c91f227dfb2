"""Means and rates over films with their bootstrap intervals, of what is there."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cephsure.evaluation.bootstrap import percentile_interval
from cephsure.evaluation.errors import is_within

if TYPE_CHECKING:
    from numpy.typing import NDArray


def mean_of_known(values: NDArray[np.float64], *, axis: int) -> NDArray[np.float64]:
    """Mean over an axis of what is finite; NaN where nothing is, without numpy's warning.

    Examples:
        >>> mean_of_known(np.array([[1.0, np.nan], [3.0, np.nan]]), axis=0)
        array([ 2., nan])
    """
    there = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(there, values, 0.0).sum(axis=axis) / there.sum(axis=axis))


def success_curve(
    errors: NDArray[np.float64], radii: NDArray[np.float64], weights: NDArray[np.float64]
) -> pd.DataFrame:
    """The success detection rate as a curve: the share of points within each radius.

    Args:
        errors: (F, L) radial errors; NaN is a missing one.
        radii: (R,) in the same unit.
        weights: (B, F) resamples of the films, from ``bootstrap.film_weights``.

    Returns:
        A row a radius: "radii", "percent" of all points (NaN without any), and "low" and "high", the ends of
        the pointwise 95 % bootstrap interval.
    """
    points = np.isfinite(errors).sum(axis=1).astype(np.float64)  # (F,)
    within = np.stack([is_within(errors, radius).sum(axis=1) for radius in radii.tolist()], axis=1)  # (F, R)
    with np.errstate(invalid="ignore"):
        percent = 100.0 * within.sum(axis=0) / points.sum()
        draws = 100.0 * (weights @ within) / (weights @ points)[:, np.newaxis]  # (B, R)
    low, high = np.nanquantile(draws, [0.025, 0.975], axis=0) if points.any() else (percent, percent)
    return pd.DataFrame({"radii": radii, "percent": percent, "low": low, "high": high})


def equal_bins(
    values: NDArray[np.float64], scores: NDArray[np.float64], weights: NDArray[np.float64], *, bins: int = 10
) -> pd.DataFrame:
    """Mean value in each of K equally large bins of a score: a trend once its scatter is averaged away.

    Args:
        values: (F, L) what is averaged; NaN where there is none.
        scores: (F, L) what is binned; NaN where there is none.
        weights: (B, F) resamples of the films, from ``bootstrap.film_weights``.
        bins: K; fewer if there are fewer points.

    Returns:
        A row a bin, by rising score: "scores" and "means" of its points, and "low" and "high", the ends of
        the mean's 95 % bootstrap interval; films are resampled, the bins stay.
    """
    films, landmarks = np.nonzero(np.isfinite(values) & np.isfinite(scores))
    values, scores = values[films, landmarks], scores[films, landmarks]

    def means(part: NDArray[np.intp], block: NDArray[np.float64]) -> NDArray[np.float64]:
        """Means of the points of a bin whose films are drawn again."""
        drawn = block[:, films[part]]
        with np.errstate(invalid="ignore"):
            return np.asarray((drawn @ values[part]) / drawn.sum(axis=1))

    parts = [part for part in np.array_split(np.argsort(scores, kind="stable"), bins) if part.size]
    rows = [
        (scores[part].mean(), values[part].mean(), *percentile_interval(partial(means, part), weights))
        for part in parts
    ]
    return pd.DataFrame(rows, columns=["scores", "means", "low", "high"], dtype=float)

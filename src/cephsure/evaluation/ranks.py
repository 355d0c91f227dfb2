"""Ranks with ties, of resampled data too: a point drawn three times counts three times."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def midranks(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rank of each value within each of B weighted copies of the data; equal values share their mean rank.

    A whole-number weight w means that the value is there w times, so that ranks over bootstrap resamples come
    without building the resamples: one sort serves all of them.

    Args:
        values: (N,) values without NaN, at least one.
        weights: (B, N) how often each value is there.

    Returns:
        (B, N) ranks from 1; of values with weight 0 the rank they would take just outside their neighbours.

    Example:
        >>> midranks(np.array([5.0, 1.0, 5.0]), np.array([[1.0, 1.0, 1.0], [2.0, 1.0, 0.0]]))
        array([[2.5, 1. , 2.5],
               [2.5, 1. , 2.5]])
    """
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    in_order = weights[:, order]
    tied = np.add.reduceat(in_order, starts, axis=1) if len(starts) < len(values) else in_order
    of_groups = np.cumsum(tied, axis=1) - tied / 2.0 + 0.5  # (B, groups of equal values)
    sizes = np.diff(np.append(starts, len(values)))
    ranks = np.empty_like(weights)
    ranks[:, order] = np.repeat(of_groups, sizes, axis=1) if len(starts) < len(values) else of_groups
    return ranks

"""The mean of what is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def mean_of_known(values: NDArray[np.float64], *, axis: int) -> NDArray[np.float64]:
    """Mean over an axis of what is finite; NaN where nothing is, without numpy's warning.

    Example:
        >>> mean_of_known(np.array([[1.0, np.nan], [3.0, np.nan]]), axis=0)
        array([ 2., nan])
    """
    there = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        mean: NDArray[np.float64] = np.where(there, values, 0.0).sum(axis=axis) / there.sum(axis=axis)
    return mean

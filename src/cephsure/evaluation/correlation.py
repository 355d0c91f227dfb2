"""Pearson and Spearman correlation, of the data and of weighted copies of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cephsure.evaluation.ranks import midranks

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

# Below this share of the squared values, a variance is the rounding of a constant's mean.
_CONSTANT = 1e-24


def pearson(x: ArrayLike, y: ArrayLike) -> float:
    """Pearson's correlation coefficient.

    Args:
        x: (N,) values; pairs with a NaN are left out.
        y: (N,) values.

    Returns:
        The coefficient; NaN if fewer than two pairs are left or one side is constant.

    Example:
        >>> round(pearson([1, 2, 3], [2, 4, 7]), 4)
        0.9934
    """
    x, y = _pairs(x, y)
    return float(weighted_pearson(x, y, np.ones((1, len(x))))[0])


def spearman(x: ArrayLike, y: ArrayLike) -> float:
    """Spearman's rank correlation: Pearson's coefficient of the ranks, equal values sharing their mean rank.

    Args:
        x: (N,) values; pairs with a NaN are left out.
        y: (N,) values.

    Returns:
        The coefficient; NaN if fewer than two pairs are left or one side is constant.

    Example:
        >>> spearman([1, 2, 3], [1, 10, 100])
        1.0
    """
    x, y = _pairs(x, y)
    return float(weighted_spearman(x, y, np.ones((1, len(x))))[0])


def weighted_pearson(
    x: NDArray[np.float64], y: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Pearson's coefficient in each of B weighted copies of the data.

    Args:
        x: (N,) or (B, N) values without NaN.
        y: (N,) or (B, N) values without NaN.
        weights: (B, N) how often each pair is there.

    Returns:
        (B,) coefficients; NaN where one side is constant or nothing is there.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        count = weights.sum(axis=1, keepdims=True)
        dx = x - (weights * x).sum(axis=1, keepdims=True) / count
        dy = y - (weights * y).sum(axis=1, keepdims=True) / count
        xx, yy, xy = ((weights * product).sum(axis=1) for product in (dx * dx, dy * dy, dx * dy))
        constant = (xx <= _CONSTANT * (weights * x * x).sum(axis=1)) | (
            yy <= _CONSTANT * (weights * y * y).sum(axis=1)
        )
        coefficients = np.clip(xy / np.sqrt(xx * yy), -1.0, 1.0)
    found: NDArray[np.float64] = np.where(constant, np.nan, coefficients)
    return found


def weighted_spearman(
    x: NDArray[np.float64], y: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Spearman's coefficient in each of B weighted copies of the data.

    Args:
        x: (N,) values without NaN.
        y: (N,) values without NaN.
        weights: (B, N) how often each pair is there, whole numbers.

    Returns:
        (B,) coefficients; NaN where one side is constant or nothing is there.
    """
    if len(x) == 0:
        return np.full(len(weights), np.nan)
    return weighted_pearson(midranks(x, weights), midranks(y, weights), weights)


def _pairs(x: ArrayLike, y: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Flat float64 copies of the pairs that have both values."""
    first = np.asarray(x, dtype=np.float64).ravel()
    second = np.asarray(y, dtype=np.float64).ravel()
    if len(first) != len(second):
        raise ValueError(f"{len(first)} and {len(second)} values are not pairs")
    there = ~(np.isnan(first) | np.isnan(second))
    return first[there], second[there]

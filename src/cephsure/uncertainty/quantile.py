"""Quantiles of conformal prediction, exact for any number of calibration scores or films.

A level that does not lie between 0 and 1 is an InputError everywhere.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from cephsure.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

LEVELS = (0.5, 0.8, 0.9, 0.95)
"""The levels that reports and tables show."""


def check_level(level: float) -> float:
    """The level, if it is one."""
    if not 0.0 < level < 1.0:
        raise InputError(f"a level lies between 0 and 1, not {level:g}", remedy="90 % is 0.9")
    return level


def conformal_rank(n_scores: int, level: float) -> int:
    """Rank of the calibration score that bounds a region: ceil((n + 1) level).

    The score of a new point, exchangeable with the n calibration scores, has any of the n + 1 ranks among
    them with equal probability; it is at most the k-th smallest of the n with probability k / (n + 1), and
    ceil((n + 1) level) is the smallest k for which that is the level or more. The level is taken as the
    decimal number it is written as: 0.55 of 20 is 11, where binary arithmetic makes it a little more, and 12.
    A rank of n + 1 means that there are too few scores: no score bounds the region.

    Source: Vovk, Gammerman & Shafer, Algorithmic Learning in a Random World (2005), proposition 2.4; Lei et
    al., JASA 113 (2018), theorem 2.2.

    >>> conformal_rank(19, 0.95), conformal_rank(18, 0.95), conformal_rank(20, 0.95)
    (19, 19, 20)
    """
    return math.ceil((n_scores + 1) * Fraction(str(check_level(level))))


def conformal_quantile(scores: ArrayLike, level: float) -> float:
    """The bound on scores that a new one keeps with the probability ``level`` or more.

    The score of rank ``conformal_rank`` of (n,) calibration scores in any order, larger ones meaning worse;
    infinity where there are too few. Infinite ones are scores too, NaN are left out.

    >>> conformal_quantile([3.0, 1.0, 2.0, 4.0], 0.5), conformal_quantile([1.0], 0.9)
    (3.0, inf)
    """
    known = np.asarray(scores, dtype=np.float64)
    known = np.sort(known[~np.isnan(known)])
    rank = conformal_rank(len(known), level)
    return float(known[rank - 1]) if rank <= len(known) else math.inf

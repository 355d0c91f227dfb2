"""Conformal quantiles from few films with many points each: points of one film count as one film."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from cephsure.uncertainty.conformal.quantile import check_level

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def pooled_quantile(scores: NDArray[np.float64], level: float, *, groups: Sequence[str]) -> float:
    """The bound that the score of a random point of a new film keeps with the probability ``level``.

    With K independent films (or groups) each has the weight 1 / (K + 1), parted equally among its points,
    and infinity has the last 1 / (K + 1) for the new film; the bound is the smallest score up to which the
    weights reach the level. Exact for any K and any dependence between the points of a film; with
    K < level / (1 - level) there is no bound but infinity.

    Args:
        scores: (F, L), larger meaning worse, NaN where not known.
        level: the probability wanted.
        groups: (F,) films that belong together have one name and count as one.

    Returns:
        The bound, or infinity.

    Raises:
        InputError: the level does not lie between 0 and 1.

    Source: Dunn, Wasserman & Ramdas, Journal of the American Statistical Association 118 (2023), pooling of
    distribution functions; Lee, Barber & Willett, arXiv:2306.06342 (2023), theorem 1.

    >>> pooled_quantile(np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), 0.5, groups=["a", "b", "c"])
    4.0
    """
    check_level(level)
    units: dict[str, list[float]] = {}
    for row, name in zip(scores, groups, strict=True):
        found = row[~np.isnan(row)]
        if len(found):
            units.setdefault(name, []).extend(found.tolist())
    # Whole numbers keep the weights exact: a film has ``whole``, each of its points an equal part of it.
    whole = math.lcm(*(len(values) for values in units.values()))
    wanted = math.ceil(Fraction(str(level)) * whole * (len(units) + 1))
    reached = 0
    for score, weight in sorted((s, whole // len(values)) for values in units.values() for s in values):
        reached += weight
        if reached >= wanted:
            return score
    return math.inf

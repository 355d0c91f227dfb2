"""How far a film is out of the distribution of the calibration films: one exact p-value of all its signs.

Let s_1 .. s_n be the signs of the calibration films and s_0 those of a new film. Each sign is put on one
scale by the median m and the spread q of *all n + 1* films, t_i = max over the signs of w (s_i - m) / q
with weights w fixed beforehand (|s_i - m| for a sign of two sides), and

    p = (number of the n + 1 films with t_i >= t_0) / (n + 1).

The new film takes part in the scale like any other, so that n + 1 exchangeable films have exchangeable t, and
p <= alpha has at most the probability alpha, for any n, any signs and any dependence between them (Vovk,
Gammerman & Shafer, Algorithmic Learning in a Random World, 2005, proposition 2.8; Bates et al., Annals of
Statistics 51 (2023), on testing for outliers). With the largest of many signs there is nothing to divide
alpha by: the signs share it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cephsure.uncertainty.gate.signs import FILM_SIGNS, Sign

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# From the median to the 84th percentile is one standard deviation of a normal sign, and to the 97.7th two:
# what is out of distribution lies above, so the spread is measured there. Of a sign of two sides the sizes of
# the deviations have these at the 68th and the 95.4th.
_UPPER, _EITHER = (0.84, 0.977), (0.68, 0.954)


@dataclass(frozen=True, slots=True)
class OutOfDistribution:
    """How far a film is out of the distribution of calibration films.

    Attributes:
        p_value: share of n + 1 films that are as far out or further; 1 / (n + 1) is the least there is.
        p_of_head: the same by the signs of the head alone.
        sign_p_values: (S,) the same for each sign alone.
        deviations: (S,) each sign's distance above the median (or from it), in spreads.
        strengths: (S,) deviations times weights: how much each sign says.
    """

    p_value: float
    p_of_head: float
    sign_p_values: NDArray[np.float64]
    deviations: NDArray[np.float64]
    strengths: NDArray[np.float64]


def out_of_distribution(
    signs: NDArray[np.float64],
    known: NDArray[np.float64],
    taken: Sequence[Sign] = tuple(FILM_SIGNS.values()),
) -> OutOfDistribution:
    """Compare a film with calibration films; a sign that hardly differs among all films says nothing.

    Of its (S,) signs, larger further out, infinite further out than all, NaN where one is not known and says
    nothing; those ``known`` of the (n, S) calibration films; and how each of S signs is taken.

    >>> rng = np.random.default_rng(1)
    >>> usual = rng.normal(size=(99, 3))
    >>> out_of_distribution(np.array([0.0, 9.0, 0.0]), usual, [Sign(1.0)] * 3).p_value
    0.01
    """
    heights = _in_spreads(np.vstack([known.reshape(-1, len(signs)), signs]), taken)
    strengths = heights * np.array([sign.weight for sign in taken])
    of_head = np.array([sign.of_head for sign in taken])
    return OutOfDistribution(
        p_value=_share(strengths.max(axis=1)),
        p_of_head=_share(strengths[:, of_head].max(axis=1, initial=-np.inf)),
        sign_p_values=(heights >= heights[-1]).mean(axis=0),
        deviations=heights[-1],
        strengths=strengths[-1],
    )


def _share(films: NDArray[np.float64]) -> float:
    """Share of all films that are as far out as the last, or further."""
    return float((films >= films[-1]).mean())


def _in_spreads(films: NDArray[np.float64], taken: Sequence[Sign]) -> NDArray[np.float64]:
    """Each sign less its median, over its spread, both of all films; -inf for a sign that does not vary.

    Quantiles are order statistics: a film with infinite signs moves them by one rank at most.
    """
    two_sided = np.array([sign.two_sided for sign in taken])
    least = np.array([sign.least_spread for sign in taken])
    known = ~np.isnan(films)
    some = np.where(known.any(axis=0), films, 0.0)
    middle = np.nanquantile(some, 0.5, axis=0, method="lower")
    with np.errstate(invalid="ignore"):
        away = np.where(known, some - middle, 0.0)
        away = np.where(two_sided, np.abs(away), away)
        quantiles = [np.quantile(away, each, axis=0, method="lower") for each in (_UPPER, _EITHER)]
        once, twice = np.where(two_sided, quantiles[1], quantiles[0])
        spread = np.maximum(once, twice / 2)
        heights = away / np.maximum(spread, least)
    varies = np.isfinite(middle) & np.isfinite(spread) & ((spread > least) | (least > _LEAST))
    return np.where(varies & known, heights, -np.inf)


_LEAST = Sign(1.0).least_spread

"""How strange a film is among calibration films: one exact p-value from many signs.

Let s_1 .. s_n be the signs of the calibration films and s_0 those of a new film. Each sign is put on one
scale by the median m and the spread q of *all n + 1* films, t_i = max over the signs of w (s_i - m) / q
with weights w fixed beforehand, and

    p = (number of the n + 1 films with t_i >= t_0) / (n + 1).

The new film takes part in the scale like any other, so that n + 1 exchangeable films have exchangeable t, and
p <= alpha has at most the probability alpha, for any n, any signs and any dependence between them (Vovk,
Gammerman & Shafer, Algorithmic Learning in a Random World, 2005, proposition 2.8; Bates et al., Annals of
Statistics 51 (2023), on strangers among films). With the largest of many signs there is nothing to divide
alpha by: the signs share it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# From the median to the 84th percentile is one standard deviation of a normal sign, and to the 97.7th two:
# what is strange lies above, so the spread is measured there.
_UPPER = (0.84, 0.977)
_LEAST_SPREAD = 1e-9


@dataclass(frozen=True, slots=True)
class Strangeness:
    """How strange a film is.

    Attributes:
        p_value: share of n + 1 films that are as strange or stranger; 1 / (n + 1) is the least there is.
        sign_p_values: (S,) the same for each sign alone.
        deviations: (S,) each sign's distance above the median, in spreads.
        strengths: (S,) deviations times weights: how much each sign says.
    """

    p_value: float
    sign_p_values: NDArray[np.float64]
    deviations: NDArray[np.float64]
    strengths: NDArray[np.float64]


def strangeness(
    signs: NDArray[np.float64], known: NDArray[np.float64], weights: NDArray[np.float64]
) -> Strangeness:
    """Compare a film with calibration films.

    Args:
        signs: (S,) of the film, larger for stranger; infinite is stranger than all, NaN counts as that.
        known: (n, S) of the calibration films.
        weights: (S,) how much a sign's deviation counts, positive.

    Returns:
        Its p-values. A sign that hardly differs among all films says nothing.

    >>> rng = np.random.default_rng(1)
    >>> usual = rng.normal(size=(99, 3))
    >>> strangeness(np.array([0.0, 9.0, 0.0]), usual, np.ones(3)).p_value
    0.01
    """
    films = np.vstack([known.reshape(-1, len(signs)), signs])
    films = np.where(np.isnan(films), np.inf, films)
    heights = _in_spreads(films)
    strengths = heights * weights
    strongest = strengths.max(axis=1)
    count = len(films)
    return Strangeness(
        p_value=float((strongest >= strongest[-1]).sum() / count),
        sign_p_values=(films >= films[-1]).sum(axis=0) / count,
        deviations=heights[-1],
        strengths=strengths[-1],
    )


def _in_spreads(films: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each sign less its median, over its spread, both of all films; -inf for a sign that does not vary.

    Quantiles are order statistics: a film with infinite signs moves them by one rank at most.
    """
    middle, upper, top = np.quantile(films, (0.5, *_UPPER), axis=0, method="lower")
    with np.errstate(invalid="ignore"):
        spread = np.maximum(upper - middle, (top - middle) / 2)
        heights = (films - middle) / np.maximum(spread, _LEAST_SPREAD)
    varies = np.isfinite(middle) & np.isfinite(spread) & (spread > _LEAST_SPREAD)
    kept: NDArray[np.float64] = np.where(varies, heights, -np.inf)
    return kept

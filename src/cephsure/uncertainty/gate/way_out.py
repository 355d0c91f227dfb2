"""The way out where a gate accepts nothing, or next to nothing: how many films more, or a site's own."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

import numpy as np

from cephsure.uncertainty.gate.risk_control import (
    BETS,
    accepted_points,
    candidate_thresholds,
    fewest_films,
    film_losses,
    unit_means,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cephsure.uncertainty.gate.gate import GateTarget

USEFUL_SHARE = 0.05
"""Share of the points that a gate must accept to be of use."""

_MOST_FILMS = 10_000  # more than anybody corrects
SITE_CALIBRATE = "correct ten films of this site and run: cephsure site-calibrate"


def films_needed(
    errors_mm: NDArray[np.float64], scores: NDArray[np.float64], groups: Sequence[str], target: GateTarget
) -> float:
    """How many independent films with losses like these would give a gate that is of use.

    The arguments are those of ``risk_control.learn_rule``. Every threshold up to the first that accepts
    ``USEFUL_SHARE`` of the points must pass; each film is taken to be there more than once. Infinite where
    ten thousand films are not enough, or no threshold is of use.
    """
    known = np.isfinite(errors_mm)
    wrong = known & (errors_mm > target.tolerance_mm)
    _, units = np.unique(np.asarray(groups), return_inverse=True)
    need: float = fewest_films(target.max_missed_rate, target.confidence)
    for threshold in candidate_thresholds(target.tolerance_mm):
        accepted = known & accepted_points(scores, threshold)
        need = max(need, _films_like(unit_means(film_losses(wrong, accepted), units), target))
        if accepted.sum() >= USEFUL_SHARE * known.sum() or need == np.inf:
            return need
    return np.inf


def _films_like(losses: NDArray[np.float64], target: GateTarget) -> float:
    """The least films that show the rate is kept, if their losses are distributed like these."""
    bound, shown = target.max_missed_rate, 1.0 / (1.0 - target.confidence)
    bets = np.array(BETS) / (1.0 - bound)
    with np.errstate(divide="ignore"):  # a film of loss 1 takes all of the highest bet
        growth = np.log1p(bets * (bound - losses[:, None])).mean(axis=0)  # of the logarithm of wealth, a film

    def enough(n_films: int) -> bool:  # as ``risk_control.wealth`` has it
        return float(np.mean(np.exp(np.minimum(n_films * growth, 700.0)))) >= shown

    return 1 + bisect_left(range(1, _MOST_FILMS), True, key=enough) if enough(_MOST_FILMS) else np.inf


def way_out(
    n_units: int, target: GateTarget, *, as_now: float | None, for_shape: int = 0, at_site: bool = False
) -> tuple[str, ...]:
    """What to do where a gate accepts nothing, in one line or two.

    Args:
        n_units: independent films, or groups of films, that there are.
        target: what is asked of the gate.
        as_now: what ``films_needed`` says; None where it is not known.
        for_shape: films that gave the shape of heads, which are needed besides.
        at_site: whether the model is fitted to the films' site already.
    """
    fewest = fewest_films(target.max_missed_rate, target.confidence)
    line = f"way out: {fewest} independent films are enough if none of the points accepted is wrong"
    line += f", there {'is' if n_units == 1 else 'are'} {n_units}"
    if for_shape:
        line += f" besides the {for_shape} that gave the shape of heads"
    if as_now == np.inf:
        line += "; with as many wrong among the surest points as here, more films will not help"
    elif as_now is not None and as_now > fewest:
        line += f"; with as many wrong as here, about {as_now:.0f} are"
    return (line,) if at_site else (line, f"or {SITE_CALIBRATE}")

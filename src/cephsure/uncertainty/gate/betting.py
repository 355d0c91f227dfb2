"""Evidence that the mean of a bounded loss is small, whatever its distribution, by betting on it."""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import TYPE_CHECKING

import numpy as np

from cephsure.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

BETS = (0.5, 1.0)
"""Shares of the highest bet that can be paid, between which the stake is parted. They are fixed before any
data are seen. High ones suit losses that are small on every film, which is what a gate is used for."""


def wealth(losses: ArrayLike, bound: float) -> float:
    """What a bettor with a stake of 1 ends with who bets that the mean loss is below ``bound``.

    A part of the stake is bet at each share c of ``BETS``: with b = c / (1 - bound) it grows to

        W_b = product over films of (1 + b (bound - loss)).

    Where the films are independent and the mean loss is ``bound`` or more, each factor's mean is
    1 + b (bound - mean) <= 1, so the mean of W_b is at most 1, and so is that of their average W. By Markov's
    inequality W reaches 1 / delta with probability delta at most: min(1, 1 / W) is a p-value for the
    hypothesis "the mean loss is ``bound`` or more". The order of the films does not matter, and losses that
    hardly vary from film to film need far fewer films than with Hoeffding's or the binomial bound.

    Args:
        losses: (n,) one loss a film (a group of films that belong together counts as one), from 0 to 1.
        bound: between 0 and 1.

    Returns:
        W, 0 or more.

    Raises:
        InputError: a loss or the bound is out of its range.

    Source: Waudby-Smith & Ramdas, Journal of the Royal Statistical Society B 86 (2024), section 4; as a
    p-value of learn-then-test: Angelopoulos, Bates, Candes, Jordan & Lei, arXiv:2110.01052 (2021), section 2.

    >>> wealth([0.0] * 44, 0.05) < 10 < wealth([0.0] * 60, 0.05), wealth([], 0.05)
    (True, 1.0)
    """
    known = np.asarray(losses, dtype=np.float64).ravel()
    _check_bound(bound)
    if not ((known >= 0.0) & (known <= 1.0)).all():
        raise InputError("a loss lies between 0 and 1")
    with np.errstate(divide="ignore"):  # a film of loss 1 takes all of the highest bet: its logarithm is -inf
        logs = [np.log1p(bet * (bound - known)).sum() for bet in _bets(bound)]
    # Evidence beyond e^700 is no number any more, and no question either.
    return float(np.mean(np.exp(np.minimum(logs, 700.0))))


def fewest_films(bound: float, confidence: float) -> int:
    """How many films are needed to show that the mean loss is below ``bound``, if none has any loss.

    Args:
        bound: between 0 and 1.
        confidence: 1 - delta, between 0 and 1.

    Returns:
        The smallest n whose wealth reaches 1 / delta.

    >>> fewest_films(0.05, 0.9), fewest_films(0.1, 0.9)
    (54, 27)
    """
    if not 0.0 < confidence < 1.0:
        raise InputError(f"a confidence lies between 0 and 1, not {confidence:g}")
    _check_bound(bound)
    # With the highest bet alone, half the stake, so many are enough.
    enough = math.ceil(math.log(2.0 / (1.0 - confidence)) / -math.log1p(-bound))
    growth = np.log1p(_bets(bound) * bound)
    return 1 + bisect_left(
        range(1, enough + 1),
        1.0 / (1.0 - confidence),
        key=lambda n_films: float(np.mean(np.exp(np.minimum(n_films * growth, 700.0)))),
    )


def _bets(bound: float) -> NDArray[np.float64]:
    # 1 + b (bound - loss) is 0 for the highest bet and a loss of 1: nobody can be asked for more.
    return np.array(BETS) / (1.0 - bound)


def _check_bound(bound: float) -> None:
    if not (0.0 < bound < 1.0 and math.isfinite(bound)):
        raise InputError(f"a rate lies between 0 and 1, not {bound:g}", remedy="5 % is 0.05")

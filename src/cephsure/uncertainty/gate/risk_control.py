"""Risk control: which points may be taken as they are, with a promise about those of them that are wrong.

**The loss.** On a film the gate accepts some of the points; those of them that are off by more than the
tolerance are missed. The film's loss is missed / accepted, and 0 where nothing is accepted; its mean over
films is the false discovery rate of acceptance (Benjamini & Hochberg 1995). Points of one film depend on
each other, so the film is the unit, not the point: one loss a film, or a group of films that belong together.

**The promise.** With probability ``confidence`` or more over the draw of the calibration films, the mean
loss on further films of the same source is at most the rate asked for.

**The proof.** Learn-then-test by fixed sequence: thresholds that were fixed beforehand are tested from the
strictest on, each by the hypothesis "its mean loss is above the rate", until the first that cannot be
rejected. A threshold that breaks the promise is passed only if the first such one is rejected wrongly,
which happens with probability 1 - confidence at most (Angelopoulos, Bates, Candes, Jordan & Lei,
arXiv:2110.01052, 2021, theorem 1 and section 2.3). The test of each is a bet (``wealth``).
A film with few acceptable points has none accepted (``FEWEST_SHARE``): one miss among two points would be
a loss of a half, and so much noise, from films that are looked at anyway, would drown the strict thresholds.

It needs films that are drawn independently from one source, calibration films and later ones alike. It says
nothing about one film, one landmark, another site, another scanner or another annotator. To judge further
films or points *not* acceptable as a whole film keeps it: a film whose points are all reviewed has loss 0.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cephsure.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

MISFIT = 3.0
"""Standard residual from which a landmark does not fit the others and is never accepted; fixed beforehand.
It is 1 in root mean square, and above 3 for one of some 8000 normal residuals."""

FEWEST_SHARE = 0.1
"""Share of its landmarks that must be acceptable for any of a film's to be accepted; fixed beforehand."""

_STEPS = np.arange(-150, 151)
_RATIO = 1.02

BETS = (0.5, 1.0)
"""Shares of the highest bet that can be paid, between which the stake is parted. They are fixed before any
data are seen. High ones suit losses that are small on every film, which is what a gate is used for."""


@dataclass(frozen=True, slots=True)
class AcceptanceRule:
    """Points whose score is at most a threshold are accepted.

    Attributes:
        threshold: of the score, or None: none can be shown to keep the rate, and nothing is accepted.
        accepted_share: share of the calibration points with a known error that it accepts.
        missed_share: share of those accepted that are off by more than the tolerance; 0 if there are none.
        caught_share: share of all points off by more than the tolerance that are not accepted; 1 if none is.
        mean_loss: mean loss of the ``units``, which the promise is about.
        units: independent films, or groups of films, that it was tested on.
    """

    threshold: float | None
    accepted_share: float
    missed_share: float
    caught_share: float
    mean_loss: float
    units: int


def acceptance_scores(measure_mm: NDArray[np.float64], misfits: NDArray[np.float64]) -> NDArray[np.float64]:
    """(..., L) scores that points are accepted by: the measure, infinite for a misfit and without a scale."""
    never = np.isnan(measure_mm) | ~(misfits <= MISFIT)
    return np.where(never, np.inf, measure_mm)


def candidate_thresholds(tolerance_mm: float) -> NDArray[np.float64]:
    """Thresholds in mm, fixed by the tolerance alone, strictest first: a twentieth to twenty times of it."""
    if not 0.0 < tolerance_mm < np.inf:
        raise InputError(f"a tolerance is a positive number of mm, not {tolerance_mm:g}")
    return tolerance_mm * _RATIO ** _STEPS.astype(np.float64)


def accepted_points(scores: NDArray[np.float64], threshold: float | None) -> NDArray[np.bool_]:
    """(..., L) points with a score up to the threshold, on films where ``FEWEST_SHARE`` of them have one.

    The threshold None accepts nothing, and so does a score that is infinite or NaN.

    >>> accepted_points(np.array([[1.0, 5, 5, 5, 5], [1, 2, 5, 5, 5]]), 3.0).tolist()
    [[False, False, False, False, False], [True, True, False, False, False]]
    """
    acceptable: NDArray[np.bool_] = scores <= (-np.inf if threshold is None else threshold)
    enough = acceptable.sum(axis=-1, keepdims=True) >= FEWEST_SHARE * scores.shape[-1]
    return np.asarray(acceptable & enough)


def film_losses(wrong: NDArray[np.bool_], accepted: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(F,) missed / accepted of each film, 0 where nothing is: (F, L) points too far off, and accepted.

    Points without a known error do not count: they are neither.
    """
    return np.asarray((wrong & accepted).sum(axis=1) / np.maximum(accepted.sum(axis=1), 1))


def unit_means(values: NDArray[np.float64], units: NDArray[np.intp]) -> NDArray[np.float64]:
    """Mean over the films of each unit (F,), numbered from 0: one value for what is drawn independently."""
    return np.bincount(units, weights=values) / np.bincount(units)


def learn_rule(
    errors_mm: NDArray[np.float64],
    scores: NDArray[np.float64],
    *,
    groups: Sequence[str],
    max_missed_rate: float,
    tolerance_mm: float,
    confidence: float,
) -> AcceptanceRule:
    """The most generous threshold that keeps the promise; None where not even the strictest can be shown to.

    Of (F, L) radial errors, NaN where they are not known, and (F, L) scores in mm that rise with them, NaN or
    infinite for a point that is never accepted; the scores must not have been fitted to these films' errors.
    A film that stands alone is a group with a name of its own. The targets are those of ``GateTarget``; one
    out of its range, or shapes that do not fit, are an InputError.
    """
    if not 0.0 < confidence < 1.0:
        raise InputError(f"a confidence lies between 0 and 1, not {confidence:g}", remedy="90 % is 0.9")
    if errors_mm.shape != scores.shape or len(groups) != len(scores):
        raise InputError(
            f"errors {errors_mm.shape}, scores {scores.shape} and {len(groups)} films do not fit"
        )
    known = np.isfinite(errors_mm)
    wrong = known & (errors_mm > tolerance_mm)
    _, units = np.unique(np.asarray(groups), return_inverse=True)
    passed, before, shown = None, None, False
    for threshold in candidate_thresholds(tolerance_mm):
        accepted = known & accepted_points(scores, threshold)
        if before is None or (accepted != before).any():  # the same points have the same losses
            losses = unit_means(film_losses(wrong, accepted), units)
            before, shown = accepted, wealth(losses, max_missed_rate) >= 1.0 / (1.0 - confidence)
        if not shown:
            break
        passed = float(threshold)
    accepted = known & accepted_points(scores, passed)
    missed = int((wrong & accepted).sum())
    return AcceptanceRule(
        # A threshold below every score accepts nothing: there is none that is of use.
        threshold=passed if accepted.any() else None,
        accepted_share=float(accepted.sum() / max(known.sum(), 1)),
        missed_share=missed / max(int(accepted.sum()), 1),
        caught_share=1.0 - missed / max(int(wrong.sum()), 1),
        mean_loss=float(unit_means(film_losses(wrong, accepted), units).mean()) if len(scores) else 0.0,
        units=len(set(groups)),
    )


def wealth(losses: ArrayLike, bound: float) -> float:
    """What a bettor with a stake of 1 ends with who bets that the mean loss is below ``bound``.

    A part of the stake is bet at each share c of ``BETS``: with b = c / (1 - bound) it grows to

        W_b = product over films of (1 + b (bound - loss)).

    Where the films are independent and the mean loss is ``bound`` or more, each factor's mean is
    1 + b (bound - mean) <= 1, so the mean of W_b is at most 1, and so is that of their average W. By Markov's
    inequality W reaches 1 / delta with probability delta at most: min(1, 1 / W) is a p-value for the
    hypothesis "the mean loss is ``bound`` or more". The order of the films does not matter, and losses that
    hardly vary from film to film need far fewer films than with Hoeffding's or the binomial bound.

    The (n,) losses, one a film or a group of films that belong together, lie from 0 to 1, and the bound
    between 0 and 1; others are an InputError.

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

    The smallest n whose wealth reaches 1 / delta; bound and confidence, 1 - delta, lie between 0 and 1.

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
    if not 0.0 < bound < 1.0:
        raise InputError(f"a rate lies between 0 and 1, not {bound:g}", remedy="5 % is 0.05")

"""Empirical Bayes: many noisy estimates of like things, drawn to their common centre as far as noise says.

Estimate l errs with variance v_l round its own truth, and the truths vary with variance t round a centre c:

    estimate_l ~ N(truth_l, v_l),  truth_l ~ N(c, t),  so  E[truth_l | estimate_l] = c + w_l (estimate_l - c)
    with w_l = t / (t + v_l).

With many films v_l is small and a landmark keeps its own value; with few it takes the pool's. t is the
estimate of DerSimonian & Laird, Controlled Clinical Trials 7 (1986), 0 where the estimates differ no more
than their noise explains.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def shrink(
    estimates: NDArray[np.float64], variances: NDArray[np.float64], *, centre: float | None = None
) -> NDArray[np.float64]:
    """(L,) estimates drawn to their centre; the centre where there is no estimate.

    Args:
        estimates: (L,), NaN where there is none.
        variances: (L,) of their errors; those that are not positive and finite count as no estimate.
        centre: where the truths lie round, if known; otherwise it is estimated, or 0 without estimates.

    Examples:
        >>> shrink(np.array([0.0, 10.0]), np.array([1.0, 1.0])).round(2)  # more apart than noise makes them
        array([0.1, 9.9])
        >>> shrink(np.array([0.0, 1.0]), np.array([1.0, 1.0]))
        array([0.5, 0.5])
    """
    known = np.isfinite(estimates) & np.isfinite(variances) & (variances > 0)
    if not known.any():
        return np.full(len(estimates), 0.0 if centre is None else centre)
    x, v = estimates[known], variances[known]
    weights = 1.0 / v
    middle = float(np.average(x, weights=weights)) if centre is None else centre
    excess = float((weights * (x - middle) ** 2).sum())
    if centre is None:  # one degree of freedom went into the centre
        expected = len(x) - 1.0
        scale = float(weights.sum() - (weights**2).sum() / weights.sum())
    else:
        expected, scale = float(len(x)), float(weights.sum())
    between = max(0.0, (excess - expected) / scale) if scale > 0 else 0.0
    if centre is None:
        middle = float(np.average(x, weights=1.0 / (v + between)))
    values = np.full(len(estimates), middle)
    values[known] += between / (between + v) * (x - middle)
    return values

"""Risk and coverage: how good what is kept becomes as the most uncertain is referred to an expert."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True)
class RiskCoverage:
    """Mean error of the k most certain of N points, k = 1 ... N.

    Attributes:
        coverage: (N,) share that is kept, k / N.
        risk: (N,) mean error of what is kept, in the errors' unit; among points of equal uncertainty the
            expected value if they are kept in random order.
    """

    coverage: NDArray[np.float64]
    risk: NDArray[np.float64]


def risk_coverage(errors: ArrayLike, scores: ArrayLike) -> RiskCoverage:
    """The curve of mean error against coverage.

    Args:
        errors: (N,) errors, or any loss.
        scores: (N,) larger for more uncertain; pairs with a NaN are left out.

    Returns:
        The curve, its tie handling exact.

    Example:
        >>> risk_coverage([1.0, 3.0, 8.0], [0.1, 0.5, 0.5]).risk  # 3 or 8 comes second, as likely
        array([1.  , 3.25, 4.  ])
    """
    losses, values = _paired(errors, scores)
    kept = np.arange(1, len(values) + 1, dtype=np.float64)
    order = UncertaintyOrder.of(values, np.ones((1, len(values))))
    # Linear within ties, as an expected sum is.
    ends = np.concatenate([[0.0], order.ends[0]])
    sums = np.interp(kept, ends, np.concatenate([[0.0], np.cumsum(order.sums(losses)[0])]))
    return RiskCoverage(coverage=kept / max(len(values), 1), risk=sums / kept)


def aurc(errors: ArrayLike, scores: ArrayLike) -> float:
    """Area under the risk-coverage curve: the mean of the risks over k = 1 ... N kept points.

    Args:
        errors: (N,) errors, or any loss.
        scores: (N,) larger for more uncertain; pairs with a NaN are left out.

    Returns:
        The area in the errors' unit; the errors' own mean for a score that tells nothing. NaN without points.

    Source: Geifman, Uziel & El-Yaniv, ICLR 2019.

    Example:
        >>> aurc([1.0, 3.0, 8.0], [0.1, 0.5, 0.5])
        2.75
    """
    losses, values = _paired(errors, scores)
    return float(weighted_aurc(losses, values, np.ones((1, len(values))))[0])


def weighted_aurc(
    errors: NDArray[np.float64], scores: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Area under the risk-coverage curve in each of B weighted copies of the data.

    W points of equal score and mean error g, after K points with the sum S of errors, add

        sum over k = K + 1 ... K + W of (S + (k - K) g) / k  =  W g + (S - K g) (H(K + W) - H(K))

    with the harmonic numbers H, so that ties, a point drawn several times among them, cost no simulation.

    Args:
        errors: (N,) without NaN.
        scores: (N,) without NaN, larger for more uncertain.
        weights: (B, N) how often each point is there, whole numbers.

    Returns:
        (B,) areas; NaN for a copy without points.
    """
    return UncertaintyOrder.of(scores, weights).area(errors)


@dataclass(frozen=True, slots=True)
class UncertaintyOrder:
    """Points of equal score in groups, the most certain first, in each of B weighted copies of the data.

    Attributes:
        order: (N,) the points by rising score.
        firsts: (G,) where in this order a group begins.
        drawn: (B, N) the weights in this order.
        starts: (B, G) how many points come before a group.
        ends: (B, G) how many there are with it.
    """

    order: NDArray[np.intp]
    firsts: NDArray[np.intp]
    drawn: NDArray[np.float64]
    starts: NDArray[np.float64]
    ends: NDArray[np.float64]

    @classmethod
    def of(cls, scores: NDArray[np.float64], weights: NDArray[np.float64]) -> UncertaintyOrder:
        """Sort and group; one sort serves all copies.

        Args:
            scores: (N,) without NaN, larger for more uncertain.
            weights: (B, N) how often each point is there.
        """
        order = np.argsort(scores, kind="stable")
        ordered = scores[order]
        firsts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)])
        drawn = weights[:, order]
        counts = _by_group(drawn, firsts)
        ends = np.cumsum(counts, axis=1)
        return cls(order, firsts, drawn, ends - counts, ends)

    def sums(self, losses: NDArray[np.float64]) -> NDArray[np.float64]:
        """(B, G) the sum of the losses (N,) in each group."""
        return _by_group(self.drawn * losses[self.order], self.firsts)

    def area(self, losses: NDArray[np.float64]) -> NDArray[np.float64]:
        """(B,) areas under the risk-coverage curves, by the formula of ``weighted_aurc``."""
        sums = self.sums(losses)
        counts = self.ends - self.starts
        means = sums / np.where(counts > 0, counts, 1.0)
        harmonic = np.append(0.0, np.cumsum(1.0 / np.arange(1, int(self.ends.max(initial=0.0)) + 1)))
        steps = harmonic[self.ends.astype(np.intp)] - harmonic[self.starts.astype(np.intp)]
        before = np.cumsum(sums, axis=1) - sums - self.starts * means
        with np.errstate(invalid="ignore"):
            area: NDArray[np.float64] = (counts * means + before * steps).sum(axis=1) / counts.sum(axis=1)
        return area

    def kept(self, losses: NDArray[np.float64], *, share: float) -> NDArray[np.float64]:
        """(B,) sums of the losses (N,) of the most certain ``share``.

        Where the share ends within a point, or among points of equal score, each counts by the part of it (or
        the chance) that it is kept.
        """
        counts = self.ends - self.starts
        kept = share * counts.sum(axis=1, keepdims=True)
        part = np.clip(kept - self.starts, 0.0, counts) / np.where(counts > 0, counts, 1.0)
        total: NDArray[np.float64] = (part * self.sums(losses)).sum(axis=1)
        return total

    def caught(self, counts: NDArray[np.float64], *, share: float) -> NDArray[np.float64]:
        """(B,) parts of the counts (N,) that lie in the most uncertain ``share``; NaN where all are 0."""
        with np.errstate(invalid="ignore", divide="ignore"):
            kept = self.kept(counts, share=1.0 - share) / self.sums(counts).sum(axis=1)
        caught: NDArray[np.float64] = 1.0 - kept
        return caught


def _by_group(values: NDArray[np.float64], firsts: NDArray[np.intp]) -> NDArray[np.float64]:
    """(B, G) sums of (B, N) over groups of columns, each beginning at one of ``firsts``."""
    if len(firsts) == values.shape[1]:
        return values
    summed: NDArray[np.float64] = np.add.reduceat(values, firsts, axis=1)
    return summed


def _paired(errors: ArrayLike, scores: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Flat errors and scores of the points that have both."""
    losses = np.asarray(errors, dtype=np.float64).ravel()
    values = np.asarray(scores, dtype=np.float64).ravel()
    if len(losses) != len(values):
        raise ValueError(f"{len(losses)} errors do not fit {len(values)} scores")
    there = ~(np.isnan(losses) | np.isnan(values))
    return losses[there], values[there]

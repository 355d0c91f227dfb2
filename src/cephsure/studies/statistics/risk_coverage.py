"""Risk and coverage: what is gained as the most uncertain points, or films, are referred to an expert."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cephsure.evaluation.bootstrap import UNDEFINED, blocks_of, interval_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.evaluation.bootstrap import Interval


def risk_coverage(
    errors: NDArray[np.float64], scores: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The curve of mean error against coverage, ties exact.

    Args:
        errors: (N,) or (F, L) errors, or any loss.
        scores: the same, larger for more uncertain; pairs with a NaN are left out.

    Returns:
        Of the n pairs (n,) the share that is kept, k / n for k = 1 ... n, and (n,) the mean error of the k
        most certain; among points of equal uncertainty the expected value if they are kept in random order.

    Examples:
        >>> risk_coverage(np.array([1.0, 3.0, 8.0]), np.array([0.1, 0.5, 0.5]))[1]  # 3 or 8 is second
        array([1.  , 3.25, 4.  ])
    """
    there = ~(np.isnan(errors) | np.isnan(scores))
    losses, values = errors[there], scores[there]
    kept = np.arange(1, len(values) + 1, dtype=np.float64)
    order = UncertaintyOrder.of(values, np.ones((1, len(values))))
    # Linear within ties, as an expected sum is.
    ends, sums = (np.append(0.0, found) for found in (order.ends[0], np.cumsum(order.sums(losses)[0])))
    return kept / max(len(values), 1), np.interp(kept, ends, sums) / kept


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
        """(B,) areas under the risk-coverage curves (Geifman, Uziel & El-Yaniv, ICLR 2019).

        An area is the mean of the risks over all numbers of kept points, in the losses' unit: the losses' own
        mean for a score that tells nothing, NaN for a copy without points. W points of equal score and mean
        error g, after K points with the sum S of errors, add

            sum over k = K + 1 ... K + W of (S + (k - K) g) / k  =  W g + (S - K g) (H(K + W) - H(K))

        with the harmonic numbers H: ties, a point drawn several times among them, cost no simulation.
        """
        sums = self.sums(losses)
        counts = self.ends - self.starts
        means = sums / np.where(counts > 0, counts, 1.0)
        harmonic = np.append(0.0, np.cumsum(1.0 / np.arange(1, int(self.ends.max(initial=0.0)) + 1)))
        steps = harmonic[self.ends.astype(np.intp)] - harmonic[self.starts.astype(np.intp)]
        before = np.cumsum(sums, axis=1) - sums - self.starts * means
        with np.errstate(invalid="ignore"):
            return np.asarray((counts * means + before * steps).sum(axis=1) / counts.sum(axis=1))

    def kept(self, losses: NDArray[np.float64], *, share: float) -> NDArray[np.float64]:
        """(B,) sums of the losses (N,) of the most certain ``share``.

        Where the share ends within a point, or among points of equal score, each counts by the part of it (or
        the chance) that it is kept.
        """
        counts = self.ends - self.starts
        kept = share * counts.sum(axis=1, keepdims=True)
        part = np.clip(kept - self.starts, 0.0, counts) / np.where(counts > 0, counts, 1.0)
        return np.asarray((part * self.sums(losses)).sum(axis=1))

    def caught(self, counts: NDArray[np.float64], *, share: float) -> NDArray[np.float64]:
        """(B,) parts of the counts (N,) that lie in the most uncertain ``share``; NaN where all are 0."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(1.0 - self.kept(counts, share=1.0 - share) / self.sums(counts).sum(axis=1))


def _by_group(values: NDArray[np.float64], firsts: NDArray[np.intp]) -> NDArray[np.float64]:
    """(B, G) sums of (B, N) over groups of columns, each beginning at one of ``firsts``."""
    if len(firsts) == values.shape[1]:
        return values
    return np.asarray(np.add.reduceat(values, firsts, axis=1))


REFERRED_SHARES = (0.1, 0.2, 0.3)
"""The shares of points, or of films, whose referral is reported."""


@dataclass(frozen=True, slots=True)
class Referred:
    """What referring the most uncertain ``share`` of points or films achieves; intervals from the bootstrap.

    Attributes:
        risk_kept: mean error of the rest; ``..._oracle``: if the largest errors were referred.
        caught: share of the large errors that is among the referred, by chance ``share``, NaN without any.
    """

    share: float
    risk_kept: float
    risk_kept_ci95: Interval
    risk_kept_oracle: float
    caught: float
    caught_ci95: Interval
    caught_oracle: float


@dataclass(frozen=True, slots=True)
class ReferralQuality:
    """How well a score of uncertainty chooses what to refer; intervals from the bootstrap.

    Attributes:
        n_points: points (or films) with an error and a score.
        n_large: large errors among them.
        risk: mean error of all: what random referral keeps at any coverage, and its area under the curve.
        aurc: area under the risk-coverage curve; ``aurc_oracle`` the least there can be.
        excess: (aurc - oracle) / (random - oracle): 0 as good as knowing the errors, 1 as random.
        referred: for each of ``REFERRED_SHARES``.
    """

    n_points: int
    n_large: int
    risk: float
    aurc: float
    aurc_ci95: Interval
    aurc_oracle: float
    excess: float
    excess_ci95: Interval
    referred: tuple[Referred, ...]


def referral_quality(
    errors: NDArray[np.float64],
    large: NDArray[np.float64],
    scores: NDArray[np.float64],
    weights: NDArray[np.float64],
) -> ReferralQuality:
    """Everything reported of a score by which points are referred, or whole films.

    Args:
        errors: (F, K) errors of F films' points; for films as a whole (F, 1) their mean errors. NaN where
            there is none.
        large: (F, K) large errors in each: 0 or 1 for a point, their number for a film.
        scores: (F, K) larger for more uncertain, NaN where there is none.
        weights: (B, F) resamples of the films, from ``bootstrap.film_weights``.

    Returns:
        The quality; pairs with a NaN are left out.
    """
    films, columns = np.nonzero(np.isfinite(errors) & ~np.isnan(scores))
    losses, counts, values = (array[films, columns] for array in (errors, large.astype(float), scores))
    found = _statistics(losses, counts, values, np.ones((1, len(losses))))
    drawn = [_statistics(losses, counts, values, block[:, films]) for block in blocks_of(weights)]

    def estimate(name: str) -> tuple[float, Interval]:
        draws = np.concatenate([block[name] for block in drawn])
        return float(found[name][0]), interval_of(draws) if weights.shape[1] > 1 else UNDEFINED

    def referred(share: float) -> Referred:
        oracle, caught_oracle = float(found[f"oracle {share}"][0]), by_counts.caught(counts, share=share)[0]
        risk, caught = estimate(f"risk {share}"), estimate(f"caught {share}")
        return Referred(share, *risk, oracle, *caught, float(caught_oracle))

    # The referral that catches most goes by the number of large errors: of films, not by their mean error.
    by_counts = UncertaintyOrder.of(counts, np.ones((1, len(losses))))
    return ReferralQuality(
        len(losses),
        int(counts.sum()),
        float(found["risk"][0]),
        *estimate("aurc"),
        float(found["oracle"][0]),
        *estimate("excess"),
        referred=tuple(map(referred, REFERRED_SHARES)),
    )


def _statistics(
    losses: NDArray[np.float64],
    counts: NDArray[np.float64],
    scores: NDArray[np.float64],
    weights: NDArray[np.float64],
) -> dict[str, NDArray[np.float64]]:
    """Every statistic (B,) of B weighted copies of the data, by name."""
    by_score, by_error = UncertaintyOrder.of(scores, weights), UncertaintyOrder.of(losses, weights)
    total = weights.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        risk = weights @ losses / total
        area, least = by_score.area(losses), by_error.area(losses)
        # Equal errors differ by rounding only: nothing can be gained by referring some of them.
        room = np.where(risk - least > 1e-12 * np.abs(risk), risk - least, np.nan)
        found = {"risk": risk, "aurc": area, "oracle": least, "excess": (area - least) / room}
        for share in REFERRED_SHARES:
            kept = 1.0 - share
            found[f"risk {share}"] = by_score.kept(losses, share=kept) / (kept * total)
            found[f"oracle {share}"] = by_error.kept(losses, share=kept) / (kept * total)
            found[f"caught {share}"] = by_score.caught(counts, share=share)
    return found

"""Referral: what is gained by handing the most uncertain points, or films, to an expert."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cephsure.evaluation.bootstrap import UNDEFINED, blocks_of, interval_of
from cephsure.studies.statistics.risk_coverage import UncertaintyOrder

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.evaluation.bootstrap import Interval

REFERRED_SHARES = (0.1, 0.2, 0.3)
"""The shares of points, or of films, whose referral is reported."""


@dataclass(frozen=True, slots=True)
class Referred:
    """What referring the most uncertain share achieves.

    Attributes:
        share: of points (or films) that is referred.
        risk_kept: mean error of the rest.
        risk_kept_ci95: its bootstrap interval.
        risk_kept_oracle: what it would be if the largest errors were referred.
        caught: share of the large errors that is among the referred; by chance it is ``share``. NaN without
            large errors.
        caught_ci95: its bootstrap interval.
        caught_oracle: the same if the largest errors were referred.
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
    """How well a score of uncertainty chooses what to refer.

    Attributes:
        n_points: points (or films) with an error and a score.
        n_large: large errors among them.
        risk: mean error of all: what random referral keeps at any coverage, and its area under the curve.
        aurc: area under the risk-coverage curve.
        aurc_ci95: its bootstrap interval.
        aurc_oracle: the least area there can be.
        excess: (aurc - oracle) / (random - oracle): 0 as good as knowing the errors, 1 as random.
        excess_ci95: its bootstrap interval.
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

    def value(name: str) -> float:
        return float(found[name][0])

    def interval(name: str) -> Interval:
        draws = np.concatenate([block[name] for block in drawn])
        return interval_of(draws) if weights.shape[1] > 1 else UNDEFINED

    # The referral that catches most goes by the number of large errors: of films, not by their mean error.
    by_counts = UncertaintyOrder.of(counts, np.ones((1, len(losses))))
    return ReferralQuality(
        n_points=len(losses),
        n_large=int(counts.sum()),
        risk=value("risk"),
        aurc=value("aurc"),
        aurc_ci95=interval("aurc"),
        aurc_oracle=value("oracle"),
        excess=value("excess"),
        excess_ci95=interval("excess"),
        referred=tuple(
            Referred(
                share=share,
                risk_kept=value(f"risk {share}"),
                risk_kept_ci95=interval(f"risk {share}"),
                risk_kept_oracle=value(f"oracle {share}"),
                caught=value(f"caught {share}"),
                caught_ci95=interval(f"caught {share}"),
                caught_oracle=float(by_counts.caught(counts, share=share)[0]),
            )
            for share in REFERRED_SHARES
        ),
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

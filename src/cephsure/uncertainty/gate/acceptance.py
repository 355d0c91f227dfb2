"""Which points a gate accepts: a threshold on the reader-aware expected error, for each case rehearsed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from cephsure.uncertainty.gate.risk_control import (
    acceptance_scores,
    accepted_points,
    candidate_thresholds,
    film_losses,
    learn_rule,
    unit_means,
)
from cephsure.uncertainty.prediction import Frozen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from cephsure.uncertainty.gate.gate import GateTarget


ENOUGH_POINTS = 20
"""Accepted points by which a person's or a site's share of wrong ones is told."""


class AcceptanceCase(NamedTuple):
    """Films judged by a calibration that did not know their reader, or them.

    Attributes:
        expected_mm: (F, L) expected errors; ``errors_mm`` are the radial ones, NaN where not known.
        misfits: (F, L) standard residuals of the shape.
        groups: (F,) films that belong together; those of one film read by several persons share it.
        persons: (F,) who read them.
    """

    expected_mm: NDArray[np.float64]
    errors_mm: NDArray[np.float64]
    misfits: NDArray[np.float64]
    groups: Sequence[str]
    persons: Sequence[str]

    def take(self, films: NDArray[np.int64]) -> Self:
        """The films at some indices."""
        return self._replace(
            expected_mm=self.expected_mm[films],
            errors_mm=self.errors_mm[films],
            misfits=self.misfits[films],
            groups=[self.groups[i] for i in films],
            persons=[self.persons[i] for i in films],
        )


class PointRule(Frozen):
    """The rule of one case: points whose expected error is at most a threshold are accepted.

    Attributes:
        threshold_mm: None: no threshold is shown to keep the rate, and all points are reviewed.
        accepted_share: of the rehearsed points; ``missed_share`` of these are wrong, and ``caught_share`` of
            the wrong ones are not accepted.
        mean_loss: mean over ``units`` of wrong / accepted, each unit's the mean over those who read it.
        units: independent films.
        persons: whose marks they were.
        worst_person: share of accepted points that are wrong against the marks of the worst of them, of
            those with twenty accepted points or more; ``mean_over_persons`` is their mean.
    """

    threshold_mm: float | None
    accepted_share: float
    missed_share: float
    caught_share: float
    mean_loss: float
    units: int
    persons: int
    worst_person: float
    mean_over_persons: float = 0.0

    def accepts(self, expected_mm: NDArray[np.float64], misfits: NDArray[np.float64]) -> NDArray[np.bool_]:
        """(..., L) which points are accepted."""
        return accepted_points(acceptance_scores(expected_mm, misfits), self.threshold_mm)


def learn_rules(cases: Mapping[str, AcceptanceCase], target: GateTarget) -> dict[str, PointRule]:
    """Learn each case's threshold (``risk_control``); the films are the independent units.

    With the scores of one film against several persons' marks its loss is their mean. Persons are too few to
    be the units of a test themselves, and who read more films would decide alone: so the threshold is lowered
    to where the share of wrong ones among accepted points, on average over persons, is at most the rate too.

    Who has seen more of a reader's films need not be stricter: where a threshold was shown for fewer films
    (one or more), and in rehearsal the rate is kept up to it, it holds for more films too, though chance kept
    their own test from passing it.
    """
    rules, fewer = {}, None
    for name in sorted(cases, key=lambda name: int(name) if name.isdigit() else -1):
        rules[name] = _learn(cases[name], target, fewer)
        if name.isdigit() and int(name) > 0:
            fewer = rules[name].threshold_mm
    return {name: rules[name] for name in cases}


def _learn(case: AcceptanceCase, target: GateTarget, fewer: float | None) -> PointRule:
    scores = acceptance_scores(case.expected_mm, case.misfits)
    own = learn_rule(
        case.errors_mm,
        scores,
        groups=case.groups,
        max_missed_rate=target.max_missed_rate,
        tolerance_mm=target.tolerance_mm,
        confidence=target.confidence,
    ).threshold
    steps = candidate_thresholds(target.tolerance_mm)
    for threshold in reversed(steps[steps <= (own or 0.0)].tolist()):
        rule = _seen(case, scores, threshold, target)
        if rule.mean_over_persons <= target.max_missed_rate:
            break
    else:
        rule = _seen(case, scores, None, target)
    if fewer is not None and fewer > (rule.threshold_mm or 0.0):
        taken = _seen(case, scores, fewer, target)
        if max(taken.mean_loss, taken.mean_over_persons) <= target.max_missed_rate:
            return taken
    return rule


def _seen(
    case: AcceptanceCase, scores: NDArray[np.float64], threshold: float | None, target: GateTarget
) -> PointRule:
    """What a threshold did in rehearsal."""
    known = np.isfinite(case.errors_mm)
    accepted = accepted_points(scores, threshold) & known
    wrong = known & (case.errors_mm > target.tolerance_mm)
    _, units = np.unique(np.asarray(case.groups), return_inverse=True)
    names, persons = np.asarray(case.persons), list(dict.fromkeys(case.persons))
    counts = [int(accepted[names == person].sum()) for person in persons]
    shares = [
        float((wrong & accepted)[names == person].sum() / count)
        for person, count in zip(persons, counts, strict=True)
        if count >= ENOUGH_POINTS
    ]
    missed = int((wrong & accepted).sum())
    return PointRule(
        threshold_mm=threshold if accepted.any() else None,
        accepted_share=float(accepted.sum() / max(known.sum(), 1)),
        missed_share=missed / max(int(accepted.sum()), 1),
        caught_share=1.0 - missed / max(int(wrong.sum()), 1),
        mean_loss=float(unit_means(film_losses(wrong, accepted), units).mean()) if len(scores) else 0.0,
        units=len(set(case.groups)),
        persons=len(persons),
        worst_person=max(shares, default=0.0),
        mean_over_persons=float(np.mean(shares)) if shares else 0.0,
    )

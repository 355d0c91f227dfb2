"""The gate of calibration films: learned from all of them, and checked on halves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cephsure.datasets import group_folds
from cephsure.errors import InputError
from cephsure.uncertainty.gate import film_losses, fit_gate, judge
from cephsure.uncertainty.gate.gate import MEASURE
from cephsure.uncertainty.gate.risk_control import acceptance_scores
from cephsure.uncertainty.gate.way_out import USEFUL_SHARE, films_needed, way_out

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cephsure.uncertainty.calibration.data import CalibrationData
    from cephsure.uncertainty.gate import FilmSigns, Gate, GateTarget
    from cephsure.workflows.assess import AssessedFilm
    from cephsure.workflows.calibration_films import Collected, Heads


@dataclass(frozen=True, slots=True)
class GateFilms:
    """Films that gates are learned from, with their errors and measures; and heads, from other films."""

    data: CalibrationData
    films: tuple[AssessedFilm, ...]
    heads: Heads

    @property
    def signs(self) -> tuple[FilmSigns, ...]:
        """The films' signs."""
        return tuple(film.found.signs for film in self.films if film.found.signs is not None)

    def learn(self, target: GateTarget, films: NDArray[np.int64] | None = None) -> Gate:
        """A gate from all films, or from those at some indices."""
        signs, heads = self.signs, self.heads
        chosen = np.arange(len(signs)) if films is None else films
        data, seen = self.data.take(chosen), [signs[i] for i in chosen]
        return fit_gate(data, seen, head=heads.head, shape_source=heads.source, target=target)


@dataclass(frozen=True, slots=True)
class HalfCheck:
    """A gate learned on one half of the films and tried on the other.

    Attributes:
        mean_loss: mean over the other half's films of missed / accepted.
        missed_share: missed / accepted over all its points; 0 where none is accepted.
        accepted_share: share of its points accepted.
        not_fit: share of its films judged review or unfit.
        unfit: share of its films judged unfit.
    """

    mean_loss: float
    missed_share: float
    accepted_share: float
    not_fit: float
    unfit: float


def gate_films(collected: Collected) -> GateFilms:
    """The calibration films that gates are learned from.

    Raises:
        InputError: there are too few films with all landmarks even for the shape of heads.
    """
    heads = collected.heads
    if isinstance(heads, str):
        raise InputError(heads)
    kept = [place for place, film in enumerate(collected.films) if film.film_id not in heads.apart]
    return GateFilms(collected.data.take(kept), tuple(collected.films[place] for place in kept), heads)


def check_on_halves(
    films: GateFilms, target: GateTarget, *, repeats: int, seed: int = 0
) -> tuple[HalfCheck, ...]:
    """Learn on a random half and try on the other, again and again; groups of films never part."""
    checks, signs = [], films.signs
    annotated = [film.annotated for film in films.films]
    for repeat in range(repeats):
        learned_on, tried_on = group_folds(annotated, 2, seed=seed + repeat)
        gate = films.learn(target, learned_on)
        said = [judge(films.films[i].prediction, signs[i], gate) for i in tried_on]
        accepted = np.stack([judgement.accepted for judgement in said])
        radial = films.data.radial_mm[tried_on]
        known = np.isfinite(radial)
        wrong = known & (radial > target.tolerance_mm)
        taken = accepted & known
        checks.append(
            HalfCheck(
                mean_loss=float(film_losses(wrong, taken).mean()),
                missed_share=float((wrong & taken).sum() / max(taken.sum(), 1)),
                accepted_share=float(taken.sum() / max(known.sum(), 1)),
                not_fit=float(np.mean([judgement.verdict != "fit" for judgement in said])),
                unfit=float(np.mean([judgement.verdict == "unfit" for judgement in said])),
            )
        )
    return tuple(checks)


def gate_way_out(collected: Collected, gate: Gate | None, target: GateTarget) -> tuple[str, ...]:
    """What to do where no gate accepts more than next to nothing, in a line or two; else no line."""
    if gate is not None and gate.threshold_mm is not None and gate.accepted_share >= USEFUL_SHARE:
        return ()
    try:
        films = gate_films(collected)
    except InputError:
        return way_out(len(set(collected.data.groups)), target, as_now=None)
    data, misfits = films.data, np.stack([seen.misfits for seen in films.signs])
    scores = acceptance_scores(data.measures[MEASURE], misfits)
    as_now = films_needed(data.radial_mm, scores, data.groups, target)
    return way_out(len(set(data.groups)), target, as_now=as_now, for_shape=len(films.heads.apart))


def halves_line(checks: Sequence[HalfCheck], target: GateTarget) -> str:
    """What the halves showed, in one line."""
    kept = sum(check.mean_loss <= target.max_missed_rate for check in checks)
    accepted = np.mean([check.accepted_share for check in checks])
    not_fit, unfit = np.mean([check.not_fit for check in checks]), np.mean([check.unfit for check in checks])
    return (
        f"learned on half of the films and tried on the others: missed rate kept in {kept} of {len(checks)}, "
        f"{accepted:.1%} of points accepted, {not_fit:.1%} of films not fit, {unfit:.1%} unfit"
    )

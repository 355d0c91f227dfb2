"""The gate of calibration films: learned from all of them, and checked on halves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cephsure.datasets import group_folds
from cephsure.errors import InputError
from cephsure.uncertainty.gate import film_losses, fit_gate, judge
from cephsure.uncertainty.gate.acceptance import AcceptanceCase
from cephsure.uncertainty.gate.risk_control import acceptance_scores, unit_means
from cephsure.uncertainty.gate.way_out import USEFUL_SHARE, films_needed, way_out
from cephsure.uncertainty.readers.cases import FILMS_SEEN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from cephsure.uncertainty.calibration.rehearsal import Rehearsed
    from cephsure.uncertainty.gate import FilmSigns, Gate, GateTarget
    from cephsure.workflows.assess import AssessedFilm
    from cephsure.workflows.calibration_films import Collected, Heads


@dataclass(frozen=True, slots=True)
class GateFilms:
    """Films that gates are learned from, how their points did in rehearsal, and heads, from other films."""

    collected: Collected
    films: tuple[AssessedFilm, ...]
    groups: tuple[str, ...]
    heads: Heads
    cases: Mapping[str, AcceptanceCase]

    @property
    def signs(self) -> tuple[FilmSigns, ...]:
        """The films' signs."""
        return tuple(film.found.signs for film in self.films if film.found.signs is not None)

    def cases_of(self, groups: set[str]) -> dict[str, AcceptanceCase]:
        """The rehearsal of some groups of films."""
        return {
            name: case.take(np.flatnonzero([group in groups for group in case.groups]))
            for name, case in self.cases.items()
        }

    def learn(self, target: GateTarget, films: NDArray[np.int64] | None = None) -> Gate:
        """A gate from all films, or from those at some indices."""
        signs, heads = self.signs, self.heads
        chosen = range(len(signs)) if films is None else films.tolist()
        groups = [self.groups[i] for i in chosen]
        return fit_gate(
            self.collected.data.source,
            [signs[i] for i in chosen],
            groups,
            self.cases if films is None else self.cases_of(set(groups)),
            head=heads.head,
            shape_source=heads.source,
            target=target,
        )


@dataclass(frozen=True, slots=True)
class HalfCheck:
    """A gate learned on one half of the films and tried on the other, for the usual reader.

    Attributes:
        mean_loss: mean over the other half's independent films of missed / accepted.
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


def gate_films(
    collected: Collected, rehearsed: Sequence[Rehearsed], further: Sequence[Collected] = ()
) -> GateFilms:
    """The calibration films that gates are learned from.

    Raises:
        InputError: there are too few films with all landmarks even for the shape of heads.
    """
    heads = collected.heads
    if isinstance(heads, str):
        raise InputError(heads)
    kept = [place for place, film in enumerate(collected.films) if film.film_id not in heads.apart]
    films = tuple(collected.films[place] for place in kept)
    groups = tuple(collected.data.groups[place] for place in kept)
    return GateFilms(collected, films, groups, heads, _cases(collected, rehearsed, further))


def _cases(
    collected: Collected, rehearsed: Sequence[Rehearsed], further: Sequence[Collected]
) -> dict[str, AcceptanceCase]:
    """How points did in rehearsal, on films that have signs.

    Films of another site are judged review before some of them are corrected: they do not count in the case
    of a reader not met before.
    """
    home = collected.data.source.dataset
    misfits = {
        (one.data.source.dataset, film.film_id): film.found.signs.misfits
        for one in (collected, *further)
        for film in one.films
        if film.found.signs is not None
    }
    unseen = str(FILMS_SEEN[0])
    rows: dict[str, list[tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], str, str]]] = {}
    for films in rehearsed:
        data = films.reader.data
        dataset = data.source.dataset
        if films.case == unseen and dataset != home:
            continue
        for row, index in enumerate(films.films.tolist()):
            misfit = misfits.get((dataset, data.film_ids[index]))
            if misfit is not None:
                group = data.groups[index] if dataset == home else f"{dataset} {data.groups[index]}"
                judged = films.expected_mm[row], films.actual_mm[row], misfit, group, films.reader.person
                rows.setdefault(films.case, []).append(judged)
    return {case: AcceptanceCase(*_columns(judged)) for case, judged in rows.items()}


def _columns(
    rows: Sequence[tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], str, str]],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], list[str], list[str]]:
    expected, actual, misfits, groups, persons = zip(*rows, strict=True)
    return np.stack(expected), np.stack(actual), np.stack(misfits), list(groups), list(persons)


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
        tried = films.cases_of({films.groups[i] for i in tried_on})[gate.usual_case]
        known = np.isfinite(tried.errors_mm)
        taken = gate.rules[gate.usual_case].accepts(tried.expected_mm, tried.misfits) & known
        wrong = known & (tried.errors_mm > target.tolerance_mm)
        _, units = np.unique(np.asarray(tried.groups), return_inverse=True)
        checks.append(
            HalfCheck(
                mean_loss=float(unit_means(film_losses(wrong, taken), units).mean()),
                missed_share=float((wrong & taken).sum() / max(taken.sum(), 1)),
                accepted_share=float(taken.sum() / max(known.sum(), 1)),
                not_fit=float(np.mean([judgement.verdict != "fit" for judgement in said])),
                unfit=float(np.mean([judgement.verdict == "unfit" for judgement in said])),
            )
        )
    return tuple(checks)


def gate_way_out(
    films: GateFilms | None, gate: Gate | None, target: GateTarget, units: int
) -> tuple[str, ...]:
    """What to do where no gate accepts more than next to nothing, in a line or two; else no line.

    ``units`` are the independent calibration films; ``films`` None where there were too few for any gate.
    """
    if gate is not None:
        rule = gate.rules[gate.usual_case]
        if rule.threshold_mm is not None and rule.accepted_share >= USEFUL_SHARE:
            return ()
    if films is None or gate is None:
        return way_out(units, target, as_now=None)
    case = films.cases[gate.usual_case]
    scores = acceptance_scores(case.expected_mm, case.misfits)
    as_now = films_needed(case.errors_mm, scores, case.groups, target)
    apart = len(films.heads.apart)
    return way_out(len(set(case.groups)), target, as_now=as_now, for_shape=apart)


def halves_line(checks: Sequence[HalfCheck], target: GateTarget) -> str:
    """What the halves showed, in one line."""
    kept = sum(check.mean_loss <= target.max_missed_rate for check in checks)
    accepted = np.mean([check.accepted_share for check in checks])
    not_fit, unfit = np.mean([check.not_fit for check in checks]), np.mean([check.unfit for check in checks])
    return (
        f"learned on half of the films and tried on the others: missed rate kept in {kept} of {len(checks)}, "
        f"{accepted:.1%} of points accepted, {not_fit:.1%} of films not fit, {unfit:.1%} unfit"
    )

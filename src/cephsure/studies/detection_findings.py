"""What the detection experiment found, in sentences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cephsure.evaluation.errors import is_within
from cephsure.studies.film_scores import COMBINATIONS
from cephsure.studies.held_out import OTHER_SITE
from cephsure.studies.shifted import NO_CEPHALOGRAM
from cephsure.studies.statistics.separation import alarm_threshold
from cephsure.studies.wording import listed, with_interval

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from cephsure.studies.detection import Detected
    from cephsure.studies.shifted import Shift

NOTICED = 0.5
"""A shift counts as noticed by a score that finds this share of its films at 5 % false alarms."""
CHANCE = 0.5
HARMFUL = 2.0
"""A shift counts as harmful if it multiplies the mean error by this."""


SPOILED_MM = 4.0
"""A film counts as spoiled if the mean error over its landmarks is over this."""


@dataclass(frozen=True, slots=True)
class Spoiled:
    """Shifted films whose points are spoiled.

    Attributes:
        n_films: all of them.
        n_found: those that raise an alarm, where 5 % of the plain films do.
        missed: by the shift's title, how many do not.
    """

    n_films: int
    n_found: int
    missed: dict[str, int]


def findings(detected: Sequence[Detected]) -> Iterator[str]:
    """Sentences for every model: no cephalograms, the scores in order, and what nobody notices."""
    for one in detected:
        yield _no_cephalogram(one)
        yield from _order(one)
        if OTHER_SITE in one.found:
            yield _site(one)
        yield from _unnoticed(one)
        yield from _spoiled_sentence(one)


def best_score(one: Detected, shift: str) -> str:
    """The score with the largest area for a shift, chosen with the shift's films in hand."""
    areas = {name: quality.auc for name, quality in one.found[shift].items()}
    return max(areas, key=lambda name: -1.0 if np.isnan(areas[name]) else areas[name])


def spoiled_films(one: Detected, score: str) -> Spoiled:
    """How many of the spoiled films of all shifts one score finds."""
    threshold = alarm_threshold(one.plain[score])
    n_films, n_found, missed = 0, 0, {}
    for shift in one.films.shifts:
        spoiled = _spoiled(shift)
        found = int((one.shifted[shift.name][score][spoiled] > threshold).sum())
        n_films, n_found = n_films + len(spoiled), n_found + found
        if found < len(spoiled):
            missed[shift.title] = len(spoiled) - found
    return Spoiled(n_films, n_found, missed)


def _spoiled(shift: Shift) -> NDArray[np.intp]:
    """Which films of a shift (rows) have a mean error over ``SPOILED_MM``; none where there is no truth."""
    if shift.errors_mm is None:
        return np.array([], dtype=np.intp)
    known = np.isfinite(shift.errors_mm).any(axis=1)
    errors = np.nanmean(shift.errors_mm[known], axis=1)
    return np.flatnonzero(known)[~is_within(errors, SPOILED_MM)]


def _spoiled_sentence(one: Detected) -> Iterator[str]:
    """What matters most in use: does a film whose points are wrong raise an alarm?"""
    by_score = {name: spoiled_films(one, name) for name in one.titles}
    fixed = by_score["all_max"]
    if not fixed.n_films:
        return
    best = max(by_score, key=lambda name: by_score[name].n_found)
    missed = listed([f"{what} ({count})" for what, count in fixed.missed.items()]) or "none"
    yield (
        f"{one.films.model.title}: of the {fixed.n_films} shifted films whose mean error is over "
        f"{SPOILED_MM:g} mm, {_percent(fixed.n_found / fixed.n_films)} raise an alarm by "
        f"{COMBINATIONS['all_max']} (missed: {missed}) and "
        f"{_percent(by_score[best].n_found / fixed.n_films)} by {one.titles[best]}, the best here, while 5 "
        "% of the plain films do."
    )


def _no_cephalogram(one: Detected) -> str:
    found = one.found[NO_CEPHALOGRAM]
    best = best_score(one, NO_CEPHALOGRAM)
    own = f"{one.films.model.own_measure}_mean"
    texts = [
        f"{one.titles[name]} {_auc(one, NO_CEPHALOGRAM, name)}" for name in (own, "all_max") if name in found
    ]
    return (
        f"{one.films.model.title}: pictures that are no cephalograms (n = {found[best].n_shifted}) against "
        f"plain films (n = {found[best].n_usual}), AUC: {listed(texts)}; the best of {len(found)} scores, "
        f"{one.titles[best]}, {_auc(one, NO_CEPHALOGRAM, best)} and {_percent(found[best].found)} found at 5 "
        "% false alarms."
    )


def _order(one: Detected) -> Iterator[str]:
    """Scores by their mean area over the shifts, the pool of pictures that are no cephalograms left out."""
    names = [shift.name for shift in one.films.shifts if shift.name != NO_CEPHALOGRAM]
    areas = {score: [one.found[name][score].auc for name in names] for score in one.titles}
    means = {score: float(np.nanmean(of)) for score, of in areas.items() if np.isfinite(of).any()}
    single = [score for score in means if score not in COMBINATIONS]
    together = [score for score in means if score in COMBINATIONS]
    if single and together:
        best, jointly = (max(group, key=lambda score: means[score]) for group in (single, together))
        yield (
            f"{one.films.model.title}: over all {len(names)} shifts the best single score is "
            f"{one.titles[best]} (mean AUC {means[best]:.2f}), the best combination {one.titles[jointly]} "
            f"({means[jointly]:.2f})."
        )


def _site(one: Detected) -> str:
    best = best_score(one, OTHER_SITE)
    harm, plain = one.harm[OTHER_SITE], one.harm[""]
    own = f"{one.films.model.own_measure}_mean"
    surer = own in one.titles and one.found[OTHER_SITE][own].auc_ci95[1] < CHANCE
    known = np.isfinite(harm.mre_mm)
    errors = f"MRE {harm.mre_mm:.2f} mm against {plain.mre_mm:.2f}" if known else "errors in mm unknown"
    certain = (
        f"; by {one.titles[own]} they look MORE certain than plain films ({_auc(one, OTHER_SITE, own)})"
        if surer
        else ""
    )
    return (
        f"{one.films.model.title}: the other site's films ({errors}) are told best by "
        f"{one.titles[best]}, AUC {_auc(one, OTHER_SITE, best)}, "
        f"{_percent(one.found[OTHER_SITE][best].found)} found at 5 % false alarms; by "
        f"{COMBINATIONS['all_max']} {_auc(one, OTHER_SITE, 'all_max')}{certain}."
    )


def _unnoticed(one: Detected) -> Iterator[str]:
    """What a user must know: shifts that spoil the points and raise no alarm, and those that do no harm."""
    plain = one.harm[""].mre_mm
    title = one.films.model.title
    missed = [
        shift for shift in one.films.shifts if not _noticed(one, shift) and shift.name != NO_CEPHALOGRAM
    ]
    harmful = [shift for shift in missed if one.harm[shift.name].mre_mm >= HARMFUL * plain]
    harmless = [shift for shift in missed if one.harm[shift.name].mre_mm < HARMFUL * plain]
    unknown = [shift for shift in missed if np.isnan(one.harm[shift.name].mre_mm)]
    criterion = f"no score finds {_percent(NOTICED)} of the films at 5 % false alarms"
    if harmful:
        yield (
            f"{title}: NOT NOTICED although the mean error at least doubles ({criterion}): "
            f"{_with_errors(one, harmful)}."
        )
    else:
        yield f"{title}: every shift that at least doubles the mean error is noticed by some score."
    by_rule = [
        shift
        for shift in one.films.shifts
        if one.harm[shift.name].mre_mm >= HARMFUL * plain and one.found[shift.name]["all_max"].found < NOTICED
    ]
    if by_rule:
        yield (
            f"{title}: with the one rule fixed beforehand ({COMBINATIONS['all_max']}) these harmful shifts "
            f"pass: {_with_errors(one, by_rule)}."
        )
    if harmless:
        yield (
            f"{title}: not noticed, but the mean error stays under twice that of plain films ({plain:.2f} "
            f"mm): {_with_errors(one, harmless)}."
        )
    if unknown:
        names = listed([shift.title for shift in unknown])
        yield f"{title}: not noticed, and there is no truth to err from: {names}."


def _noticed(one: Detected, shift: Shift) -> bool:
    return any(quality.found >= NOTICED for quality in one.found[shift.name].values())


def _with_errors(one: Detected, shifts: Sequence[Shift]) -> str:
    """Each shift with its mean error, and how many of its films are spoiled if any are."""
    texts = []
    for shift in shifts:
        count, n_films = len(_spoiled(shift)), len(one.shifted[shift.name]["all_max"])
        spoiled = f"; {count} of {n_films} films over {SPOILED_MM:g} mm" if count else ""
        texts.append(f"{shift.title} (MRE {one.harm[shift.name].mre_mm:.1f} mm{spoiled})")
    return listed(texts)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _auc(one: Detected, shift: str, score: str) -> str:
    quality = one.found[shift][score]
    return with_interval(quality.auc, quality.auc_ci95)

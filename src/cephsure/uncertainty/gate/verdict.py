"""Verdicts: per landmark accept or review, per film fit, review or unfit; and what a gate says in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from cephsure.errors import InputError
from cephsure.uncertainty.gate.out_of_distribution import out_of_distribution
from cephsure.uncertainty.gate.reasons import Why, head_is_impossible
from cephsure.uncertainty.gate.risk_control import MISFIT, fewest_films
from cephsure.uncertainty.gate.second_look import how_it_lies
from cephsure.uncertainty.gate.signs import film_signs
from cephsure.uncertainty.missing import without_promise
from cephsure.uncertainty.readers.cases import case_title

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.films import Film
    from cephsure.uncertainty.gate.acceptance import PointRule
    from cephsure.uncertainty.gate.film_reference import FilmReference
    from cephsure.uncertainty.gate.gate import Gate
    from cephsure.uncertainty.gate.out_of_distribution import OutOfDistribution
    from cephsure.uncertainty.gate.second_look import FindPoints
    from cephsure.uncertainty.gate.signs import FilmSigns
    from cephsure.uncertainty.prediction import Evidence, Prediction
    from cephsure.uncertainty.readers.reader import Reader

FilmVerdict = Literal["fit", "review", "unfit"]

UNFIT = "the film is unfit for automatic evaluation"
"""Why nothing is promised on such a film."""

# Why a point is not accepted, where no number of its own decides.
FILM_UNFIT = "film unfit"
FILM_FOR_REVIEW = "film for review"
SCALE_UNKNOWN = "scale unknown"
TOO_FEW_BESIDE = "too few acceptable"
NOT_HERE = "withdrawn at this site"

_RESTS_ON = (
    "Both rest on films that are drawn independently from the same source as the calibration films; the "
    "acceptance of points also on readers who differ as those did."
)
_NOT_PROMISED = (
    "Not promised: anything about one film, one landmark, another scanner before some of its films are "
    "corrected (they are judged review), or how many of the strange films are found."
)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a gate says of one film.

    Attributes:
        reasons: why it is not fit, strongest first, or why no point is accepted though it is.
        accepted: (L,) whether each point can be taken as it is; none on a film that is not fit.
        whys: (L) why each point is accepted or not, with the number that decided it and the threshold.
        p_value: of the film among the calibration films; small is out of distribution.
        evidence: the numbers behind those reasons that have one.
        found: how far the film is out of distribution, sign by sign.
    """

    verdict: FilmVerdict
    reasons: tuple[str, ...]
    accepted: NDArray[np.bool_]
    whys: tuple[str, ...]
    p_value: float
    evidence: tuple[Evidence, ...]
    found: OutOfDistribution


def apply_gate(
    prediction: Prediction,
    film: Film,
    gate: Gate,
    *,
    raw: Prediction | None = None,
    reader: Reader | None = None,
    find: FindPoints | None = None,
) -> Prediction:
    """A prediction with the verdicts of its model's gate for each landmark and the film, and the reasons.

    No point is moved or left out. On an unfit film what calibration promises is withheld. A gate of other
    landmarks is an InputError.

    Args:
        prediction: of the film.
        film: what was predicted.
        gate: of the model.
        raw: the prediction before its points were moved to where a reader marks, if they were: signs are
            taken of it, as of the calibration films. A reader's habit makes no head unusual.
        reader: whose marks the prediction foretells; a site's own films are what it is judged by, and may
            have withdrawn the gate's acceptance.
        find: finds points on other views of the film; with it a film that is not fit is told to be turned,
            mirrored, a negative or of two heads, where it is.
    """
    reference = None if reader is None else reader.film_reference
    judged = judge(prediction, film_signs(raw or prediction, film, head=gate.head), gate, reference)
    accepted, whys, reasons = judged.accepted, judged.whys, judged.reasons
    evidence = judged.evidence
    if find is not None:
        evidence = how_it_lies(prediction, film, judged.found, evidence, find=find, gate=gate)
        reasons = tuple(each.reason for each in evidence) or reasons
    withdrawn = None if reader is None or reader.acceptance is None else reader.acceptance.withdrawn
    if withdrawn is not None and accepted.any():
        whys = tuple(NOT_HERE if taken else why for taken, why in zip(accepted, whys, strict=True))
        accepted, reasons = np.zeros_like(accepted), (*reasons, withdrawn)
    marks = tuple(
        mark.model_copy(update={"verdict": "accept" if taken else "review", "why": why})
        for mark, taken, why in zip(prediction.landmarks, accepted.tolist(), whys, strict=True)
    )
    said = {
        "landmarks": marks,
        "verdict": judged.verdict,
        "reasons": reasons,
        "why": "; ".join(reasons) or _how_many(accepted, gate.rule_for(prediction.reader)),
        "p_value": judged.p_value,
        "evidence": evidence,
    }
    found = prediction.model_copy(update=said)
    return without_promise(found, UNFIT) if judged.verdict == "unfit" else found


def judge(
    prediction: Prediction, seen: FilmSigns, gate: Gate, reference: FilmReference | None = None
) -> Judgement:
    """Judge a film by its signs, taken with ``gate.head``; InputError for a gate of other landmarks.

    ``reference`` are the films of a site to judge it by, instead of the gate's calibration films. A film is
    *review* by any sign, *unfit* by those of the head alone.
    """
    if tuple(mark.number for mark in prediction.landmarks) != gate.numbers:
        raise InputError("the gate is of other landmarks than the prediction")
    if reference is None:
        reference = gate.reference
    else:
        seen = seen.beside(reference.feature_model)
    found = out_of_distribution(seen.signs, reference.known)
    nothing = np.zeros(len(gate.numbers), dtype=bool)
    level = gate.target.false_alarm_rate
    if gate.judges_films and found.p_value <= level:
        unfit = found.p_of_head <= gate.unfit_rate or head_is_impossible(found)
        why = Why(found, seen, prediction.landmarks, gate.head, reference, gate.misfit)
        evidence = why.evidence(level)
        reasons = tuple(each.reason for each in evidence)
        verdict: FilmVerdict = "unfit" if unfit else "review"
        whys = (FILM_UNFIT if unfit else FILM_FOR_REVIEW,) * len(nothing)
        return Judgement(verdict, reasons, nothing, whys, found.p_value, evidence, found)
    held_up = _held_up(prediction, gate)
    if held_up:
        no_scale = prediction.film.mm_per_px is None
        whys = (SCALE_UNKNOWN if no_scale else FILM_FOR_REVIEW,) * len(nothing)
        return Judgement("review", held_up, nothing, whys, found.p_value, (), found)
    rule = gate.rule_for(prediction.reader)
    expected = np.array([mark.expected_error_mm or np.inf for mark in prediction.landmarks])
    accepted = rule.accepts(expected, seen.misfits)
    doubtful = int((expected > (rule.threshold_mm or 0.0)).sum())
    too_few = f"no point is accepted: {doubtful} of {len(expected)} are too uncertain"
    reasons = () if accepted.any() else (too_few,)
    whys = tuple(
        _why(*point, rule.threshold_mm or 0.0)
        for point in zip(accepted.tolist(), expected.tolist(), seen.misfits.tolist(), strict=True)
    )
    return Judgement("fit", reasons, accepted, whys, found.p_value, (), found)


def _why(accepted: bool, expected_mm: float, misfit: float, threshold_mm: float) -> str:
    """Why a point of a fit film is accepted or not."""
    if not accepted and expected_mm <= threshold_mm:
        return f"misfit {set_beside(misfit, MISFIT)} SD" if misfit > MISFIT else TOO_FEW_BESIDE
    return f"expected {set_beside(expected_mm, threshold_mm)} mm"


def set_beside(value: float, limit: float) -> str:
    """A number and the limit that it keeps or breaks, with as many digits as tell them apart.

    >>> set_beside(0.62, 0.98), set_beside(1.428, 0.98), set_beside(0.9841, 0.98)
    ('0.62 <= 0.98', '1.43 > 0.98', '0.984 > 0.980')
    """
    kept = value <= limit
    digits = next((d for d in range(2, 6) if kept or round(value, d) > round(limit, d)), 6)
    return f"{value:.{digits}f} {'<=' if kept else '>'} {limit:.{digits}f}"


def _how_many(accepted: NDArray[np.bool_], rule: PointRule) -> str:
    """How many points of a fit film are accepted, and by which threshold."""
    said = f"{int(accepted.sum())} of {len(accepted)} points accepted"
    return f"{said} (expected error up to {rule.threshold_mm or 0.0:.2f} mm)"


def _held_up(prediction: Prediction, gate: Gate) -> tuple[str, ...]:
    """Why no film, or no film without a scale, can be judged fit."""
    wanted, reasons = gate.target, []
    if not gate.judges_films:
        reasons.append(
            f"{len(gate.reference.rows)} calibration films are too few to judge a film at a false-alarm rate "
            f"of {wanted.false_alarm_rate:.3g}"
        )
    if gate.rule_for(prediction.reader).threshold_mm is None:
        reasons.append(
            f"the calibration films do not show that a missed rate of {wanted.max_missed_rate:.3g} at "
            f"{wanted.tolerance_mm:g} mm can be kept: no point is accepted"
        )
    elif prediction.film.mm_per_px is None:
        reasons.append("scale unknown: errors in mm cannot be judged")
    return tuple(reasons)


def promises(gate: Gate) -> tuple[str, ...]:
    """What the gate promises, what that rests on and what it does not promise: sentences, in that order."""
    return (*_about_points(gate), _about_films(gate), _RESTS_ON, _NOT_PROMISED)


def card_section(gate: Gate) -> str:
    """The promises as a section of a model card, in Markdown."""
    source = gate.source
    fitted_on = (
        f"Calibrated on {gate.films} films ({gate.units} independent) of {source.dataset}, split "
        f"{source.split}; head shape from {gate.shape_source}."
    )
    lines = "\n".join(f"- {sentence}" for sentence in (fitted_on, *promises(gate)))
    return f"## Gate\n\n{lines}\n"


def _about_points(gate: Gate) -> tuple[str, ...]:
    """The usual case's promise, then what each case was seen to do."""
    wanted, rule = gate.target, gate.rules[gate.usual_case]
    asked = (
        f"at most {wanted.max_missed_rate:.3g} of a film's accepted points, on average over films, are off "
        f"by more than {wanted.tolerance_mm:g} mm"
    )
    if rule.threshold_mm is None:
        need = fewest_films(wanted.max_missed_rate, wanted.confidence)
        refused = (
            f"Points: none is accepted. The {rule.units} independent calibration films do not show that "
            f"{asked} (confidence {wanted.confidence:.3g}; {need} films are needed even if none has a miss)."
        )
        return (refused, *_seen(gate))
    promised = (
        f"Points: with probability {wanted.confidence:.3g} over the draw of the calibration films, {asked}, "
        "for readers who differ as those it was learned from, each with the weight of the films read (the "
        "worst of them stands below). Accepted are points whose expected error, with "
        f"what is not known of the reader, is {rule.threshold_mm:.3g} mm or less and that fit the others, "
        "where these are a tenth of a film's points or more, on films judged fit. (Learn-then-test by fixed "
        "sequence, Angelopoulos et al. 2021, with the betting test of Waudby-Smith & Ramdas 2024; one loss a "
        "film, the mean over those who read it, because points of one film depend on each other.)"
    )
    return (promised, *_seen(gate))


def _seen(gate: Gate) -> list[str]:
    """What each case did in rehearsal, in words."""
    lines = []
    for case, rule in gate.rules.items():
        whom = f"For {case_title(case)}"
        if rule.threshold_mm is None:
            lines.append(f"{whom}: no point is accepted.")
            continue
        worst = ""
        if rule.persons > 1:
            worst = f" (the worst of {rule.persons} persons {rule.worst_person:.1%})"
            worst = f", {rule.mean_over_persons:.1%} on average over persons{worst}"
        lines.append(
            f"{whom}: expected error up to {rule.threshold_mm:.2f} mm; in rehearsal "
            f"{rule.accepted_share:.1%} of points accepted, {rule.missed_share:.1%} of these wrong{worst}, "
            f"{rule.caught_share:.1%} of the wrong ones sent to review."
        )
    return lines


def _about_films(gate: Gate) -> str:
    count, rate = len(gate.reference.rows), gate.target.false_alarm_rate
    if not gate.judges_films:
        return (
            f"Films: none is judged fit. {count} independent calibration films are too few for a false-alarm "
            f"rate of {rate:.3g}."
        )
    return (
        f"Films: one drawn like the {count} independent calibration films is judged review or unfit with "
        f"probability {rate:.3g} at most, and unfit with {gate.unfit_rate:.3g} at most, a head of impossible "
        "size apart (conformal p-values, exact for this number of films, over the draw of those and of the "
        "new film)."
    )

"""Verdicts: per landmark accept or review, per film fit, review or unfit; and what a gate says in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from cephsure.errors import InputError
from cephsure.uncertainty.gate.out_of_distribution import out_of_distribution
from cephsure.uncertainty.gate.reasons import Why, head_is_impossible
from cephsure.uncertainty.gate.risk_control import acceptance_scores, accepted_points, fewest_films
from cephsure.uncertainty.gate.second_look import how_it_lies
from cephsure.uncertainty.gate.signs import film_signs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.films import Film
    from cephsure.uncertainty.gate.film_reference import FilmReference
    from cephsure.uncertainty.gate.gate import Gate
    from cephsure.uncertainty.gate.out_of_distribution import OutOfDistribution
    from cephsure.uncertainty.gate.second_look import FindPoints
    from cephsure.uncertainty.gate.signs import FilmSigns
    from cephsure.uncertainty.prediction import Evidence, Prediction

FilmVerdict = Literal["fit", "review", "unfit"]

_RESTS_ON = (
    "Both rest on one thing: films are drawn independently from the same source as the calibration films."
)
_NOT_PROMISED = (
    "Not promised: anything about one film, one landmark, another site, scanner or annotator, or how many of "
    "the strange films are found."
)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a gate says of one film.

    Attributes:
        reasons: why it is not fit, strongest first, or why no point is accepted though it is.
        accepted: (L,) whether each point can be taken as it is; none on a film that is not fit.
        p_value: of the film among the calibration films; small is out of distribution.
        evidence: the numbers behind those reasons that have one.
        found: how far the film is out of distribution, sign by sign.
    """

    verdict: FilmVerdict
    reasons: tuple[str, ...]
    accepted: NDArray[np.bool_]
    p_value: float
    evidence: tuple[Evidence, ...]
    found: OutOfDistribution


def apply_gate(
    prediction: Prediction,
    film: Film,
    gate: Gate,
    *,
    reference: FilmReference | None = None,
    find: FindPoints | None = None,
) -> Prediction:
    """A prediction with the verdicts of its model's gate for each landmark and the film, and the reasons.

    No point is moved or left out. A gate of other landmarks is an InputError.

    Args:
        prediction: of the film.
        film: what was predicted.
        gate: of the model.
        reference: the films of a site to judge it by, instead of the gate's calibration films.
        find: finds points on other views of the film; with it a film that is not fit is told to be turned,
            mirrored, a negative or of two heads, where it is.
    """
    judged = judge(prediction, film_signs(prediction, film, head=gate.head), gate, reference)
    evidence = judged.evidence
    if find is not None:
        evidence = how_it_lies(prediction, film, judged.found, evidence, find=find, gate=gate)
    marks = tuple(
        mark.model_copy(update={"verdict": "accept" if taken else "review"})
        for mark, taken in zip(prediction.landmarks, judged.accepted.tolist(), strict=True)
    )
    said = {
        "landmarks": marks,
        "verdict": judged.verdict,
        "reasons": tuple(each.reason for each in evidence) or judged.reasons,
        "p_value": judged.p_value,
        "evidence": evidence,
    }
    return prediction.model_copy(update=said)


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
        return Judgement("unfit" if unfit else "review", reasons, nothing, found.p_value, evidence, found)
    held_up = _held_up(prediction, gate)
    if held_up:
        return Judgement("review", held_up, nothing, found.p_value, (), found)
    scores = acceptance_scores(prediction.measured(gate.measure), seen.misfits)
    accepted = accepted_points(scores, gate.threshold_mm)
    doubtful = int((~(scores <= (gate.threshold_mm or 0.0))).sum())
    too_few = f"no point is accepted: {doubtful} of {len(scores)} are too uncertain"
    reasons = () if accepted.any() else (too_few,)
    return Judgement("fit", reasons, accepted, found.p_value, (), found)


def _held_up(prediction: Prediction, gate: Gate) -> tuple[str, ...]:
    """Why no film, or no film without a scale, can be judged fit."""
    wanted, reasons = gate.target, []
    if not gate.judges_films:
        reasons.append(
            f"{len(gate.reference.rows)} calibration films are too few to judge a film at a false-alarm rate "
            f"of {wanted.false_alarm_rate:.3g}"
        )
    if gate.threshold_mm is None:
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
        f"{source.split}, truth {source.truth}; head shape from {gate.shape_source}."
    )
    lines = "\n".join(f"- {sentence}" for sentence in (fitted_on, *promises(gate)))
    return f"## Gate\n\n{lines}\n"


def _about_points(gate: Gate) -> tuple[str, ...]:
    wanted = gate.target
    asked = (
        f"at most {wanted.max_missed_rate:.3g} of a film's accepted points, on average over films, are off "
        f"by more than {wanted.tolerance_mm:g} mm"
    )
    if gate.threshold_mm is None:
        need = fewest_films(wanted.max_missed_rate, wanted.confidence)
        refused = (
            f"Points: none is accepted. The {gate.units} independent calibration films do not show that "
            f"{asked} (confidence {wanted.confidence:.3g}; {need} films are needed even if none has a miss)."
        )
        return (refused,)
    promised = (
        f"Points: with probability {wanted.confidence:.3g} over the draw of the calibration films, {asked}. "
        f"Accepted are points whose {gate.measure} is {gate.threshold_mm:.3g} or less and that fit the "
        "others, where these are a quarter of a film's points or more, on films judged fit. (Learn-then-test "
        "by fixed sequence, Angelopoulos et al. 2021, with the betting test of Waudby-Smith & Ramdas 2024; "
        "one loss a film, because points of one film depend on each other.)"
    )
    seen = (
        f"On the calibration films themselves it accepts {gate.accepted_share:.1%} of the points, of which "
        f"{gate.missed_share:.1%} are wrong, and sends {gate.caught_share:.1%} of the wrong ones to review."
    )
    return promised, seen


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

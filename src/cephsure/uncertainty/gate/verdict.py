"""Verdicts: per landmark accept or review, per film fit, review or unfit; and what a gate says in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from cephsure.errors import InputError
from cephsure.uncertainty.gate.out_of_distribution import SIGN_WEIGHTS, SIGNS, film_signs, out_of_distribution
from cephsure.uncertainty.gate.risk_control import acceptance_scores, accepted_points, fewest_films

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cephsure.films import Film
    from cephsure.uncertainty.gate.gate import Gate
    from cephsure.uncertainty.gate.out_of_distribution import FilmSigns, OutOfDistribution
    from cephsure.uncertainty.prediction import Prediction

FilmVerdict = Literal["fit", "review", "unfit"]

_RESTS_ON = (
    "Both rest on one thing: films are drawn independently from the same source as the calibration films."
)
_NOT_PROMISED = (
    "Not promised: anything about one film, one landmark, another site, scanner or annotator, or how many of "
    "the strange films are found."
)

NOT_A_CEPHALOGRAM = "does not look like a lateral cephalogram"
UNLIKE = "unlike the calibration films"
_SAID_OF = {
    "shape": "the landmarks together make an unusual head",
    "misfit": "the landmarks together make an unusual head",
    "narrowed": "head probably rotated",
    "bilateral": "head probably rotated",
    "disagreement": "the model's samples disagree",
    "worst_disagreement": "the model's samples disagree",
    "blurred": "image blurred",
    "grainy": "image noisy",
}

# How many spreads beyond the median the points' shape and their uncertainty must both lie for a film to be
# called no cephalogram: a head that is only unusual, or a film that is only poor, is not that.
_NO_SHAPE_AT = 6.0
_UNSURE_AT = 3.0
_UNCERTAIN = ("uncertain", "worst_uncertain")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a gate says of one film.

    Attributes:
        reasons: why it is not fit, strongest first, or why no point is accepted though it is.
        accepted: (L,) whether each point can be taken as it is; none on a film that is not fit.
        p_value: of the film among the calibration films; small is out of distribution.
    """

    verdict: FilmVerdict
    reasons: tuple[str, ...]
    accepted: NDArray[np.bool_]
    p_value: float


def apply_gate(prediction: Prediction, film: Film, gate: Gate) -> Prediction:
    """A prediction with the verdicts of its model's gate for each landmark and the film, and the reasons.

    No point is moved or left out. A gate of other landmarks is an InputError.
    """
    judged = judge(prediction, film_signs(prediction, film, head=gate.head), gate)
    marks = tuple(
        mark.model_copy(update={"verdict": "accept" if taken else "review"})
        for mark, taken in zip(prediction.landmarks, judged.accepted.tolist(), strict=True)
    )
    said = {"landmarks": marks, "verdict": judged.verdict, "reasons": judged.reasons}
    return prediction.model_copy(update=said)


def judge(prediction: Prediction, seen: FilmSigns, gate: Gate) -> Judgement:
    """Judge a film by its signs, taken with ``gate.head``; InputError for a gate of other landmarks."""
    if tuple(mark.number for mark in prediction.landmarks) != gate.numbers:
        raise InputError("the gate is of other landmarks than the prediction")
    found = out_of_distribution(seen.signs, gate.known_signs, np.array(list(SIGN_WEIGHTS.values())))
    nothing = np.zeros(len(gate.numbers), dtype=bool)
    if gate.judges_films and found.p_value <= gate.target.false_alarm_rate:
        verdict: FilmVerdict = "unfit" if found.p_value <= gate.unfit_rate else "review"
        reasons = reasons_for(
            found,
            level=gate.target.false_alarm_rate,
            # The worst first; three at most are named.
            misfitting=[
                f"{prediction.landmarks[i].number} ({prediction.landmarks[i].code})"
                for i in np.argsort(-seen.misfits)[:3].tolist()
                if seen.misfits[i] > gate.misfit
            ],
            uncertain=seen.log_errors > np.array(gate.uncertain_from),
        )
        return Judgement(verdict, reasons, nothing, found.p_value)
    held_up = _held_up(prediction, gate)
    if held_up:
        return Judgement("review", held_up, nothing, found.p_value)
    scores = acceptance_scores(prediction.measured(gate.measure), seen.misfits)
    accepted = accepted_points(scores, gate.threshold_mm)
    doubtful = int((~(scores <= (gate.threshold_mm or 0.0))).sum())
    too_few = f"no point is accepted: {doubtful} of {len(scores)} are too uncertain"
    return Judgement("fit", () if accepted.any() else (too_few,), accepted, found.p_value)


def _held_up(prediction: Prediction, gate: Gate) -> tuple[str, ...]:
    """Why no film, or no film without a scale, can be judged fit."""
    wanted, reasons = gate.target, []
    if not gate.judges_films:
        reasons.append(
            f"{len(gate.film_signs)} calibration films are too few to judge a film at a false-alarm rate of "
            f"{wanted.false_alarm_rate:.3g}"
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
    count, rate = len(gate.film_signs), gate.target.false_alarm_rate
    if not gate.judges_films:
        return (
            f"Films: none is judged fit. {count} independent calibration films are too few for a false-alarm "
            f"rate of {rate:.3g}."
        )
    return (
        f"Films: one drawn like the {count} independent calibration films is judged review or unfit with "
        f"probability {rate:.3g} at most, and unfit with {gate.unfit_rate:.3g} at most (conformal p-value, "
        "exact for this number of films, over the draw of those and of the new film)."
    )


def reasons_for(
    found: OutOfDistribution, *, level: float, misfitting: Sequence[str], uncertain: NDArray[np.bool_]
) -> tuple[str, ...]:
    """The reasons of a film that is not fit, the strongest first.

    A sign counts if no more than a share ``level`` of the calibration films have it as strongly; the
    strongest one always counts. That a film is not fit is a test with a known false-alarm rate; which sign is
    named is a description of it. Besides come the names of the landmarks that do not fit the others, and
    which (L,) have a higher uncertainty than on nearly all calibration films.
    """
    order = np.argsort(-found.strengths, kind="stable")
    named = [
        SIGNS[i]
        for rank, i in enumerate(order)
        if np.isfinite(found.sign_p_values[i])
        and found.deviations[i] > 0
        and (rank == 0 or found.sign_p_values[i] <= level)
    ]
    if _makes_no_head(found):
        # Whatever else stands out there is a consequence of points that lie on nothing.
        named = [name for name in named if name in _UNCERTAIN]
    words = [_words(name, misfitting=misfitting, uncertain=uncertain) for name in named]
    if _makes_no_head(found):
        words.insert(0, NOT_A_CEPHALOGRAM)
    kept = tuple(dict.fromkeys(word for word in words if word))
    return kept or (UNLIKE,)


def _words(name: str, *, misfitting: Sequence[str], uncertain: NDArray[np.bool_]) -> str:
    """What a sign says; nothing where the landmarks do not bear it out."""
    if name in _UNCERTAIN:
        count = int(uncertain.sum())
        return f"uncertainty high at {count} of {len(uncertain)} landmarks" if count else ""
    if name == "misfit" and len(misfitting) == 1:
        return f"landmark {misfitting[0]} does not fit the others"
    if name == "misfit" and misfitting:
        return f"landmarks {', '.join(misfitting)} do not fit the others"
    return _SAID_OF[name]


def _makes_no_head(found: OutOfDistribution) -> bool:
    deviation: dict[str, float] = dict(zip(SIGNS, found.deviations.tolist(), strict=True))
    unsure = max(deviation[name] for name in (*_UNCERTAIN, "disagreement", "worst_disagreement"))
    return deviation["shape"] >= _NO_SHAPE_AT and unsure >= _UNSURE_AT

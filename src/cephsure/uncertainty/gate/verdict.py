"""Verdicts in a prediction: per landmark accept or review, per film fit, review or unfit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from cephsure.errors import InputError
from cephsure.uncertainty.gate.out_of_distribution import SIGN_WEIGHTS, film_signs, out_of_distribution
from cephsure.uncertainty.gate.risk_control import acceptance_scores, accepted_points
from cephsure.uncertainty.gate.sentences import reasons_for

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.films import Film
    from cephsure.uncertainty.gate.gate import Gate
    from cephsure.uncertainty.gate.out_of_distribution import FilmSigns
    from cephsure.uncertainty.prediction import Prediction

FilmVerdict = Literal["fit", "review", "unfit"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a gate says of one film.

    Attributes:
        verdict: of the film.
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

    No point is moved or left out.

    Raises:
        InputError: the gate is of other landmarks.
    """
    judged = judge(prediction, film_signs(prediction, film, head=gate.head), gate)
    marks = tuple(
        mark.model_copy(update={"verdict": "accept" if taken else "review"})
        for mark, taken in zip(prediction.landmarks, judged.accepted.tolist(), strict=True)
    )
    said = {"landmarks": marks, "verdict": judged.verdict, "reasons": judged.reasons}
    return prediction.model_copy(update=said)


def judge(prediction: Prediction, seen: FilmSigns, gate: Gate) -> Judgement:
    """Judge a film by its signs, taken with ``gate.head``.

    Raises:
        InputError: the gate is of other landmarks.
    """
    if tuple(mark.number for mark in prediction.landmarks) != gate.numbers:
        raise InputError("the gate is of other landmarks than the prediction")
    found = out_of_distribution(seen.signs, gate.known_signs, np.array(list(SIGN_WEIGHTS.values())))
    nothing = np.zeros(len(gate.numbers), dtype=bool)
    if gate.judges_films and found.p_value <= gate.target.false_alarm_rate:
        verdict: FilmVerdict = "unfit" if found.p_value <= gate.unfit_rate else "review"
        reasons = reasons_for(
            found,
            level=gate.target.false_alarm_rate,
            misfitting=_misfitting(prediction, seen, gate),
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


def _misfitting(prediction: Prediction, seen: FilmSigns, gate: Gate) -> tuple[str, ...]:
    """The landmarks that do not fit, the worst first; three at most are named."""
    worst = [int(i) for i in np.argsort(-seen.misfits) if seen.misfits[i] > gate.misfit][:3]
    return tuple(f"{prediction.landmarks[i].number} ({prediction.landmarks[i].code})" for i in worst)

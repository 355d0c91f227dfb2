"""What a gate promises, in sentences for a model's card and the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cephsure.uncertainty.gate.betting import fewest_films

if TYPE_CHECKING:
    from cephsure.uncertainty.gate.gate import Gate

_RESTS_ON = (
    "Both rest on one thing: films are drawn independently from the same source as the calibration films."
)
_NOT_PROMISED = (
    "Not promised: anything about one film, one landmark, another site, scanner or annotator, or how many of "
    "the strange films are found."
)


def promises(gate: Gate) -> tuple[str, ...]:
    """What the gate promises, what that rests on and what it does not promise.

    Args:
        gate: a gate.

    Returns:
        Sentences, in the order in which they are read.
    """
    return (*_about_points(gate), _about_films(gate), _RESTS_ON, _NOT_PROMISED)


def card_section(gate: Gate) -> str:
    """The promises as a section of a model card, in Markdown."""
    source = gate.source
    fitted_on = (
        f"Calibrated on {gate.films} films ({gate.units} independent) of {source.get('dataset', '-')}, split "
        f"{source.get('split', '-')}, truth {source.get('truth', '-')}; head shape from "
        f"{gate.shape_source}."
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

"""Why a film is not fit, in words: the signs that stand out, and nothing that they do not support."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cephsure.uncertainty.gate.film_signs import SIGNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cephsure.uncertainty.gate.strangeness import Strangeness

NOT_A_CEPHALOGRAM = "does not look like a lateral cephalogram"
ROTATED = "head probably rotated"
BLURRED = "image blurred"
NOISY = "image noisy"
IMPLAUSIBLE = "the landmarks together make an unusual head"
DISAGREE = "the model's samples disagree"
STRANGE = "unlike the calibration films"

# How many spreads beyond the median the points' shape and their uncertainty must both lie for a film to be
# called no cephalogram: a head that is only unusual, or a film that is only poor, is not that.
_NO_SHAPE_AT = 6.0
_UNSURE_AT = 3.0
_UNCERTAIN = ("uncertain", "worst_uncertain")
_DISAGREEING = ("disagreement", "worst_disagreement")


def reasons_for(
    found: Strangeness,
    *,
    level: float,
    misfitting: Sequence[str],
    uncertain: NDArray[np.bool_],
) -> tuple[str, ...]:
    """The reasons of a film that is not fit, the strongest first.

    A sign counts if no more than a share ``level`` of the calibration films have it as strongly; the
    strongest one always counts. That a film is not fit is a test with a known false-alarm rate; which sign is
    named is a description of it.

    Args:
        found: how strange the film is.
        level: the false-alarm rate of films.
        misfitting: names of the landmarks that do not fit the others.
        uncertain: (L,) landmarks of higher uncertainty than theirs on nearly all calibration films.

    Returns:
        At least one sentence, without full stop.
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
    return kept or (STRANGE,)


def _words(name: str, *, misfitting: Sequence[str], uncertain: NDArray[np.bool_]) -> str:
    """What a sign says; nothing where the landmarks do not bear it out."""
    if name == "misfit":
        return _do_not_fit(misfitting) if misfitting else IMPLAUSIBLE
    if name in _UNCERTAIN:
        count = int(uncertain.sum())
        return f"uncertainty high at {count} of {len(uncertain)} landmarks" if count else ""
    if name in _DISAGREEING:
        return DISAGREE
    return {
        "shape": IMPLAUSIBLE,
        "narrowed": ROTATED,
        "bilateral": ROTATED,
        "blurred": BLURRED,
        "grainy": NOISY,
    }[name]


def _do_not_fit(names: Sequence[str]) -> str:
    if len(names) == 1:
        return f"landmark {names[0]} does not fit the others"
    return f"landmarks {', '.join(names)} do not fit the others"


def _makes_no_head(found: Strangeness) -> bool:
    deviation: dict[str, float] = dict(zip(SIGNS, found.deviations.tolist(), strict=True))
    unsure = max(deviation[name] for name in (*_UNCERTAIN, *_DISAGREEING))
    return deviation["shape"] >= _NO_SHAPE_AT and unsure >= _UNSURE_AT

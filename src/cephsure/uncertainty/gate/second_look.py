"""Whether a film that is not fit was handed in wrongly: turned, mirrored, a negative, two heads on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cephsure.uncertainty.gate.reasons import NOT_A_CEPHALOGRAM
from cephsure.uncertainty.gate.signs import SIGNS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from cephsure.films import Film
    from cephsure.uncertainty.gate.gate import Gate
    from cephsure.uncertainty.gate.out_of_distribution import OutOfDistribution
    from cephsure.uncertainty.prediction import Prediction

    FindPoints = Callable[[Sequence[NDArray[np.float32]]], list[NDArray[np.float64]]]
    """Finds the landmarks (L, 2), in px, on films (H, W): positives that are taken to face right."""

TURNED = "the film lies on its side: turned by 90 degrees"
UPSIDE_DOWN = "the film is upside down"
TWO_HEADS = "there seem to be two heads on the film"

# From how many spreads beyond the median the points are looked for on other views of the film: where they
# make no usual head, and where the film as a whole is so unfamiliar that there may be a second head.
_NO_HEAD_AT = 3.0
_SECOND_HEAD_AT = 3.0
# How many known heads in a hundred fit the shape of heads less than what counts as a head on another view.
_PERCENTILE = 99.0


def how_it_lies(
    prediction: Prediction,
    film: Film,
    found: OutOfDistribution,
    reasons: tuple[str, ...],
    *,
    find: FindPoints,
    gate: Gate,
) -> tuple[str, ...]:
    """The reasons of a film that is not fit, with how it lies said first where that explains it.

    The points are found again on the film turned, mirrored and inverted, by one sample each. Where they make
    a head on one of these views and none as given, that is what is wrong; where they make one as given and on
    the mirrored film too, there are two. Ordinary films and heads cost nothing.
    """
    deviation = dict(zip(SIGNS, found.deviations.tolist(), strict=True))
    limit = float(np.percentile(gate.reference.column("shape"), _PERCENTILE))
    no_head = deviation["shape"] >= _NO_HEAD_AT
    if not (no_head or deviation["unfamiliar"] >= _SECOND_HEAD_AT):
        return reasons
    upright = film.pixels[:, ::-1] if prediction.film.facing == "left" else film.pixels
    if prediction.film.polarity == "negative":
        upright = 1.0 - upright
    mirrored = upright[:, ::-1]
    views = {_mirrored(prediction) if no_head else TWO_HEADS: [mirrored]}
    if no_head:
        views[UPSIDE_DOWN] = [each[::-1] for each in (mirrored, upright)]
        views[TURNED] = [np.rot90(each, quarters) for each in (upright, mirrored) for quarters in (1, 3)]
        wrong = "a negative" if prediction.film.polarity == "positive" else "no negative"
        views[f"{wrong}? bone and background seem to be exchanged"] = [1.0 - upright]
    pixels = [np.ascontiguousarray(view, dtype=np.float32) for each in views.values() for view in each]
    words = [said for said, each in views.items() for _ in each]
    scores = [_log_score(points, gate) for points in find(pixels)]
    best = int(np.argmin(scores))
    if scores[best] > limit:
        return reasons
    kept = tuple(reason for reason in reasons if reason != NOT_A_CEPHALOGRAM)
    return (words[best], *(() if no_head else kept))


def _mirrored(prediction: Prediction) -> str:
    facing, known = prediction.film.facing, prediction.film.facing_source
    other = "left" if facing == "right" else "right"
    how = {"given": "as given", "found": "as was found", "assumed": "as this model takes every film"}[known]
    return f"mirrored? the head faces {other}, not {facing} {how}"


def _log_score(points: NDArray[np.float64], gate: Gate) -> float:
    """Logarithm of how implausible points are as a head; infinite where they make none."""
    return float(np.log(max(gate.head.shape.score(points), 1e-9)))

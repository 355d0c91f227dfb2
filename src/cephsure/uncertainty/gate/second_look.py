"""Whether a film that is not fit was handed in wrongly: turned, mirrored, a negative, two heads on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from cephsure.uncertainty.gate.signs import SIGNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cephsure.films import Film
    from cephsure.uncertainty.gate.gate import Gate
    from cephsure.uncertainty.gate.out_of_distribution import OutOfDistribution
    from cephsure.uncertainty.prediction import Evidence, Prediction

    class FindPoints(Protocol):
        """Finds the landmarks (L, 2) on films (H, W), in px of the upright film, by one sample each."""

        def __call__(
            self, views: Sequence[NDArray[np.float32]], *, are_upright: bool
        ) -> list[NDArray[np.float64]]:
            """Of positives that face right or, where they need not be, of films turned upright as found."""


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
    evidence: tuple[Evidence, ...],
    *,
    find: FindPoints,
    gate: Gate,
) -> tuple[Evidence, ...]:
    """Why a film is not fit, with how it lies said first where that explains it.

    The points are found again on the film mirrored, inverted and turned. Where they make
    a head on one of these views and none as given, that is what is wrong; where they make one as given and on
    the mirrored film too, there are two. Ordinary films and heads cost nothing.
    """
    deviation = dict(zip(SIGNS, found.deviations.tolist(), strict=True))
    limit = float(np.percentile(gate.reference.column("shape"), _PERCENTILE))
    no_head = deviation["shape"] >= _NO_HEAD_AT
    if not evidence or not (no_head or deviation["unfamiliar"] >= _SECOND_HEAD_AT):
        return evidence
    upright = film.pixels[:, ::-1] if prediction.film.facing == "left" else film.pixels
    negative = prediction.film.polarity == "negative"
    upright = 1.0 - upright if negative else upright
    words = [_mirrored(prediction) if no_head else TWO_HEADS]
    found_points = find([_whole(upright[:, ::-1])], are_upright=True)
    if no_head:
        words += [f"{'no' if negative else 'a'} negative? bone and background seem to be exchanged"]
        words += [UPSIDE_DOWN, TURNED, TURNED]
        found_points += find([_whole(1.0 - upright)], are_upright=True)
        turned = [_whole(np.rot90(film.pixels, quarters)) for quarters in (2, 1, 3)]
        found_points += find(turned, are_upright=False)
    scores = [_log_score(points, gate) for points in found_points]
    best = int(np.argmin(scores))
    if scores[best] > limit:
        return evidence
    # Whatever else stands out on a film that lies wrongly is a consequence.
    return (evidence[0].model_copy(update={"reason": words[best]}), *(() if no_head else evidence))


def _mirrored(prediction: Prediction) -> str:
    facing, known = prediction.film.facing, prediction.film.facing_source
    other = "left" if facing == "right" else "right"
    how = {"given": "as given", "found": "as was found", "assumed": "as this model takes every film"}[known]
    return f"mirrored? the head faces {other}, not {facing} {how}"


def _whole(view: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.ascontiguousarray(view, dtype=np.float32)


def _log_score(points: NDArray[np.float64], gate: Gate) -> float:
    """Logarithm of how implausible points are as a head; infinite where they make none."""
    return float(np.log(max(gate.head.shape.score(points), 1e-9)))

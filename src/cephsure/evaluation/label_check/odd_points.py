"""Single points that do not fit the others, and landmarks whose labels were exchanged."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.evaluation.label_check.shapes import Flags, ShapeJudge

    Array = NDArray[np.float64]

ODD = 4.0
"""A point is odd from so many usual spreads away from where the others expect it."""
SOMEWHAT_ODD = 3.0
"""So many are enough where the other annotator marks it elsewhere."""
SURELY_ODD = 6.0
"""So many are odd even where the other annotator marks it there too."""
_SWAP_GAIN = 30.0  # by which the squared distance from the mean head falls when two labels are exchanged back
_SUSPECT = 2.5  # residual, in usual spreads, from which exchanging a label is tried
_MOST_ODD = 0.5  # share of the points that may be odd: they are judged by the others


@dataclass(slots=True)
class ShapeReading:
    """What the shape model says of one annotator's points on one film.

    Attributes:
        residuals: (L,) how far off each point is, in usual spreads, before anything was put right.
        swapped: pairs of landmarks whose labels look exchanged.
        odd: (landmark, residual, (x, y) where the others expect it), the first found first.
    """

    residuals: Array
    swapped: list[tuple[int, int]] = field(default_factory=list)
    odd: list[tuple[int, float, tuple[float, float]]] = field(default_factory=list)


def read_shape(judge: ShapeJudge, film: int, points: Array, doubted: Flags | None = None) -> ShapeReading:
    """Judge (L, 2) points of a film, all in one unit, NaN where missing.

    Points ``doubted`` (L,), because another annotator marks them elsewhere, are odd sooner.
    """
    known = judge.known(points)
    if not known.any():
        return ShapeReading(np.zeros(len(points)))
    found = ShapeReading(judge.residuals(film, points, known))
    righted = points.copy()
    # Exchanges first: a swapped pair looks like two odd points otherwise.
    while len(found.swapped) < known.sum() // 2:
        pair = _swapped(judge, film, righted, known)
        if pair is None or pair in found.swapped:
            break
        found.swapped.append(pair)
        righted[list(pair)] = righted[list(pair)[::-1]]
    limits = np.full(len(points), ODD)
    if doubted is not None:
        limits[doubted] = SOMEWHAT_ODD
    found.odd = _odd(judge, film, righted, known, limits)
    return found


def _swapped(judge: ShapeJudge, film: int, points: Array, known: Flags) -> tuple[int, int] | None:
    """The two landmarks which exchanged fit much better; None where there are none."""
    residuals = judge.residuals(film, points, known)
    suspects = np.flatnonzero(residuals >= _SUSPECT)
    if residuals.max() < ODD * 2 / 3:
        return None
    model, places = judge.model(film, known), np.flatnonzero(known)
    freedom = 2 * len(places) - 4
    usual = judge.usual_score**2

    def distance(shape: Array) -> float:
        return freedom * model.score(shape[known]) ** 2 / usual

    best: tuple[int, int] | None = None
    before, most = distance(points), _SWAP_GAIN
    for one, other in combinations(places.tolist(), 2):
        if one in suspects or other in suspects:
            exchanged = points.copy()
            exchanged[[one, other]] = points[[other, one]]
            gain = before - distance(exchanged)
            if gain > most and judge.residuals(film, exchanged, known)[[one, other]].max() < ODD:
                most, best = gain, (one, other)
    return best


def _odd(
    judge: ShapeJudge, film: int, points: Array, known: Flags, limits: Array
) -> list[tuple[int, float, tuple[float, float]]]:
    """The odd points, taken away one by one, the oddest first; each judged in the end by those that stay."""
    kept, taken = known.copy(), list[int]()
    most = int(_MOST_ODD * known.sum())
    while len(taken) < most and kept.sum() > 4:
        residuals = judge.residuals(film, points, kept)
        worst = int(np.argmax(residuals / limits))
        if not residuals[worst] >= limits[worst]:
            break
        kept[worst] = False
        taken.append(worst)
    found = []
    for landmark in taken:
        beside = kept.copy()
        beside[landmark] = True
        residual = float(judge.residuals(film, points, beside)[landmark])
        if residual >= limits[landmark]:
            place = judge.model(film, beside).expected(points[beside])[int(beside[:landmark].sum())]
            found.append((landmark, residual, (float(place[0]), float(place[1]))))
    return found

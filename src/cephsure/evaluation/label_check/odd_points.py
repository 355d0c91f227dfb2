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
MANY = 1 / 3
"""Share of the points from which they are not told one by one."""
_SWAP_GAIN = 30.0  # by which the squared distance from the mean head falls when two labels are exchanged back
_SUSPECT = 2.7  # residual, in usual spreads, from which exchanging a label is tried
_LEFT = 4  # points by which others are judged
_MOST_ODD = 0.5  # share of the points that may be odd: they are judged by the others


@dataclass(slots=True)
class ShapeReading:
    """What the shape model says of one annotator's points on one film.

    Attributes:
        swapped: pairs of landmarks whose labels look exchanged.
        odd: (landmark, residual, (x, y) where the others expect it), the first found first.
    """

    swapped: list[tuple[int, int]] = field(default_factory=list)
    odd: list[tuple[int, float, tuple[float, float]]] = field(default_factory=list)

    def righted(self, points: Array) -> Array:
        """(L, 2) points with exchanged labels put back and odd points missing.

        As they are where so many are odd that the others may be wrong as well.
        """
        righted = points.copy()
        for pair in self.swapped:
            righted[list(pair)] = righted[list(pair)[::-1]]
        if len(self.odd) <= MANY * np.isfinite(points).all(axis=1).sum():
            righted[[landmark for landmark, _, _ in self.odd]] = np.nan
        return righted


def read_shape(judge: ShapeJudge, film: int, points: Array, doubted: Flags | None = None) -> ShapeReading:
    """Judge (L, 2) points of a film, all in one unit, NaN where missing.

    Points ``doubted`` (L,), because another annotator marks them elsewhere, are odd sooner.
    """
    known = judge.known(points)
    if not known.any():
        return ShapeReading()
    found = ShapeReading()
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
    """The two landmarks which exchanged fit much better; None where there are none.

    Tried are those of which one at least stands out; other points that do are left out meanwhile.
    """
    kept, suspects = _taken(judge, film, points, known, np.full(len(points), _SUSPECT))
    best: tuple[int, int] | None = None
    most = _SWAP_GAIN
    for one, other in combinations(np.flatnonzero(known).tolist(), 2):
        if one not in suspects and other not in suspects:
            continue
        beside = kept.copy()
        beside[[one, other]] = True
        exchanged = points.copy()
        exchanged[[one, other]] = points[[other, one]]
        gain = _distance(judge, film, points, beside) - _distance(judge, film, exchanged, beside)
        if gain > most and judge.residuals(film, exchanged, beside)[[one, other]].max() < ODD:
            most, best = gain, (one, other)
    return best


def _distance(judge: ShapeJudge, film: int, points: Array, known: Flags) -> float:
    """Squared distance of a head from the mean one, in usual spreads."""
    return float((2 * known.sum() - 4) * judge.score(film, points, known) ** 2)


def _taken(
    judge: ShapeJudge, film: int, points: Array, known: Flags, limits: Array
) -> tuple[Flags, list[int]]:
    """The points that stay when those beyond their limits are taken away one by one, and those taken."""
    kept, taken = known.copy(), list[int]()
    most = int(_MOST_ODD * known.sum())
    while len(taken) < most and kept.sum() > _LEFT:
        residuals = judge.residuals(film, points, kept)
        worst = int(np.argmax(residuals / limits))
        if not residuals[worst] >= limits[worst]:
            break
        kept[worst] = False
        taken.append(worst)
    return kept, taken


def _odd(
    judge: ShapeJudge, film: int, points: Array, known: Flags, limits: Array
) -> list[tuple[int, float, tuple[float, float]]]:
    """The odd points, the oddest first; each judged in the end by those that stay."""
    kept, taken = _taken(judge, film, points, known, limits)
    found = []
    for landmark in taken:
        beside = kept.copy()
        beside[landmark] = True
        residual = float(judge.residuals(film, points, beside)[landmark])
        if residual >= limits[landmark]:
            place = judge.model(film, beside).expected(points[beside])[int(beside[:landmark].sum())]
            found.append((landmark, residual, (float(place[0]), float(place[1]))))
    return found

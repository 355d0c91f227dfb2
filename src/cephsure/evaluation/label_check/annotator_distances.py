"""How far annotators are apart: usually, by habit, and on films where one of them must have slipped."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Flags = NDArray[np.bool_]

APART, APART_OF_HEAD = 6.0, 0.15
"""Two annotators are far apart at a landmark from so many usual spreads beyond their usual offset, which must
be so much of the head's extent (of ISBI's heads 6.6 mm)."""
APART_AND_ODD = 3.0
"""Where the shape finds a point somewhat odd, so many spreads are enough."""
WHOLE_APART = 3.0
"""Half of a film's points are so many spreads apart: all the labels of one of them are amiss."""
AGREED = 2.0
"""Up to so many, the other annotator agrees."""
_FEWEST_FILMS = 10
# Median and 90th percentile of a distance, in standard deviations along an axis (Rayleigh's distribution).
# Distances have longer tails than that: the percentile keeps what happens on every tenth film usual.
_MEDIAN, _OFTEN, _OFTEN_SHARE = 1.1774, 2.1460, 0.9
_LEAST_SPREAD = 0.004  # of the head's extent: less is better than anyone marks
_HABIT = 2.0  # spreads by which a systematic offset stands out from how the two differ from film to film
_HABIT_OF_HEAD = 0.07  # and its least size, of the head's extent (3 mm)


@dataclass(frozen=True, slots=True)
class AnnotatorPair:
    """Two annotators' distances, in one unit.

    Attributes:
        n_films: (L,) on which both marked a landmark.
        mean: (L,) mean distance; NaN where no film has both.
        offset: (L, 2) median of the second's points less the first's.
        spread: (L,) standard deviation along an axis of how they differ beside the offset; robust.
        apart: (F, L) how far they are beyond the offset, in spreads; NaN where one did not mark it, or where
            too few films tell what is usual.
        identical: share of the points of both that lie in the same place.
    """

    first: str
    second: str
    n_films: NDArray[np.int64]
    mean: Array
    offset: Array
    spread: Array
    apart: Array
    identical: float

    def habits(self, extent: float) -> Flags:
        """(L,) the landmarks that the two mark in different places by habit; ``extent`` is the head's."""
        length = np.hypot(self.offset[:, 0], self.offset[:, 1])
        with np.errstate(invalid="ignore"):
            return np.asarray((length >= _HABIT * self.spread) & (length >= _HABIT_OF_HEAD * extent))


def annotator_pairs(lengths: dict[str, Array], extent: float) -> list[AnnotatorPair]:
    """All pairs of annotators who marked a film in common, from their (F, L, 2) points in one unit.

    ``extent`` is the usual extent of a head.
    """
    found = []
    for first, second in combinations(lengths, 2):
        ways = lengths[second] - lengths[first]
        if np.isfinite(ways).any():
            found.append(_pair(first, second, ways, extent))
    return found


def _pair(first: str, second: str, ways: Array, extent: float) -> AnnotatorPair:
    known = np.asarray(np.isfinite(ways).all(axis=2))
    counts = known.sum(axis=0)
    n_landmarks = ways.shape[1]
    mean, offset = np.full(n_landmarks, np.nan), np.full((n_landmarks, 2), np.nan)
    spread, apart = np.full(n_landmarks, np.nan), np.full(known.shape, np.nan)
    for landmark in np.flatnonzero(counts):
        films = known[:, landmark]
        own = ways[films, landmark]
        mean[landmark] = np.hypot(own[:, 0], own[:, 1]).mean()
        offset[landmark] = np.median(own, axis=0)
        beside = np.hypot(*(own - offset[landmark]).T)
        if counts[landmark] >= _FEWEST_FILMS:
            wide = (float(np.median(beside)) / _MEDIAN, float(np.quantile(beside, _OFTEN_SHARE)) / _OFTEN)
            spread[landmark] = max(*wide, _LEAST_SPREAD * extent)
            apart[films, landmark] = beside / spread[landmark]
    same = np.hypot(ways[known][:, 0], ways[known][:, 1]) < 1e-6 * extent
    return AnnotatorPair(first, second, counts, mean, offset, spread, apart, float(same.mean()))

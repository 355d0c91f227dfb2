"""How readers differ: where they mark on average, and how far a next one may be from that."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from cephsure.uncertainty.prediction import Frozen
from cephsure.uncertainty.readers.habit import MarkedFilms, Prior, observe

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

COMMON_SHARE = 0.5
"""Share of the variance of w that all landmarks of a reader have in common."""

LARGEST = 1000.0
"""A habit of a metre is none."""

SPREAD_FILMS = 4.0
"""Films' worth of belief that a reader scatters as readers do; fewer leave single landmarks to chance."""

_W_READERS, _B_READERS = 4.0, 2.0
"""Readers' worth of belief that a landmark's w, its b, differ between readers as those of all landmarks."""

_ROUNDS = 25
_PARTS_MM = 1.0
_DECIDES, _COUNTS = 0.98, 0.75
_DEFINITION_READERS = 2.0


@dataclass(frozen=True, slots=True)
class KnownReader:
    """One reader's films of one data set.

    Attributes:
        name: of the reader and the set.
        person: who it is; one person may have read several sets.
        films: what was marked.
        count: how many films.
        apart_mm: (L,) median distance of the two annotators' marks on them.
        scatter_mm2: (L,) mean variance of the films' own scatter.
    """

    name: str
    person: str
    films: MarkedFilms
    count: int
    apart_mm: Array
    scatter_mm2: Array


class LandmarkHabits(Frozen):
    """How readers mark one landmark.

    Attributes:
        centre: w where a reader of whom nothing is known is expected.
        w_sd: how w varies between readers.
        b_sd_mm: how b does, along each axis.
        readers: persons whose marks this rests on.
        apart_mm: median distance of the two annotators' marks; 0 without two.
        evidence: what the centre rests on, in words.
    """

    number: int
    centre: float = Field(default=0.0, ge=-LARGEST, le=LARGEST)
    w_sd: float = Field(default=0.0, ge=0.0, le=LARGEST)
    b_sd_mm: float = Field(ge=0.0, le=LARGEST)
    readers: int = Field(ge=0)
    apart_mm: float = Field(default=0.0, ge=0.0, le=LARGEST)
    evidence: str = ""


class ReaderSet(Frozen):
    """A reader that a population rests on, and on how many films."""

    name: str
    person: str
    films: int


class Population(Frozen):
    """What is known of readers.

    Attributes:
        annotators: the two at the ends of the line, w = -1 and +1; none where networks tell none apart.
        landmarks: one each.
        spread: how much larger a reader's scatter is than the films' own covariance says, on average.
        rests_on: the readers.
    """

    annotators: tuple[str, ...] = ()
    landmarks: tuple[LandmarkHabits, ...]
    spread: float = Field(default=1.0, ge=1 / LARGEST, le=LARGEST)
    rests_on: tuple[ReaderSet, ...] = ()

    @property
    def persons(self) -> int:
        """How many persons it rests on; with one alone nothing is known of how readers differ."""
        return len({reader.person for reader in self.rests_on})

    def prior(self) -> Prior:
        """What is believed of a reader not met before."""
        centres = [mark.centre for mark in self.landmarks]
        w_sd = np.array([mark.w_sd for mark in self.landmarks])
        b_sd = np.array([mark.b_sd_mm for mark in self.landmarks])
        return _prior(np.array(centres), w_sd**2, b_sd**2, self.spread)


def _prior(centres: Array, w_variance: Array, b_variance: Array, spread: float) -> Prior:
    count = len(centres)
    mean = np.stack([centres, np.zeros(count), np.zeros(count)], axis=1)
    covariance = np.zeros((3 * count, 3 * count))
    sd = np.sqrt(w_variance)
    common = COMMON_SHARE * np.outer(sd, sd)
    common[np.diag_indices(count)] = w_variance
    covariance[::3, ::3] = common
    for axis in (1, 2):
        covariance[np.arange(axis, 3 * count, 3), np.arange(axis, 3 * count, 3)] = b_variance
    return Prior(mean, covariance, np.full(count, spread), SPREAD_FILMS)


@dataclass(frozen=True, slots=True)
class Definition:
    """How the written definition of a landmark fits the two annotators' marks.

    Attributes:
        share: of the films on which the second annotator's mark fits it better than the first's.
        words: the definition's rule.
    """

    share: float
    words: str


def fit_population(
    readers: Sequence[KnownReader],
    numbers: Sequence[int],
    *,
    annotators: Sequence[str] = (),
    definitions: Mapping[int, Definition] | None = None,
) -> Population:
    """Fit centres and variances to known readers (expectation-maximization).

    Each person counts once, over however many sets. Variances of a landmark are shrunk to those of all
    landmarks, by the readers' worth of ``_W_READERS`` and ``_B_READERS``. The centre of w: where the written
    definition is an extreme that one annotator's marks fit on nearly all films, theirs; else the mean over
    persons, among whom the definition counts as ``_DEFINITION_READERS`` where it is fairly clear. With fewer
    than two persons how readers differ is not known: b varies by a weak guess, the films' own scatter.

    Args:
        readers: those at hand, all of the same L landmarks.
        numbers: (L,) the landmarks'.
        annotators: at the ends of the line.
        definitions: by landmark (an index), where it is an extreme.
    """
    count = len(numbers)
    line = len(annotators) == 2
    apart = np.median([r.apart_mm for r in readers], axis=0)
    weight = {person: 1.0 / sets for person, sets in Counter(r.person for r in readers).items()}
    w_variance = np.full(count, 0.5 if line else 0.0)
    b_variance = np.mean([r.scatter_mm2 for r in readers], axis=0)
    centres, evidence = np.zeros(count), [""] * count
    spread = 1.0
    for stage in range(2):  # first about 0, to see where the readers are; then about their centre
        if len(weight) < 2 or (stage and not line):
            break
        if stage:
            found = _places(readers, _prior(np.zeros(count), w_variance, b_variance, spread))
            centres, evidence = _centres(found, apart, definitions or {}, annotators)
        w_variance, b_variance, spread = _variances(readers, weight, centres, w_variance, b_variance)
    marked_by = [len({r.person for r in readers if r.films.counts[index] > 0}) for index in range(count)]
    return Population(
        annotators=tuple(annotators) if line else (),
        landmarks=tuple(
            LandmarkHabits(
                number=number,
                centre=round(float(centres[i]), 3),
                w_sd=round(float(np.sqrt(w_variance[i])), 4),
                b_sd_mm=round(float(np.sqrt(b_variance[i])), 4),
                readers=marked_by[i],
                apart_mm=round(float(apart[i]), 2) if line else 0.0,
                evidence=evidence[i],
            )
            for i, number in enumerate(numbers)
        ),
        spread=round(min(max(spread, 1 / LARGEST), LARGEST), 4),
        rests_on=tuple(ReaderSet(name=r.name, person=r.person, films=r.count) for r in readers),
    )


def _variances(
    readers: Sequence[KnownReader],
    weight: Mapping[str, float],
    centres: Array,
    w_variance: Array,
    b_variance: Array,
) -> tuple[Array, Array, float]:
    """Variances of w and b between readers, and the mean scatter factor."""
    line = bool((w_variance > 0).any())
    spread = 1.0
    for _ in range(_ROUNDS):
        prior = _prior(centres, w_variance, b_variance, spread)
        squares, seen, spreads = np.zeros((3, len(centres))), np.zeros(len(centres)), []
        for reader in readers:
            habit = observe(prior, reader.films)
            marked = weight[reader.person] * (reader.films.counts > 0)
            moments = (habit.mean - prior.mean) ** 2 + np.diagonal(habit.covariance, axis1=1, axis2=2)
            squares += marked * moments.T
            seen += marked
            spreads.append((float(marked.sum()), float((marked * habit.spread).sum())))
        of_w, of_b = squares[0], squares[1:].mean(axis=0)
        all_w, all_b = of_w.sum() / seen.sum(), of_b.sum() / seen.sum()
        if line:
            w_variance = (of_w + _W_READERS * all_w) / (seen + _W_READERS)
        b_variance = (of_b + _B_READERS * all_b) / (seen + _B_READERS)
        spread = sum(total for _, total in spreads) / sum(n for n, _ in spreads)
    return w_variance, b_variance, spread


def _places(readers: Sequence[KnownReader], prior: Prior) -> Array:
    """(P, L) each person's w, NaN for landmarks that this person has not marked."""
    found: dict[str, list[Array]] = {}
    for reader in readers:
        w = np.where(reader.films.counts > 0, observe(prior, reader.films).mean[:, 0], np.nan)
        found.setdefault(reader.person, []).append(w)
    rows = []
    for sets in found.values():
        known = np.isfinite(sets).sum(axis=0)
        rows.append(np.where(known > 0, np.nansum(sets, axis=0) / np.maximum(known, 1), np.nan))
    return np.array(rows)


def _centres(
    places: Array, apart_mm: Array, definitions: Mapping[int, Definition], annotators: Sequence[str]
) -> tuple[Array, list[str]]:
    """Where w is centred at each landmark, and why."""
    centres, evidence = np.zeros(len(apart_mm)), []
    for index in range(len(apart_mm)):
        w = places[np.isfinite(places[:, index]), index]
        votes, total = float(len(w)), float(w.sum())
        words = "1 reader" if len(w) == 1 else f"{len(w)} readers"
        if len(w):
            words += f": mean {w.mean():+.2f}, from {w.min():+.2f} to {w.max():+.2f}"
        definition = definitions.get(index)
        if definition is not None and apart_mm[index] > _PARTS_MM:
            side, share = (1, definition.share) if definition.share >= 0.5 else (-1, 1 - definition.share)
            fits = f"{annotators[(side + 1) // 2]} is {definition.words} on {share:.0%} of films"
            words = f"{fits}; {words}"
            if share >= _DECIDES:
                votes, total = 1.0, float(side)
                words = f"definition decides: {words}"
            elif share >= _COUNTS:
                votes, total = votes + _DEFINITION_READERS, total + _DEFINITION_READERS * side
                words = f"definition counts as {_DEFINITION_READERS:g} readers: {words}"
        centres[index] = np.clip(total / max(votes, 1.0), -1.0, 1.0)
        evidence.append(words)
    return centres, evidence

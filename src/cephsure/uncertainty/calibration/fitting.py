"""Fit to readers' marks on films how landmarks scatter, how readers differ and what annotators do.

How landmarks scatter from film to film (``error_fits``) is taken about each reader's own habit; how readers
differ is fitted to all of them (``readers``). Which contents regions must reach is found by ``rehearsal``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from typing import TYPE_CHECKING

import numpy as np

from cephsure.uncertainty.calibration.calibration import (
    Annotator,
    LandmarkCalibration,
    scatter_mm2,
)
from cephsure.uncertainty.calibration.error_fits import (
    curve_mm,
    fit_error_curves,
    fit_relative_covariances,
    fit_temperatures,
)
from cephsure.uncertainty.readers.habit import Habit, MarkedFilms, Prior, observe
from cephsure.uncertainty.readers.population import KnownReader, Population, fit_population
from cephsure.uncertainty.readers.reader import habit_of, landmarks_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from cephsure.uncertainty.calibration.data import CalibrationData
    from cephsure.uncertainty.readers.cases import TruthOf
    from cephsure.uncertainty.readers.population import Definition

    Array = NDArray[np.float64]

_SCATTER_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class ReadFilms:
    """Films that one reader marked.

    Attributes:
        name: of the reader and the set.
        person: who it is; one person may have read several sets.
        data: the films, their errors against this reader's marks.
        annotator: the name if it is one of the calibration's annotators, by whose marks scatter is fitted;
            None for further readers, who tell only how readers differ.
    """

    name: str
    person: str
    data: CalibrationData
    annotator: str | None = None


@dataclass(frozen=True, slots=True)
class Readings:
    """All that a calibration is fitted to.

    Attributes:
        one: single readers' films.
        mean: the same films of the annotators, their marks' mean the truth; none without two annotators.
        annotators: at the ends of the line, if networks tell two apart.
        definitions: by landmark (an index), where it is an extreme.
    """

    one: tuple[ReadFilms, ...]
    mean: tuple[ReadFilms, ...] = ()
    annotators: tuple[str, ...] = ()
    definitions: Mapping[int, Definition] | None = None

    @property
    def persons(self) -> tuple[str, ...]:
        """Who has read, each once."""
        return tuple(dict.fromkeys(reader.person for reader in self.one))

    def without(self, person: str) -> Readings:
        """The others' films."""
        return replace(self, one=tuple(reader for reader in self.one if reader.person != person))

    def on(self, keep: Callable[[str], bool]) -> Readings:
        """The annotators' films of groups that are to be kept."""

        def kept(readers: Iterable[ReadFilms]) -> tuple[ReadFilms, ...]:
            chosen = [
                (reader, [i for i, group in enumerate(reader.data.groups) if keep(group)])
                for reader in readers
                if reader.annotator is not None
            ]
            return tuple(replace(reader, data=reader.data.take(films)) for reader, films in chosen if films)

        return replace(self, one=kept(self.one), mean=kept(self.mean))


@dataclass(frozen=True, slots=True)
class Fit:
    """What is known of films and readers, but for the bounds."""

    scatter: dict[TruthOf, tuple[LandmarkCalibration, ...]]
    readers: Population
    annotators: tuple[Annotator, ...]

    def habit_of(self, name: str) -> Habit:
        """An annotator's."""
        return habit_of(next(known.landmarks for known in self.annotators if known.name == name))


def fit(readings: Readings) -> Fit:
    """Fit scatter, readers and annotators' habits."""
    own = [reader for reader in readings.one if reader.annotator is not None] or [*readings.one]
    one = fit_scatter(own)
    scatter: dict[TruthOf, tuple[LandmarkCalibration, ...]] = {
        "one": one,
        "mean": fit_scatter(readings.mean) if readings.mean else one,
    }
    known = [_known(reader, one) for reader in readings.one]
    numbers = readings.one[0].data.numbers
    population = fit_population(
        known, numbers, annotators=readings.annotators, definitions=readings.definitions
    )
    return Fit(scatter, population, _annotators(readings, one, population))


def marked(
    data: CalibrationData, scatter: Sequence[LandmarkCalibration], films: NDArray[np.int64] | None = None
) -> MarkedFilms:
    """A reader's films, all or those at some indices, as readers are fitted to them."""
    chosen = slice(None) if films is None else films
    covariances = scatter_mm2(scatter, {key: values[chosen] for key, values in data.measures.items()})
    return MarkedFilms.of(-data.errors_mm[chosen], data.lines_mm[chosen], covariances)


def _known(reader: ReadFilms, scatter: Sequence[LandmarkCalibration]) -> KnownReader:
    data = reader.data
    covariances = scatter_mm2(scatter, data.measures)
    return KnownReader(
        reader.name,
        reader.person,
        MarkedFilms.of(-data.errors_mm, data.lines_mm, covariances),
        len(data.film_ids),
        2 * np.median(np.hypot(data.lines_mm[..., 0], data.lines_mm[..., 1]), axis=0),
        np.trace(covariances, axis1=2, axis2=3).mean(axis=0) / 2,
    )


def _annotators(
    readings: Readings, scatter: Sequence[LandmarkCalibration], population: Population
) -> tuple[Annotator, ...]:
    names = tuple(dict.fromkeys(r.annotator for r in readings.one if r.annotator is not None))
    found = []
    for name in names:
        own = [r.data for r in readings.one if r.annotator == name]
        films = reduce(add, (marked(data, scatter) for data in own))
        # An annotator's films are the networks' own: they are believed, and the population is not.
        habit = observe(_open(population.prior()), films)
        numbers = [mark.number for mark in population.landmarks]
        found.append(
            Annotator(
                name=name,
                films=sum(len(data.film_ids) for data in own),
                landmarks=landmarks_of(numbers, habit),
            )
        )
    return tuple(found)


def _open(prior: Prior) -> Prior:
    """The prior without its centre's opinion of w."""
    mean = prior.mean.copy()
    mean[:, 0] = 0.0
    return replace(prior, mean=mean)


def fit_scatter(readers: Sequence[ReadFilms]) -> tuple[LandmarkCalibration, ...]:
    """Fit how landmarks scatter from film to film about each reader's own habit.

    The habit is first the mean, then the regression along the line by the scatter found so far.
    """
    data = [reader.data for reader in readers]
    measures = {key: np.concatenate([own.measures[key] for own in data]) for key in data[0].measures}
    tempered = None
    if all(own.tempered_mm is not None for own in data):
        tempered = np.concatenate([own.tempered_mm for own in data if own.tempered_mm is not None])
    rests = [_without_mean(own.errors_mm) for own in data]
    landmarks = _fit_landmarks(data[0].numbers, np.concatenate(rests), measures, tempered)
    for _ in range(_SCATTER_ROUNDS - 1):
        rests = [_rest(own, landmarks) for own in data]
        landmarks = _fit_landmarks(data[0].numbers, np.concatenate(rests), measures, tempered)
    return landmarks


def _without_mean(errors_mm: Array) -> Array:
    known = np.isfinite(errors_mm)
    means = np.where(known, errors_mm, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return np.asarray(errors_mm - means)


def _rest(data: CalibrationData, landmarks: tuple[LandmarkCalibration, ...]) -> Array:
    films = marked(data, landmarks)
    count = len(landmarks)
    lines_mm = data.lines_mm
    weak = np.diag(np.tile([1.0 if lines_mm.any() else 0.0, 4.0, 4.0], count))
    habit = observe(Prior(np.zeros((count, 3)), weak, np.ones(count), 4.0), films)
    return np.asarray(-data.errors_mm - habit.moves_mm(lines_mm))


def _fit_landmarks(
    numbers: Sequence[int],
    errors_mm: Array,
    measures: Mapping[str, Array],
    tempered_mm: Array | None,
) -> tuple[LandmarkCalibration, ...]:
    radial = np.hypot(errors_mm[..., 0], errors_mm[..., 1])
    intercepts, slopes = fit_error_curves(radial, measures)
    covariances = fit_relative_covariances(errors_mm, curve_mm(intercepts, slopes, measures)).tolist()
    temperatures = np.ones(len(numbers))
    if tempered_mm is not None:
        temperatures = fit_temperatures(radial, tempered_mm)
    counts = np.isfinite(radial).sum(axis=0)
    return tuple(
        LandmarkCalibration(
            number=number,
            films=int(counts[index]),
            log_intercept=float(intercepts[index]),
            slopes={key: float(values[index]) for key, values in slopes.items()},
            relative_covariance=covariances[index],
            temperature=float(temperatures[index]),
        )
        for index, number in enumerate(numbers)
    )

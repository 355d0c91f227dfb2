"""Rehearse what a calibration will be asked, and bound its regions by that.

*A reader not met before*: all is fitted without one person, K of this person's films teach the habit, the
others are judged; every person in turn, for several K. *Annotators that are known*: all is fitted without a
fold of films, which is judged; every fold in turn. Bounds for annotators are conformal landmark by landmark
(``quantile``); those for new readers are the level's quantile over persons, each of whom has the same weight,
and over all landmarks: there are too few persons for a bound that is exact over persons (Dunn, Wasserman &
Ramdas, JASA 118, 2023), so what was held is told person by person.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cephsure.uncertainty.calibration.calibration import GRID_LEVELS, Bounds, Drawn, film_errors
from cephsure.uncertainty.calibration.fitting import fit, marked
from cephsure.uncertainty.quantile import conformal_quantile
from cephsure.uncertainty.readers.cases import FILMS_SEEN, KNOWN, KNOWN_MEAN
from cephsure.uncertainty.readers.habit import Habit, observe
from cephsure.uncertainty.regions import REGION_KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from cephsure.uncertainty.calibration.calibration import LandmarkCalibration
    from cephsure.uncertainty.calibration.data import CalibrationData
    from cephsure.uncertainty.calibration.fitting import Fit, ReadFilms, Readings
    from cephsure.uncertainty.prediction import RegionKind

    Array = NDArray[np.float64]

CONTENTS = (*GRID_LEVELS, 0.995, 0.999)
"""Contents at which areas are kept."""

_DRAWS, _JUDGED = 4, (60, 30)


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """Films of one reader that were judged by a fit without this reader, or without these films.

    Attributes:
        case: as in ``Calibration.bounds``.
        films: (F,) indices into the reader's films.
        expected_mm: (F, L) expected errors; ``actual_mm`` are the radial errors, NaN where not known.
        contents: kind -> (F, L) contents of the true points.
        areas_mm2: kind -> (F, L, G) areas of the regions up to ``CONTENTS``.
    """

    case: str
    reader: ReadFilms
    films: NDArray[np.int64]
    expected_mm: Array
    actual_mm: Array
    contents: dict[RegionKind, Array]
    areas_mm2: dict[RegionKind, Array]


def rehearse(
    readings: Readings,
    folds: Sequence[Sequence[str]],
    *,
    seed: int = 0,
    on_step: Callable[[], None] = lambda: None,
) -> list[Rehearsed]:
    """Judge films in every case that the readers allow; ``folds`` are groups of annotators' films.

    Calls ``on_step`` after each of ``rehearsal_steps``.
    """
    found: list[Rehearsed] = []
    for fold in folds:
        names = set(fold)
        found += _known_fold(readings, names)
        on_step()
    rng = np.random.default_rng(seed)
    if len(readings.persons) > 1:
        for person in readings.persons:
            others = fit(readings.without(person))
            for reader in readings.one:
                if reader.person == person:
                    found += _new_reader(reader, others, rng)
            on_step()
    return found


def rehearsal_steps(readings: Readings, folds: Sequence[Sequence[str]]) -> int:
    """How often ``rehearse`` calls back."""
    return len(folds) + (len(readings.persons) if len(readings.persons) > 1 else 0)


def _known_fold(readings: Readings, fold: set[str]) -> list[Rehearsed]:
    """A fold's films judged by what the others tell of the same annotators."""
    rest, judged = readings.on(lambda group: group not in fold), readings.on(fold.__contains__)
    if not rest.one or not judged.one:
        return []
    fitted = fit(rest)
    found = []
    for reader in judged.one:
        if any(annotator.name == reader.annotator for annotator in fitted.annotators):
            habit = fitted.habit_of(reader.annotator or "")
            everything = np.arange(len(reader.data.film_ids))
            found.append(_judge(KNOWN, reader, everything, fitted.scatter["one"], habit))
    count = len(fitted.scatter["mean"])
    plain = Habit(np.zeros((count, 3)), np.zeros((count, 3, 3)), np.ones(count))
    for reader in judged.mean:
        everything = np.arange(len(reader.data.film_ids))
        found.append(_judge(KNOWN_MEAN, reader, everything, fitted.scatter["mean"], plain))
    return found


def _new_reader(reader: ReadFilms, others: Fit, rng: np.random.Generator) -> list[Rehearsed]:
    """A reader's films judged by what other readers tell, and by K films of this reader."""
    scatter, prior = others.scatter["one"], others.readers.prior()
    found = []
    for seen in FILMS_SEEN:
        for _ in range(_DRAWS if seen else 1):
            drawn = reader.data.draw(seen, rng)
            judged = np.flatnonzero(~drawn)
            if len(judged) < seen or not len(judged):
                break
            judged = np.sort(rng.permutation(judged)[: _JUDGED[seen > 0]])
            habit = observe(prior, marked(reader.data, scatter, np.flatnonzero(drawn)))
            found.append(_judge(str(seen), reader, judged, scatter, habit))
    return found


def _judge(
    case: str,
    reader: ReadFilms,
    films: NDArray[np.int64],
    scatter: Sequence[LandmarkCalibration],
    habit: Habit,
) -> Rehearsed:
    data, kinds, truths = reader.data, kinds_of(reader.data), reader.data.truths_px
    shape = (len(films), len(data.numbers))
    expected, actual = np.full((2, *shape), np.nan)
    contents = {kind: np.full(shape, np.nan) for kind in kinds}
    areas = {kind: np.full((*shape, len(CONTENTS)), np.nan) for kind in kinds}
    for row, index in enumerate(films.tolist()):
        errors = film_errors(scatter, drawn_of(data, index), habit)
        expected[row], actual[row] = errors.expected_mm, errors.distances_mm(truths[index])
        for kind in kinds:
            contents[kind][row] = REGION_KINDS[kind].contents(errors, truths[index])
            areas[kind][row] = REGION_KINDS[kind].areas_mm2(errors, np.array(CONTENTS))
    return Rehearsed(case, reader, films, expected, actual, contents, areas)


def drawn_of(data: CalibrationData, index: int) -> Drawn:
    """What networks drew on one of the films."""
    return Drawn(
        {key: values[index] for key, values in data.measures.items()},
        data.points_px[index],
        data.marks_px[index],
        data.upright_mm_per_px[index],
        None if data.maps is None else data.maps[index],
    )


def kinds_of(data: CalibrationData) -> list[RegionKind]:
    """The kinds of region that the data allow, the usual one first."""
    return [kind for kind, score in REGION_KINDS.items() if data.maps is not None or not score.needs_maps]


def fit_bounds(rehearsed: Sequence[Rehearsed]) -> dict[str, dict[RegionKind, Bounds]]:
    """For each case and kind the contents that hold their share of true points."""
    cases = dict.fromkeys(film.case for film in rehearsed)
    return {case: _case_bounds(case, [r for r in rehearsed if r.case == case]) for case in cases}


def _case_bounds(case: str, rehearsed: Sequence[Rehearsed]) -> dict[RegionKind, Bounds]:
    found: dict[RegionKind, Bounds] = {}
    for kind in rehearsed[0].contents:
        contents = np.concatenate([r.contents[kind] for r in rehearsed])  # (F, L)
        if case in (KNOWN, KNOWN_MEAN):
            columns = [column[np.isfinite(column)] for column in contents.T]
            rows = [[min(conformal_quantile(own, level), 1.0) for level in GRID_LEVELS] for own in columns]
        else:
            rows = [_pooled(rehearsed, kind)]
        found[kind] = Bounds(contents=tuple(tuple(round(bound, 6) for bound in row) for row in rows))
    return found


def _pooled(rehearsed: Sequence[Rehearsed], kind: RegionKind) -> list[float]:
    """Quantiles over persons of equal weight."""
    points = Counter[str]()
    for r in rehearsed:
        points[r.reader.person] += int(np.isfinite(r.contents[kind]).sum())
    values = [r.contents[kind][np.isfinite(r.contents[kind])] for r in rehearsed]
    weights = [np.full(len(v), 1 / points[r.reader.person]) for v, r in zip(values, rehearsed, strict=True)]
    joined, weight = np.concatenate(values), np.concatenate(weights)
    order = np.argsort(joined)
    reached = np.cumsum(weight[order]) / weight.sum()
    places = np.searchsorted(reached, np.array(GRID_LEVELS) - 1e-9)
    return [float(joined[order][min(place, len(order) - 1)]) for place in places]


@dataclass(frozen=True, slots=True)
class RegionFigures:
    """How regions of one kind and level did on F films with L landmarks.

    (F, L) ``covered`` is 1 where the true point lay in its region, 0 where not; areas are infinite for all of
    the film. NaN where the true point is not known.
    """

    covered: Array
    areas_mm2: Array


def judge_regions(
    rehearsed: Sequence[Rehearsed], bounds: Mapping[RegionKind, Bounds], kind: RegionKind, level: float
) -> RegionFigures:
    """Which true points a case's regions held, and their areas."""
    contents = np.concatenate([r.contents[kind] for r in rehearsed])
    areas = np.concatenate([r.areas_mm2[kind] for r in rehearsed])
    at = bounds[kind].at(level, contents.shape[1])
    known = np.isfinite(contents)
    covered = np.where(known, contents <= at, np.nan)
    sizes = np.full(contents.shape, np.nan)
    for landmark, bound in enumerate(at.tolist()):
        if bound >= 1.0:
            sizes[:, landmark] = np.inf
        else:
            grid = areas[:, landmark]
            place = np.clip(np.searchsorted(CONTENTS, bound), 1, len(CONTENTS) - 1)
            low, high = CONTENTS[place - 1], CONTENTS[place]
            part = np.clip((bound - low) / (high - low), 0.0, 1.0)
            sizes[:, landmark] = grid[:, place - 1] * (1 - part) + grid[:, place] * part
    return RegionFigures(covered, np.where(known, sizes, np.nan))


def smallest_kind(
    rehearsed: Sequence[Rehearsed], bounds: Mapping[str, Mapping[RegionKind, Bounds]], level: float = 0.9
) -> RegionKind:
    """The kind of region whose median area is smallest, for a reader not met before if that was rehearsed."""
    case = "0" if "0" in bounds else KNOWN
    films = [film for film in rehearsed if film.case == case]
    sizes = {kind: judge_regions(films, bounds[case], kind, level).areas_mm2 for kind in bounds[case]}
    return min(sizes, key=lambda kind: float(np.nanmedian(sizes[kind])))

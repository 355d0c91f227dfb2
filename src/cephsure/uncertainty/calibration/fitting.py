"""Fit a calibration: expected errors on all films, regions by split conformal prediction.

The films for the regions are parted by chance, whole groups together: one part gives the shapes (offset,
covariance, temperature, expected error), the other the scores that bound them, one film a group. The shapes
then do not depend on the second part, whose scores are exchangeable with that of a new film, and the bound of
rank ceil((n + 1) level) keeps its promise exactly (``quantile``).

A calibration is judged by cross-fitting: the films are parted into folds, whole groups together; for each
fold all is fitted on the other folds (parted again into shapes and scores) and applied to the fold's films.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from cephsure.uncertainty.calibration.calibration import (
    Calibration,
    FilmErrors,
    FittedOn,
    LandmarkCalibration,
    RegionCalibration,
    Scores,
    curve_mm,
    expected_errors_mm,
    film_errors,
)
from cephsure.uncertainty.calibration.error_fits import (
    fit_error_curves,
    fit_offsets,
    fit_relative_covariances,
    fit_temperatures,
)
from cephsure.uncertainty.quantile import LEVELS
from cephsure.uncertainty.regions import REGION_KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from cephsure.uncertainty.calibration.data import CalibrationData
    from cephsure.uncertainty.prediction import RegionKind

SCORED_SHARE = 0.7
"""Share of the films whose scores bound the regions, at most."""

# With 20 k - 1 scores the levels 50, 80, 90 and 95 % are met exactly, not exceeded by rounding.
_EXACT = 20


def fit_calibration(
    data: CalibrationData,
    *,
    seed: int = 0,
    left_out: Mapping[str, Sequence[str]] | None = None,
    made: str = "",
) -> Calibration:
    """Fit everything to films that the model was not trained on; regions of highest density need their maps.

    With few films some levels have no bound, and their regions are all of the film. The seed is that of the
    parting of the films; what else is given is written down (``FittedOn``).
    """
    source = asdict(data.source) | {"films": data.film_ids, "seed": seed, "made": made}
    del source["model_kind"]
    return Calibration(
        fitted_on=FittedOn(
            **source, left_out={reason: tuple(names) for reason, names in (left_out or {}).items()}
        ),
        landmarks=fit_landmarks(data),
        regions=fit_regions(data, seed=seed),
    )


def fit_landmarks(data: CalibrationData) -> tuple[LandmarkCalibration, ...]:
    """Fit each landmark's parameters on all the films of ``data``."""
    intercepts, slopes = fit_error_curves(data.radial_mm, data.measures)
    offsets = fit_offsets(data.errors_mm)
    counts = np.isfinite(data.radial_mm).sum(axis=0)
    expected = curve_mm(intercepts, slopes, data.measures)
    covariances = fit_relative_covariances(data.errors_mm, offsets, expected).tolist()
    temperatures = np.ones(len(data.numbers))
    if data.tempered_mm is not None:
        temperatures = fit_temperatures(data.radial_mm, data.tempered_mm)
    return tuple(
        LandmarkCalibration(
            number=number,
            films=int(counts[index]),
            log_intercept=float(intercepts[index]),
            slopes={key: float(values[index]) for key, values in slopes.items()},
            offset_mm=(float(offsets[index, 0]), float(offsets[index, 1])),
            relative_covariance=covariances[index],
            temperature=float(temperatures[index]),
        )
        for index, number in enumerate(data.numbers)
    )


def fit_regions(data: CalibrationData, *, seed: int) -> RegionCalibration:
    """Fit shapes on one part of the films, and take the scores of the other."""
    shaping, scoring = part_films(data.groups, seed=seed)
    shaped, scored = data.take(shaping), data.take(scoring)
    landmarks = fit_landmarks(shaped)
    kinds = _kinds(data)
    return RegionCalibration(
        shaped_on=shaped.film_ids,
        scored_on=scored.film_ids,
        landmarks=landmarks,
        scores={kind: tuple(map(Scores.of, score_films(kind, scored, landmarks).T)) for kind in kinds},
        default=kinds[0],
    )


def score_films(
    kind: RegionKind, data: CalibrationData, landmarks: Sequence[LandmarkCalibration]
) -> NDArray[np.float64]:
    """(F, L) scores of the true positions, NaN where there is none."""
    score = REGION_KINDS[kind]
    scores = [score.scores(film, truth) for film, truth in films_and_truths(data, landmarks)]
    return np.array(scores).reshape(len(data.film_ids), len(data.numbers))


def films_and_truths(
    data: CalibrationData, landmarks: Sequence[LandmarkCalibration]
) -> Iterator[tuple[FilmErrors, NDArray[np.float64]]]:
    """What is expected of each film, and its true positions (L, 2) in px, NaN where there is none."""
    for index in range(len(data.film_ids)):
        scale = data.upright_mm_per_px[index]
        measures = {key: values[index] for key, values in data.measures.items()}
        maps = None if data.maps is None else data.maps[index]
        film = film_errors(landmarks, measures, data.points_px[index], scale, maps)
        yield film, data.points_px[index] - data.errors_mm[index] / scale


def part_films(groups: Sequence[str], *, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Part films at random into those for the shapes and those for the scores: ascending indices of both.

    A group never parts: of one that is scored a single film is, and the others are in neither part, since
    films that belong together are not exchangeable with a new one. The second part has 20 k - 1 films if
    there are enough, the largest such number within ``SCORED_SHARE`` of the groups.
    """
    members: dict[str, list[int]] = {}
    for index, group in enumerate(groups):
        members.setdefault(group, []).append(index)
    together = list(members.values())
    wanted = int(SCORED_SHARE * len(together))
    if wanted >= _EXACT - 1:
        wanted = (wanted + 1) // _EXACT * _EXACT - 1
    order = np.random.default_rng(seed).permutation(len(together))
    scoring = sorted(together[position][0] for position in order[:wanted])
    shaping = sorted(index for position in order[wanted:] for index in together[position])
    return np.array(shaping, dtype=np.int64), np.array(scoring, dtype=np.int64)


def _kinds(data: CalibrationData) -> list[RegionKind]:
    """The kinds of region that the data allow."""
    return [kind for kind, score in REGION_KINDS.items() if data.maps is not None or not score.needs_maps]


@dataclass(frozen=True, slots=True)
class RegionFigures:
    """How regions of one kind and level did on F films with L landmarks.

    (F, L) ``covered`` is 1 where the true point lay in its region, 0 where not; areas are infinite for all of
    the film. NaN where the true point is not known.
    """

    covered: NDArray[np.float64]
    areas_mm2: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CrossFit:
    """Every film judged by a calibration that was fitted without it.

    Attributes:
        seed: of the folds and of the partings within them.
        expected_mm: (F, L) expected errors; ``actual_mm`` are the radial errors.
        regions: kind and level -> how they did.
    """

    folds: int
    seed: int
    expected_mm: NDArray[np.float64]
    actual_mm: NDArray[np.float64]
    regions: dict[tuple[RegionKind, float], RegionFigures]


def cross_fit(
    data: CalibrationData,
    folds: Sequence[NDArray[np.int64]],
    *,
    seed: int = 0,
    levels: Sequence[float] = LEVELS,
    on_fold: Callable[[], None] | None = None,
) -> CrossFit:
    """Fit a calibration for each fold on the others, and apply it; ``on_fold`` is called after each.

    A fold is the indices of its films: each film is in one, no group in two. The seed is that of the partings
    into shapes and scores.
    """
    expected = np.full(data.radial_mm.shape, np.nan)
    regions = {
        (kind, level): RegionFigures(expected.copy(), expected.copy())
        for kind in _kinds(data)
        for level in levels
    }
    everything = np.arange(len(data.film_ids), dtype=np.int64)
    for number, fold in enumerate(folds):
        calibration = fit_calibration(data.take(np.setdiff1d(everything, fold)), seed=seed + number)
        tested = data.take(fold)
        expected[fold] = expected_errors_mm(calibration.landmarks, tested.measures)
        for (kind, level), figures in regions.items():
            judged = judge_regions(tested, calibration, kind, level)
            figures.covered[fold], figures.areas_mm2[fold] = judged.covered, judged.areas_mm2
        if on_fold is not None:
            on_fold()
    return CrossFit(len(folds), seed, expected, data.radial_mm, regions)


def judge_regions(
    data: CalibrationData, calibration: Calibration, kind: RegionKind, level: float
) -> RegionFigures:
    """Which true points a calibration's regions hold on films that it was not fitted on, and their areas."""
    score, bounds = REGION_KINDS[kind], calibration.regions.bounds(kind, level)
    covered, areas_mm2 = np.full((2, *data.radial_mm.shape), np.nan)
    for place, (film, truth) in enumerate(films_and_truths(data, calibration.regions.landmarks)):
        scores = score.scores(film, truth)
        known = ~np.isnan(scores)
        covered[place, known] = (scores <= bounds)[known]
        areas_mm2[place, known] = np.inf
        for landmark in np.flatnonzero(known & np.isfinite(bounds)).tolist():
            areas_mm2[place, landmark] = score.area_mm2(film, landmark, float(bounds[landmark]))
    return RegionFigures(covered, areas_mm2)

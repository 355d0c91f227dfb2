"""The honest figures of a calibration: each film judged by one that was fitted without its group.

The films are parted into folds, whole groups together. For each fold the whole calibration is fitted on the
other folds (parted again into shapes and scores) and applied to the fold's films.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cephsure.uncertainty.calibration import expected_errors_mm, fit_calibration
from cephsure.uncertainty.calibration.fit import films_and_truths
from cephsure.uncertainty.conformal import LEVELS, STRATEGIES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from cephsure.uncertainty.calibration import Calibration, CalibrationData
    from cephsure.uncertainty.prediction import RegionKind


@dataclass(frozen=True, slots=True)
class RegionFigures:
    """How regions of one kind and level did on F films with L landmarks.

    Attributes:
        covered: (F, L) 1 where the true point lay in its region, 0 where not, NaN where it is not known.
        areas_mm2: (F, L) areas; infinity for all of the film, NaN where the true point is not known.
    """

    covered: NDArray[np.float64]
    areas_mm2: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CrossFit:
    """Every film judged by a calibration that was fitted without it.

    Attributes:
        folds: how many.
        seed: of the folds and of the partings within them.
        expected_mm: (F, L) expected errors.
        actual_mm: (F, L) radial errors.
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
    """Fit a calibration for each fold on the others, and apply it.

    Args:
        data: the films.
        folds: indices of each fold's films; each film in one, no group in two.
        seed: of the partings into shapes and scores.
        levels: the regions' levels.
        on_fold: called after each fold.

    Returns:
        Figures over all films.
    """
    shape = data.radial_mm.shape
    kinds = [kind for kind, one in STRATEGIES.items() if data.maps is not None or not one.needs_maps]
    expected = np.full(shape, np.nan)
    regions = {
        (kind, level): RegionFigures(np.full(shape, np.nan), np.full(shape, np.nan))
        for kind in kinds
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
    """Which true points a calibration's regions hold, and how large these are.

    Args:
        data: films that the calibration was not fitted on.
        calibration: the calibration.
        kind: of the regions.
        level: of the regions.

    Returns:
        For each film and landmark of ``data``.
    """
    strategy, bounds = STRATEGIES[kind], calibration.regions.bounds(kind, level)
    figures = RegionFigures(np.full(data.radial_mm.shape, np.nan), np.full(data.radial_mm.shape, np.nan))
    for place, (film, truth) in enumerate(films_and_truths(data, calibration.regions.landmarks)):
        scores = strategy.scores(film, truth)
        known = ~np.isnan(scores)
        figures.covered[place, known] = (scores <= bounds)[known]
        for landmark in np.flatnonzero(known):
            bound = float(bounds[landmark])
            figures.areas_mm2[place, landmark] = (
                strategy.area_mm2(film, int(landmark), bound) if np.isfinite(bound) else np.inf
            )
    return figures

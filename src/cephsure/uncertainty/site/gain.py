"""What K corrected films of a site bring and cost: cross-validation over K on the films there are."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure.errors import InputError
from cephsure.uncertainty.site.site import SCALE, fit_site

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cephsure.uncertainty.calibration import CalibrationData
    from cephsure.uncertainty.site.site import Site

STEPS = (0, 5, 10, 20, 40)


@dataclass(frozen=True, slots=True)
class GainRow:
    """Figures of all draws of K films, each measured on the films that were not drawn.

    Attributes:
        films: K.
        test_films: films that were measured on, the fewest of a draw.
        repeats: draws.
        mre_mm: mean radial error, mean of the draws.
        mre_sd_mm: its standard deviation over the draws.
        sdr_2mm: share of points within 2 mm.
        coverage: share of points within their region; all of the film counts as held. None without regions.
        coverage_sd: its standard deviation over the draws.
        area_mm2: mean area of the regions that have one; None if none has.
        whole_film: share of regions that are all of the film.
    """

    films: int
    test_films: int
    repeats: int
    mre_mm: float
    mre_sd_mm: float
    sdr_2mm: float
    coverage: float | None
    coverage_sd: float | None
    area_mm2: float | None
    whole_film: float | None

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON data."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class OwnRegions:
    """The regions that the bundle gives by itself, of the same films.

    Attributes:
        held: (F, L) whether each holds the true point; whatever where there is no truth.
        areas_mm2: (F, L), infinite for all of the film.
    """

    held: NDArray[np.bool_]
    areas_mm2: NDArray[np.float64]


def cross_validate(
    data: CalibrationData,
    *,
    level: float = 0.9,
    steps: Sequence[int] = STEPS,
    repeats: int = 20,
    seed: int = 0,
    own: OwnRegions | None = None,
) -> list[GainRow]:
    """Draw K films at random, calibrate on them, measure on the others; again and again.

    Args:
        data: all films of the site.
        level: of the regions.
        steps: values of K; those that leave no film to measure on are left out.
        repeats: draws for each K.
        seed: of the draws.
        own: the bundle's own regions, for K = 0.

    Returns:
        A row for each K. Groups of films stay together, so a draw can be a film or two larger than K.

    Raises:
        InputError: the films are fewer than two groups.
    """
    if len(set(data.groups)) < 2:
        raise InputError("cross-validation needs two independent films or more")
    rng = np.random.default_rng(seed)
    rows = []
    for count in sorted(set(steps)):
        if count >= len(data.film_ids):
            continue
        drawn = [_measure(data, _draw(data.groups, count, rng), level, own) for _ in range(repeats)]
        rows.append(_row(count, drawn))
    return rows


@dataclass(frozen=True, slots=True)
class _Draw:
    test_films: int
    mre_mm: float
    sdr_2mm: float
    coverage: float
    area_mm2: float
    whole_film: float


def _draw(groups: Sequence[str], count: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """(F,) films drawn: groups in random order until there are ``count``, one group always left."""
    names = np.asarray(groups)
    chosen = np.zeros(len(names), dtype=bool)
    for name in rng.permutation(np.unique(names))[:-1]:
        if chosen.sum() >= count:
            break
        chosen |= names == name
    return chosen


def _measure(data: CalibrationData, chosen: NDArray[np.bool_], level: float, own: OwnRegions | None) -> _Draw:
    """Calibrate on the films chosen and measure on the others."""
    tested = np.flatnonzero(~chosen)
    others = data.take(tested)
    if not chosen.any():
        radial, held, areas = _as_given(others, tested, own)
    else:
        fitted = fit_site(data.take(np.flatnonzero(chosen)), name="drawn", levels=(level,))
        radial, held, areas = _with_site(others, fitted, level)
    known = np.isfinite(radial)
    finite = known & np.isfinite(areas)
    return _Draw(
        test_films=len(tested),
        mre_mm=float(radial[known].mean()),
        sdr_2mm=float((radial[known] <= 2.0).mean()),
        coverage=math.nan if held is None else float(held[known].mean()),
        area_mm2=float(areas[finite].mean()) if finite.any() else math.nan,
        whole_film=math.nan if held is None else float(np.isinf(areas[known]).mean()),
    )


def _as_given(
    data: CalibrationData, films: NDArray[np.int64], own: OwnRegions | None
) -> tuple[NDArray[np.float64], NDArray[np.bool_] | None, NDArray[np.float64]]:
    """Without any site calibration: the bundle's own points and regions."""
    if own is None:
        return data.radial_mm, None, np.full(data.radial_mm.shape, np.nan)
    return data.radial_mm, own.held[films], own.areas_mm2[films]


def _with_site(
    data: CalibrationData, site: Site, level: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]:
    """Radial errors after the offsets, whether the discs hold the truth, and the discs' areas."""
    moved = data.errors_mm - site.offsets
    radial = np.hypot(moved[..., 0], moved[..., 1])
    radii = site.factor(level) * data.measures[SCALE]
    return radial, radial <= radii, np.pi * radii**2


def _row(count: int, drawn: Sequence[_Draw]) -> GainRow:
    coverages = np.array([one.coverage for one in drawn])
    areas = np.array([one.area_mm2 for one in drawn])
    has_regions, has_areas = not np.isnan(coverages).any(), not np.isnan(areas).all()
    return GainRow(
        films=count,
        test_films=min(one.test_films for one in drawn),
        repeats=len(drawn),
        mre_mm=float(np.mean([one.mre_mm for one in drawn])),
        mre_sd_mm=float(np.std([one.mre_mm for one in drawn])),
        sdr_2mm=float(np.mean([one.sdr_2mm for one in drawn])),
        coverage=float(coverages.mean()) if has_regions else None,
        coverage_sd=float(coverages.std()) if has_regions else None,
        area_mm2=float(np.nanmean(areas)) if has_areas else None,
        whole_film=float(np.mean([one.whole_film for one in drawn])) if has_regions else None,
    )

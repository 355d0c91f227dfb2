"""Site calibration: a small file beside a bundle fits its predictions to one site or observer.

A few corrected films teach it the site's offsets and radii; what K films of it bring is cross-validated.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from pydantic import Field, ValidationError, model_validator

from cephsure.atomic import write_atomically
from cephsure.errors import InputError
from cephsure.uncertainty.calibration.calibration import DEFAULT_LEVEL
from cephsure.uncertainty.calibration.data import CalibrationSource  # noqa: TC001 - pydantic reads it
from cephsure.uncertainty.calibration.error_fits import shrink
from cephsure.uncertainty.prediction import Frozen, Region
from cephsure.uncertainty.quantile import LEVELS, check_level, pooled_quantile
from cephsure.uncertainty.regions import disc

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from cephsure.uncertainty.calibration.data import CalibrationData
    from cephsure.uncertainty.prediction import LandmarkPrediction, Prediction

FORMAT = "cephsure.site/1"
SCALE = "expected_error_mm"
"""The measure that a region's radius is a multiple of."""

# Films' worth of belief that a landmark scatters like the others do on average.
_PRIOR_FILMS = 5.0
STEPS = (0, 5, 10, 20, 40)


class SiteRadius(Frozen):
    """A region's radius in multiples of the measure ``SCALE``; None: the region is all of the film."""

    level: float = Field(gt=0.0, lt=1.0)
    factor: float | None = Field(ge=0.0)


class Site(Frozen):
    """What one site's corrected films taught.

    Attributes:
        name: what the site or observer is called.
        model_sha256: of the model's bundle; the file is of use with this bundle only.
        offsets_mm: (L, 2) subtracted from found points, x to the face and y downwards.
        scale: the measure that radii are multiples of.
        films: how many were corrected.
    """

    format: Literal["cephsure.site/1"] = "cephsure.site/1"
    name: str
    model: str
    model_sha256: str
    numbers: tuple[int, ...]
    offsets_mm: tuple[tuple[float, float], ...]
    scale: str = SCALE
    radii: tuple[SiteRadius, ...]
    films: int
    source: CalibrationSource

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if len(self.numbers) != len(self.offsets_mm):
            raise ValueError("its offsets do not fit its landmarks")
        if not all(math.isfinite(value) for offset in self.offsets_mm for value in offset):
            raise ValueError("an offset is not finite")
        if self.scale != SCALE:
            raise ValueError(f"its scale {self.scale!r} is not one that this program knows")
        return self

    @property
    def offsets(self) -> NDArray[np.float64]:
        """(L, 2) ``offsets_mm`` as an array."""
        return np.array(self.offsets_mm, dtype=np.float64).reshape(-1, 2)

    def factor(self, level: float) -> float:
        """The radius at a level in multiples of the measure, or infinity; InputError for no such level."""
        check_level(level)
        for radius in self.radii:
            if math.isclose(radius.level, level):
                return math.inf if radius.factor is None else radius.factor
        known = ", ".join(f"{radius.level:g}" for radius in self.radii)
        raise InputError(f"site {self.name} has no region of level {level:g}", remedy=f"it has: {known}")


def write_site(site: Site, path: Path) -> Path:
    """Write a site's file; InputError where it cannot be written."""
    text = json.dumps(site.model_dump(mode="json"), indent=1, allow_nan=False) + "\n"
    return write_atomically(path, text.encode("utf-8"))


def read_site(path: Path) -> Site:
    """Read a site's file; InputError where it cannot be read, is damaged or of an unknown version."""
    try:
        data = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", where=path) from error
    except (ValueError, RecursionError) as error:
        raise InputError("not valid JSON", where=path) from error
    found = data.get("format") if isinstance(data, dict) else None
    if found != FORMAT:
        raise InputError(
            f"is not a site calibration of version {FORMAT} (it says {found!r})",
            where=path,
            remedy="make one with: cephsure site-calibrate",
        )
    try:
        return Site.model_validate(data)
    except ValidationError as error:
        raise InputError(f"not a site calibration: {error.errors()[0]['msg']}", where=path) from error


def apply_site(prediction: Prediction, site: Site, *, level: float | None = None) -> Prediction:
    """Fit a prediction, of the bundle that the site's file was made with, to the site; a note says so.

    Points and samples are moved; measures stay what they are. The region of each landmark becomes a disc of
    the site's size, at the level asked for, that of the prediction's own regions, or 0.9. What a bundle's own
    calibration says of the errors elsewhere (expected error, covariance) is taken away, since it does not
    hold here. An InputError where the prediction is of another bundle or of other landmarks, the film has no
    scale, or the site no region of this level.
    """
    if prediction.model.sha256 != site.model_sha256:
        raise InputError(
            f"site {site.name} was calibrated with another bundle than {prediction.model.name}",
            remedy=f"use the bundle {site.model} it was made with, or make it again",
        )
    if tuple(mark.number for mark in prediction.landmarks) != site.numbers:
        raise InputError(f"site {site.name} is of other landmarks")
    if prediction.film.mm_per_px is None:
        raise InputError(
            "its scale is not known, and a site's offsets are in mm",
            where=prediction.film.path,
            remedy="give --mm-per-px",
        )
    if level is None:
        level = next((mark.region.level for mark in prediction.landmarks if mark.region), DEFAULT_LEVEL)
    factor, (x_scale, y_scale) = site.factor(level), prediction.film.mm_per_px
    side = -1.0 if prediction.film.facing == "left" else 1.0

    def moved(mark: LandmarkPrediction, offset_mm: tuple[float, float]) -> LandmarkPrediction:
        dx, dy = -offset_mm[0] * side / x_scale, -offset_mm[1] / y_scale
        x_px, y_px = mark.x_px + dx, mark.y_px + dy
        radius_mm = factor * (mark.measures.expected_error_mm or math.inf)
        return mark.model_copy(
            update={
                "x_px": x_px,
                "y_px": y_px,
                "x_mm": x_px * x_scale,
                "y_mm": y_px * y_scale,
                "samples_px": tuple((x + dx, y + dy) for x, y in mark.samples_px),
                "expected_error_mm": None,
                "error_covariance_mm2": None,
                "region": disc((x_px, y_px), radius_mm, (x_scale, y_scale), level)
                if math.isfinite(radius_mm)
                else Region(level=level, kind="disc", whole_film=True),
            }
        )

    note = f"fitted to site {site.name} ({site.films} films)"
    film = prediction.film.model_copy(update={"notes": (*prediction.film.notes, note)})
    marks = tuple(map(moved, prediction.landmarks, site.offsets_mm))
    return prediction.model_copy(update={"landmarks": marks, "film": film})


def fit_site(data: CalibrationData, *, name: str, levels: tuple[float, ...] = LEVELS) -> Site:
    """Learn from K corrected films.

    The offsets are ``shrunken_offsets`` of all films. For the radii each film's points are moved by the
    offsets that the *other* films give, as those of a new film will be; their distances from the truth, in
    multiples of the expected error, give ``pooled_quantile``. For offsets that do not depend on the films the
    quantile is exact; those fitted without the film itself make it an approximation, close from about ten
    films on and on the safe side, since they come from one film less. An InputError where no film has errors
    in mm, or a level does not lie between 0 and 1.
    """
    if not np.isfinite(data.radial_mm).any():
        raise InputError("no film has errors in mm", remedy="give the scale by --mm-per-px")
    moved = data.errors_mm - offsets_without_each(data.errors_mm, data.groups)
    scores = np.hypot(moved[..., 0], moved[..., 1]) / data.measures[SCALE]
    bounds = [pooled_quantile(scores, level, groups=data.groups) for level in levels]
    return Site(
        name=name,
        model=data.source.model,
        model_sha256=data.source.model_sha256,
        numbers=data.numbers,
        offsets_mm=tuple((float(x), float(y)) for x, y in shrunken_offsets(data.errors_mm)),
        radii=tuple(
            SiteRadius(level=level, factor=bound if math.isfinite(bound) else None)
            for level, bound in zip(levels, bounds, strict=True)
        ),
        films=len(data.film_ids),
        source=data.source,
    )


def shrunken_offsets(errors_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """The systematic part of a model's errors at a site: found minus true, shrunken towards 0.

    Let m be the mean error of a landmark along one axis over its n films, and s^2 its variance there. Then

        v = ((n - 1) s^2 + k p) / (n - 1 + k) / n          noise of m; p the mean variance of the axis, k = 5
        t = max(0, sum (m^2 / v - 1) / sum (1 / v))        how much true offsets vary round 0, all of an axis
        offset = t / (t + v) m

    With few films, or where the means are no larger than their noise explains, nothing is moved; with many
    each landmark gets its own mean. This is the empirical-Bayes form of James & Stein's estimator (Efron &
    Morris, Journal of the American Statistical Association 68, 1973), with the variance t by the method of
    moments (``error_fits.shrink`` round a known centre).

    Of (K, L, 2) found minus true positions on the upright film, NaN where not known, come (L, 2) offsets to
    subtract from found points; 0 for a landmark without films, and everywhere with fewer than two films: one
    film cannot tell a habit from a slip.
    """
    known = np.isfinite(errors_mm)
    counts = known.sum(axis=0)  # (L, 2)
    filled = np.where(known, errors_mm, 0.0)
    means = filled.sum(axis=0) / np.maximum(counts, 1)
    squares = np.where(known, (errors_mm - means) ** 2, 0.0).sum(axis=0)  # (L, 2)
    freedom = np.maximum(counts - 1, 0)
    pooled = squares.sum(axis=0) / np.maximum(freedom.sum(axis=0), 1)  # (2,)
    spread = (squares + _PRIOR_FILMS * pooled) / (freedom + _PRIOR_FILMS)
    noise = np.where(counts > 0, spread / np.maximum(counts, 1), np.nan)
    offsets = np.zeros(means.shape)
    for axis in range(2):
        # Without a second film there is no noise to compare the means with.
        if freedom[:, axis].any():
            estimates = np.where(counts[:, axis] > 0, means[:, axis], np.nan)
            offsets[:, axis] = shrink(estimates, noise[:, axis], centre=0.0)
    return offsets


def offsets_without_each(errors_mm: NDArray[np.float64], groups: tuple[str, ...]) -> NDArray[np.float64]:
    """(K, L, 2) for each film the ``shrunken_offsets`` of the films of all other groups (K,)."""
    names = np.asarray(groups)
    offsets = np.zeros(errors_mm.shape)
    for name in dict.fromkeys(groups):
        offsets[names == name] = shrunken_offsets(errors_mm[names != name])
    return offsets


@dataclass(frozen=True, slots=True)
class GainRow:
    """Figures of all draws of K films, each measured on the films that were not drawn.

    Attributes:
        films: K.
        test_films: films that were measured on, the fewest of a draw.
        repeats: draws.
        mre_mm: mean radial error, mean of the draws; ``mre_sd_mm`` is its standard deviation over them.
        sdr_2mm: share of points within 2 mm.
        coverage: share of points within their region, all of the film counts as held; with its standard
            deviation over the draws. None without regions.
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


@dataclass(frozen=True, slots=True)
class OwnRegions:
    """The regions that the bundle gives by itself, of the same films.

    (F, L) whether each holds the true point, whatever where there is no truth; areas, infinite for all of the
    film.
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
    """Draw K films of a site at random, calibrate on them, measure on the others; again and again.

    Groups of films stay together, so a draw can be a film or two larger than K. The steps are values of K;
    those that leave no film to measure on are left out. The bundle's ``own`` regions serve for K = 0. Fewer
    than two groups are an InputError.
    """
    if len(set(data.groups)) < 2:
        raise InputError("cross-validation needs two independent films or more")
    rng = np.random.default_rng(seed)
    return [
        _row(count, [_measure(data, count, rng, level, own) for _ in range(repeats)])
        for count in sorted(set(steps))
        if count < len(data.film_ids)
    ]


def _measure(
    data: CalibrationData, count: int, rng: np.random.Generator, level: float, own: OwnRegions | None
) -> tuple[float, ...]:
    """Draw films, calibrate on them and measure on the others: what ``_row`` takes of each draw."""
    names = np.asarray(data.groups)
    chosen = np.zeros(len(names), dtype=bool)
    # Groups in random order until there are enough films; one is always left.
    for name in rng.permutation(np.unique(names))[:-1]:
        if chosen.sum() >= count:
            break
        chosen |= names == name
    tested = np.flatnonzero(~chosen)
    others = data.take(tested)
    if chosen.any():
        site = fit_site(data.take(np.flatnonzero(chosen)), name="drawn", levels=(level,))
        moved = others.errors_mm - site.offsets
        radial = np.hypot(moved[..., 0], moved[..., 1])
        radii = site.factor(level) * others.measures[SCALE]
        regions: OwnRegions | None = OwnRegions(radial <= radii, np.pi * radii**2)
    else:  # the bundle's own points and regions
        radial = others.radial_mm
        regions = None if own is None else OwnRegions(own.held[tested], own.areas_mm2[tested])
    known = np.isfinite(radial)
    accuracy = len(tested), radial[known].mean(), (radial[known] <= 2.0).mean()
    if regions is None:
        return (*accuracy, math.nan, math.nan, math.nan)
    areas = regions.areas_mm2[known]
    finite = areas[np.isfinite(areas)]
    area = finite.mean() if len(finite) else math.nan
    return (*accuracy, regions.held[known].mean(), area, np.isinf(areas).mean())


def _row(count: int, drawn: list[tuple[float, ...]]) -> GainRow:
    test_films, mre_mm, sdr_2mm, coverage, area_mm2, whole_film = map(np.array, zip(*drawn, strict=True))
    has_regions = not np.isnan(coverage).any()
    return GainRow(
        films=count,
        test_films=int(test_films.min()),
        repeats=len(drawn),
        mre_mm=float(mre_mm.mean()),
        mre_sd_mm=float(mre_mm.std()),
        sdr_2mm=float(sdr_2mm.mean()),
        coverage=float(coverage.mean()) if has_regions else None,
        coverage_sd=float(coverage.std()) if has_regions else None,
        area_mm2=None if np.isnan(area_mm2).all() else float(np.nanmean(area_mm2)),
        whole_film=float(whole_film.mean()) if has_regions else None,
    )

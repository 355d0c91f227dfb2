"""A calibration: what was fitted, on which films, how it is written, read and put to a prediction.

Directions are those of the upright film: the head facing right, y downwards.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from pydantic import Field, ValidationError

from cephsure.bundles.bundle import read_versioned
from cephsure.errors import BundleError, InputError
from cephsure.uncertainty.measures import ALWAYS_IN_MM
from cephsure.uncertainty.prediction import Frozen, Pair, Region, RegionKind
from cephsure.uncertainty.quantile import check_level, conformal_quantile
from cephsure.uncertainty.regions import REGION_KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from cephsure.inference.samples import HeatMaps
    from cephsure.uncertainty.prediction import Prediction

FORMAT = "cephsure.calibration/1"
CALIBRATION_FILE = "calibration.json"
DEFAULT_LEVEL = 0.9

SMALLEST_MM = 0.01
"""Measures are taken as at least this long before their logarithm: a spread of 0 is no certainty."""


class LandmarkCalibration(Frozen):
    """One landmark's parameters.

    Attributes:
        films: how many films with this landmark it was fitted on.
        log_intercept: a of the expected error, exp(a + sum over measures of b log(measure)), in mm.
        slopes: b by the measure's key, none negative: a larger measure never means a smaller error.
        offset_mm: systematic part of found minus true position, shrunk to 0.
        relative_covariance: second moments ((xx, xy), (xy, yy)) of (error - offset) / expected error.
        temperature: heat maps raised to 1 / temperature expect the errors that there are; 1 without maps.
    """

    number: int
    films: int
    log_intercept: float
    slopes: dict[str, float]
    offset_mm: Pair
    relative_covariance: tuple[Pair, Pair]
    temperature: float = 1.0


def log_measure(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logarithm of a measure in mm, never of less than ``SMALLEST_MM``; NaN stays NaN."""
    return np.log(np.maximum(values, SMALLEST_MM))


def expected_errors_mm(
    landmarks: Sequence[LandmarkCalibration], measures: Mapping[str, NDArray[np.float64]]
) -> NDArray[np.float64]:
    """(..., L) calibrated expectation of the radial error in mm, by (..., L) values of each measure."""
    intercepts = np.array([landmark.log_intercept for landmark in landmarks])
    keys = {key for landmark in landmarks for key in landmark.slopes}
    slopes = {key: np.array([landmark.slopes.get(key, 0.0) for landmark in landmarks]) for key in keys}
    return curve_mm(intercepts, slopes, measures)


def curve_mm(
    intercepts: NDArray[np.float64],
    slopes: Mapping[str, NDArray[np.float64]],
    measures: Mapping[str, NDArray[np.float64]],
) -> NDArray[np.float64]:
    """(..., L) exp(intercepts (L,) + sum of slopes (L,) log(measure (..., L) in mm)), or NaN."""
    total = intercepts
    for key in sorted(slopes):
        total = total + slopes[key] * log_measure(measures[key])
    return np.exp(total)


@dataclass(frozen=True, slots=True)
class FilmErrors:
    """One film with a scale: its points, and the errors expected of them.

    Attributes:
        points_px: (L, 2) found positions in px of the film as given.
        upright_mm_per_px: (2,) as in ``Prediction``.
        expected_mm: (L,) expected radial errors.
        offsets_mm: (L, 2) systematic part of found minus true position.
        covariances_mm2: (L, 2, 2) second moments of the rest.
        temperatures: (L,) of the heat maps.
    """

    points_px: NDArray[np.float64]
    upright_mm_per_px: NDArray[np.float64]
    expected_mm: NDArray[np.float64]
    offsets_mm: NDArray[np.float64]
    covariances_mm2: NDArray[np.float64]
    temperatures: NDArray[np.float64]
    maps: HeatMaps | None = None

    @property
    def centres_px(self) -> NDArray[np.float64]:
        """(L, 2) the points without their systematic offsets."""
        return self.points_px - self.offsets_mm / self.upright_mm_per_px

    @property
    def second_moments_mm2(self) -> NDArray[np.float64]:
        """(L, 2, 2) second moments of the error about the given point, along the given film's axes."""
        about = self.covariances_mm2 + self.offsets_mm[:, :, None] * self.offsets_mm[:, None, :]
        signs = np.sign(self.upright_mm_per_px)
        return about * signs[:, None] * signs


def film_errors(
    landmarks: Sequence[LandmarkCalibration],
    measures: Mapping[str, NDArray[np.float64]],
    points_px: NDArray[np.float64],
    upright_mm_per_px: NDArray[np.float64],
    maps: HeatMaps | None = None,
) -> FilmErrors:
    """Apply L landmarks' parameters to a film's (L,) measures; the other arguments as in ``FilmErrors``."""
    expected = expected_errors_mm(landmarks, measures)
    relative = np.array([landmark.relative_covariance for landmark in landmarks], dtype=np.float64)
    offsets = np.array([landmark.offset_mm for landmark in landmarks], dtype=np.float64)
    covariances = relative * expected[:, None, None] ** 2
    temperatures = np.array([landmark.temperature for landmark in landmarks])
    return FilmErrors(points_px, upright_mm_per_px, expected, offsets, covariances, temperatures, maps)


class FittedOn(Frozen):
    """What a calibration rests on: the fields of ``CalibrationSource``, and the films' names.

    Attributes:
        left_out: reason -> names of films of the split that were not used.
        seed: of the predictions and of the choice of films for the regions.
        made: the day, and with which version.
    """

    dataset: str
    data_sha256: str
    split: str
    truth: str
    films: tuple[str, ...]
    left_out: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    model: str
    model_sha256: str
    samples: int
    seed: int
    made: str = ""


class Scores(Frozen):
    """One landmark's calibration scores: ``films`` of them, the finite ones in ``values``, ascending."""

    films: int
    values: tuple[float, ...]

    @classmethod
    def of(cls, scores: NDArray[np.float64]) -> Self:
        """Of (F,) scores, NaN where there is none."""
        finite = scores[np.isfinite(scores)]
        return cls(films=int((~np.isnan(scores)).sum()), values=tuple(np.sort(finite).tolist()))

    def bound(self, level: float) -> float:
        """The bound for a level, infinity where these scores are too few or too many are infinite."""
        return conformal_quantile([*self.values, *[math.inf] * (self.films - len(self.values))], level)


class RegionCalibration(Frozen):
    """The conformal regions' part: parameters from one set of films, scores from another.

    Attributes:
        shaped_on: the films by which the regions' shapes were fitted.
        scored_on: the films whose scores bound them, one a group, and of other groups than those.
        landmarks: the parameters that the scores were made with.
        scores: kind of region -> one a landmark.
        default: the kind that is used when none is named.
    """

    shaped_on: tuple[str, ...]
    scored_on: tuple[str, ...]
    landmarks: tuple[LandmarkCalibration, ...]
    scores: dict[RegionKind, tuple[Scores, ...]]
    default: RegionKind

    def bounds(self, kind: RegionKind, level: float) -> NDArray[np.float64]:
        """(L,) bounds on the score, infinity for landmarks with too few films for the level."""
        return np.array([scores.bound(level) for scores in self.scores[kind]], dtype=np.float64)


class Calibration(Frozen):
    """From measures to millimetres and regions, for one model.

    Attributes:
        landmarks: for expected errors and covariances, fitted on all the films.
    """

    format: Literal["cephsure.calibration/1"] = "cephsure.calibration/1"
    fitted_on: FittedOn
    landmarks: tuple[LandmarkCalibration, ...]
    regions: RegionCalibration

    def to_json(self) -> str:
        """JSON text that ``read_calibration`` reads back to the last digit."""
        return json.dumps(self.model_dump(mode="json"), indent=1, allow_nan=False) + "\n"


def read_calibration(path: Path, *, numbers: tuple[int, ...] | None = None) -> Calibration:
    """Read a calibration file, which must be for some landmarks in this order, or for any.

    A BundleError for no such file, no JSON, another version, a field that is missing or wrong, or other ones.
    """
    again = "update cephsure, or calibrate anew"
    data = read_versioned(path, version=FORMAT, what="calibration", remedy=again)
    try:
        calibration = Calibration.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BundleError(f"{place}: {first['msg']}", where=path) from error
    parts = [calibration.landmarks, calibration.regions.landmarks]
    if numbers is not None and any(tuple(landmark.number for landmark in part) != numbers for part in parts):
        raise BundleError("is for other landmarks than the model's", where=path)
    return calibration


def calibrated(
    prediction: Prediction,
    calibration: Calibration,
    *,
    maps: HeatMaps | None = None,
    level: float = DEFAULT_LEVEL,
    kind: RegionKind | None = None,
) -> Prediction:
    """A prediction with the expected errors, covariances and regions that its model's calibration gives.

    Without a scale it is returned as it is: millimetres are not known, and they are not guessed. Regions of
    highest density need the film's heat maps; each region holds the true point with the probability
    ``level`` (between 0 and 1, else InputError). Its kind is by default the calibration's own; one that the
    calibration does not have is an InputError.
    """
    check_level(level)
    chosen = region_kind(calibration, kind)
    if prediction.film.mm_per_px is None:
        return prediction
    measures = {key: prediction.measured(key) for key in ALWAYS_IN_MM}
    placed = prediction.points_px, prediction.upright_mm_per_px
    errors = film_errors(calibration.landmarks, measures, *placed)
    shapes = film_errors(calibration.regions.landmarks, measures, *placed, maps)
    score, bounds = REGION_KINDS[chosen], calibration.regions.bounds(chosen, level).tolist()
    whole = Region(level=level, kind=chosen, whole_film=True)
    marks = tuple(
        landmark.model_copy(
            update={
                "expected_error_mm": float(errors.expected_mm[index]),
                "error_covariance_mm2": tuple(map(tuple, errors.second_moments_mm2[index].tolist())),
                "region": score.region(shapes, index, bound, level) if math.isfinite(bound) else whole,
            }
        )
        for index, (landmark, bound) in enumerate(zip(prediction.landmarks, bounds, strict=True))
    )
    return prediction.model_copy(update={"landmarks": marks})


def region_kind(calibration: Calibration, kind: RegionKind | None) -> RegionKind:
    """The kind of region that is asked for, or the calibration's own; InputError where it has none of it."""
    known = calibration.regions.scores
    if kind is not None and kind not in known:
        raise InputError(
            f"the calibration has no regions of the kind {kind!r}", remedy=f"it has: {', '.join(known)}"
        )
    return calibration.regions.default if kind is None else kind

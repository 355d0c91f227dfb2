"""A calibration: what was fitted, on which films, how it is written, read and put to a prediction.

Directions are those of the upright film: the head facing right, y downwards.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple, Self

import numpy as np
from pydantic import Field, field_validator, model_validator

from cephsure.bundles.bundle import read_versioned
from cephsure.errors import BundleError, InputError
from cephsure.inference.samples import blurred, laid_together, tempered
from cephsure.text_files import to_record
from cephsure.uncertainty.calibration.data import comparable_measures, half_lines
from cephsure.uncertainty.calibration.error_fits import curve_mm
from cephsure.uncertainty.prediction import Frozen, Pair, ReaderInfo, Region, RegionKind
from cephsure.uncertainty.quantile import check_level
from cephsure.uncertainty.readers.cases import KNOWN, TruthOf, case_of
from cephsure.uncertainty.readers.habit import mean_length
from cephsure.uncertainty.readers.population import Population  # noqa: TC001 - pydantic reads it
from cephsure.uncertainty.readers.reader import ReaderLandmark  # noqa: TC001 - pydantic reads it
from cephsure.uncertainty.regions import REGION_KINDS, Density, holds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from cephsure.inference.samples import HeatMaps
    from cephsure.uncertainty.prediction import Prediction
    from cephsure.uncertainty.readers.habit import Habit
    from cephsure.uncertainty.readers.reader import Reader

FORMAT = "cephsure.calibration/2"
CALIBRATION_FILE = "calibration.json"
DEFAULT_LEVEL = 0.9

LARGEST_EXPONENT, LARGEST_COVARIANCE = 50.0, 1e6
"""Far beyond what films ever gave: with more, an expected error is no number."""

GRID_LEVELS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.925, 0.95, 0.975, 0.99)
"""Levels at which bounds are stored; between them they are interpolated, above them a region is all of the
film."""

# What is not known of a reader is left out of a heat map where it is far smaller than a cell.
_NEGLIGIBLE_CELLS = 0.1
_RENAMED = {"expected_error_mm": "raw_expected_error_mm"}


class LandmarkCalibration(Frozen):
    """How one landmark scatters from film to film, whoever reads it.

    Attributes:
        films: how many marks of this landmark it was fitted on.
        log_intercept: a of the expected error, exp(a + sum over measures of b log(measure)), in mm.
        slopes: b by the measure's key, none negative: a larger measure never means a smaller error.
        relative_covariance: second moments ((xx, xy), (xy, yy)) of error / expected error.
        temperature: heat maps raised to 1 / temperature expect the errors that there are; 1 without maps.
    """

    number: int
    films: int = Field(ge=0)
    log_intercept: float = Field(ge=-LARGEST_EXPONENT, le=LARGEST_EXPONENT)
    slopes: dict[str, Annotated[float, Field(ge=0.0, le=LARGEST_EXPONENT)]]
    relative_covariance: tuple[Pair, Pair]
    temperature: float = Field(default=1.0, ge=1e-3, le=1e3)

    @field_validator("slopes", mode="after")
    @classmethod
    def _measures_by_their_names(cls, slopes: dict[str, float]) -> dict[str, float]:
        """In files of cephsure 0.1 the heat maps' own error is called as the calibrated one."""
        return {_RENAMED.get(key, key): slope for key, slope in slopes.items()}

    @field_validator("relative_covariance", mode="after")
    @classmethod
    def _is_a_covariance(cls, moments: tuple[Pair, Pair]) -> tuple[Pair, Pair]:
        matrix = np.array(moments)
        usual = np.abs(matrix).max() <= LARGEST_COVARIANCE and np.allclose(matrix, matrix.T)
        if not usual or np.linalg.eigvalsh(matrix).min() < -1e-6:
            raise ValueError("is no covariance of errors over their expectation")
        return moments


def expected_errors_mm(
    landmarks: Sequence[LandmarkCalibration], measures: Mapping[str, NDArray[np.float64]]
) -> NDArray[np.float64]:
    """(..., L) expectation of the scatter's length in mm, by (..., L) values of each measure."""
    intercepts = np.array([landmark.log_intercept for landmark in landmarks])
    keys = {key for landmark in landmarks for key in landmark.slopes}
    slopes = {key: np.array([landmark.slopes.get(key, 0.0) for landmark in landmarks]) for key in keys}
    return curve_mm(intercepts, slopes, measures)


def scatter_mm2(
    landmarks: Sequence[LandmarkCalibration], measures: Mapping[str, NDArray[np.float64]]
) -> NDArray[np.float64]:
    """(..., L, 2, 2) covariance of the films' own scatter, by (..., L) values of each measure."""
    relative = np.array([landmark.relative_covariance for landmark in landmarks], dtype=np.float64)
    return np.asarray(relative * expected_errors_mm(landmarks, measures)[..., None, None] ** 2)


class Drawn(NamedTuple):
    """What networks drew on one film with a scale.

    Attributes:
        measures: (L,) values of each measure in mm, as ``comparable_measures`` gives them.
        points_px: (L, 2) the annotators' mean, in px of the film as given.
        marks_px: (K, L, 2) each annotator's.
        upright_mm_per_px: (2,) as in ``Prediction``.
        maps: each annotator's heat maps, or None.
    """

    measures: Mapping[str, NDArray[np.float64]]
    points_px: NDArray[np.float64]
    marks_px: NDArray[np.float64]
    upright_mm_per_px: NDArray[np.float64]
    maps: tuple[HeatMaps, ...] | None = None


@dataclass(frozen=True, slots=True)
class FilmErrors:
    """One film as a reader is expected to mark it, and how far off that may be.

    Attributes:
        points_px: (L, 2) where the reader is expected to mark, in px of the film as given.
        upright_mm_per_px: (2,) as in ``Prediction``.
        expected_mm: (L,) expected radial errors: the film's scatter and what is not known of the reader.
        covariances_mm2: (L, 2, 2) second moments of the error, on the upright film.
        density: where the reader's marks may be, by the heat maps; None without them.
    """

    points_px: NDArray[np.float64]
    upright_mm_per_px: NDArray[np.float64]
    expected_mm: NDArray[np.float64]
    covariances_mm2: NDArray[np.float64]
    density: Density | None = None

    @property
    def second_moments_mm2(self) -> NDArray[np.float64]:
        """(L, 2, 2) the covariances along the given film's axes."""
        signs = np.sign(self.upright_mm_per_px)
        return np.asarray(self.covariances_mm2 * signs[:, None] * signs)

    def away_mm(self, positions_px: NDArray[np.float64]) -> NDArray[np.float64]:
        """(L, 2) from the points to positions in px of the film as given, on the upright film."""
        return np.asarray((positions_px - self.points_px) * self.upright_mm_per_px)

    def distances_mm(self, positions_px: NDArray[np.float64]) -> NDArray[np.float64]:
        """(L,) how far positions in px of the film as given are from the points."""
        away = self.away_mm(positions_px)
        return np.hypot(away[:, 0], away[:, 1])


def film_errors(landmarks: Sequence[LandmarkCalibration], drawn: Drawn, habit: Habit) -> FilmErrors:
    """Set what networks drew on a film beside the landmarks' scatter and a reader's habit."""
    scale = drawn.upright_mm_per_px
    lines_mm = half_lines(drawn.marks_px) * scale
    points_px = drawn.points_px + habit.moves_mm(lines_mm) / scale
    unknown = habit.covariances_mm2(lines_mm)
    scatter = scatter_mm2(landmarks, drawn.measures) * habit.spread[:, None, None]
    own = expected_errors_mm(landmarks, drawn.measures) * np.sqrt(habit.spread)
    density = None
    if drawn.maps is not None:
        temperatures = np.array([landmark.temperature for landmark in landmarks]) * habit.spread
        unknown_px2 = unknown / (scale[:, None] * scale)
        moves_px = points_px - drawn.marks_px
        density = _density(drawn.maps, moves_px, habit.mean[:, 0], temperatures, unknown_px2)
    return FilmErrors(points_px, scale, np.hypot(own, mean_length(unknown)), scatter + unknown, density)


def _density(
    maps: tuple[HeatMaps, ...],
    moves_px: NDArray[np.float64],
    w: NDArray[np.float64],
    temperatures: NDArray[np.float64],
    unknown_px2: NDArray[np.float64],
) -> Density:
    """The annotators' maps moved to the points, by how near each of them the reader marks; and blurred."""
    count = len(maps)
    if count == 2:
        second = np.clip((1 + w) / 2, 0.0, 1.0)
        shares = np.stack([1 - second, second])
    else:
        shares = np.full((count, len(w)), 1.0 / count)
    together = laid_together(maps, shares, moves_px)
    raised = together.probabilities ** (1 / temperatures[:, None, None]).astype(np.float32)
    density = type(together)(tempered(raised, 1.0), together.origins_px, together.cell_px)
    largest = np.sqrt(np.trace(unknown_px2, axis1=1, axis2=2).max() / abs(np.linalg.det(density.cell_px)))
    return Density(density if largest < _NEGLIGIBLE_CELLS else blurred(density, unknown_px2))


class FittedOn(Frozen):
    """What a calibration rests on: the fields of ``CalibrationSource``, and the films' names.

    Attributes:
        left_out: reason -> names of films of the split that were not used.
        seed: of the predictions and of the choice of films.
        out_of_fold: samples a film that did not see it, where the model's members were trained on the films
            and only those that had not seen one predicted it; 0 where no network had seen any.
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
    out_of_fold: int = 0
    made: str = ""


class Bounds(Frozen):
    """Contents up to which regions hold their share of true points, in one case that was rehearsed.

    Attributes:
        contents: for each landmark (or one list for all) the bounds at ``GRID_LEVELS``; 1 is all of the film.
    """

    contents: tuple[tuple[Annotated[float, Field(ge=0.0, le=1.0)], ...], ...] = Field(min_length=1)

    @field_validator("contents", mode="after")
    @classmethod
    def _one_a_level(cls, contents: tuple[tuple[float, ...], ...]) -> tuple[tuple[float, ...], ...]:
        if any(len(row) != len(GRID_LEVELS) for row in contents):
            raise ValueError(f"there are {len(GRID_LEVELS)} levels, each with its bound")
        return contents

    def at(self, level: float, count: int) -> NDArray[np.float64]:
        """(L,) contents for a level."""
        rows = np.array(self.contents, dtype=np.float64)
        if level > GRID_LEVELS[-1] + 1e-12:
            return np.ones(count)
        # Below the lowest stored level a region is the smallest one that is known.
        bounds = np.array([np.interp(level, GRID_LEVELS, row) for row in rows])
        # Towards a content of 1 there is no interpolation: the region is all of the film.
        above = np.searchsorted(np.array(GRID_LEVELS) + 1e-12, level)
        bounds = np.where(rows[:, min(int(above), len(GRID_LEVELS) - 1)] >= 1.0, 1.0, bounds)
        return bounds if len(bounds) == count else np.repeat(bounds, count)


class Annotator(Frozen):
    """An annotator whose habit is known from the calibration films."""

    name: str
    films: int
    landmarks: tuple[ReaderLandmark, ...]


class Calibration(Frozen):
    """From measures to millimetres and regions, for one model.

    Attributes:
        scatter: how landmarks scatter from film to film: one reader's marks, and the mean of two.
        readers: how readers differ.
        annotators: those of the calibration films.
        bounds: case (``readers.cases``) -> kind of region -> bounds.
        default: the kind of region that is used when none is named.
    """

    format: Literal["cephsure.calibration/2"] = "cephsure.calibration/2"
    fitted_on: FittedOn
    scatter: dict[TruthOf, tuple[LandmarkCalibration, ...]]
    readers: Population
    annotators: tuple[Annotator, ...] = ()
    bounds: dict[str, dict[RegionKind, Bounds]]
    default: RegionKind

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if "one" not in self.scatter:
            raise ValueError("scatter: one reader's marks are missing")
        counts = {len(landmarks) for landmarks in (*self.scatter.values(), self.readers.landmarks)}
        if len(counts) > 1:
            raise ValueError("its parts are for other landmarks than each other")
        if KNOWN not in self.bounds or any(self.default not in kinds for kinds in self.bounds.values()):
            raise ValueError(f"bounds: there are none of the kind {self.default} in every case")
        rows = {len(bounds.contents) for kinds in self.bounds.values() for bounds in kinds.values()}
        if not rows <= {1, *counts}:
            raise ValueError("bounds: not as many as landmarks")
        return self

    def to_json(self) -> str:
        """JSON text that ``read_calibration`` reads back to the last digit."""
        return json.dumps(self.model_dump(mode="json"), indent=1, allow_nan=False) + "\n"


def read_calibration(path: Path, *, numbers: tuple[int, ...] | None = None) -> Calibration:
    """Read a calibration file, which must be for some landmarks in this order, or for any.

    A BundleError for no such file, no JSON, another version, a field that is missing or wrong, or other ones.
    """
    again = "calibrate the bundle anew: cephsure calibrate"
    data = read_versioned(path, version=FORMAT, what="calibration", remedy=again)
    calibration = to_record(Calibration, data, where=path, kind=BundleError)
    parts = [[mark.number for mark in scatter] for scatter in calibration.scatter.values()]
    parts.append([mark.number for mark in calibration.readers.landmarks])
    parts += [[mark.number for mark in annotator.landmarks] for annotator in calibration.annotators]
    if numbers is not None and any(tuple(part) != numbers for part in parts):
        raise BundleError("is for other landmarks than the model's", where=path)
    return calibration


def reader_info(reader: Reader) -> ReaderInfo:
    """What a prediction says of the reader whom it is for."""
    return ReaderInfo(
        name=reader.name,
        kind=reader.kind,
        films=reader.films,
        truth_of=reader.truth_of,
        for_whom=reader.for_whom,
    )


def calibrated(
    prediction: Prediction,
    marks_px: NDArray[np.float64],
    calibration: Calibration,
    reader: Reader,
    *,
    maps: tuple[HeatMaps, ...] | None = None,
    level: float = DEFAULT_LEVEL,
    kind: RegionKind | None = None,
) -> Prediction:
    """A prediction as a reader would mark it, with expected errors, covariances and regions.

    Points and samples are moved from the annotators' mean along the line between their marks (T, K, L, 2),
    and by the reader's offset. Without a scale there is nothing in mm: points are moved along the line only,
    and what moves by mm is an InputError. Regions of highest density need the film's heat maps; each region
    holds the reader's point with the probability ``level`` (between 0 and 1, else InputError). Its kind is by
    default the calibration's own; one that the calibration does not have is an InputError.
    """
    check_level(level)
    chosen = region_kind(calibration, kind)
    if tuple(mark.number for mark in prediction.landmarks) != reader.numbers:
        raise InputError(f"reader {reader.name} is of other landmarks")
    prediction = moved(prediction, marks_px, reader)
    if prediction.film.mm_per_px is None:
        return prediction
    centre = marks_px.mean(axis=(0, 1))
    drawn = Drawn(
        comparable_measures(prediction), centre, marks_px.mean(axis=0), prediction.upright_mm_per_px, maps
    )
    errors = film_errors(calibration.scatter[reader.truth_of], drawn, reader.habit)
    score = REGION_KINDS[chosen]
    case = case_of(reader.kind, reader.films, reader.truth_of, calibration.bounds)
    contents = calibration.bounds[case][chosen].at(level, len(reader.landmarks)).tolist()
    whole = Region(level=level, kind=chosen, whole_film=True)
    marks = []
    for index, (landmark, content) in enumerate(zip(prediction.landmarks, contents, strict=True)):
        region = score.region(errors, index, content, level) if content < 1.0 else whole
        is_inside = holds(region, np.array([landmark.x_px, landmark.y_px]))
        said = {
            "expected_error_mm": float(errors.expected_mm[index]),
            "error_covariance_mm2": tuple(map(tuple, errors.second_moments_mm2[index].tolist())),
            "region": region,
            "note": None if is_inside else f"outside its own {100 * level:g} % region",
        }
        marks.append(landmark.model_copy(update=said))
    return prediction.model_copy(update={"landmarks": tuple(marks)})


def moved(prediction: Prediction, marks_px: NDArray[np.float64], reader: Reader) -> Prediction:
    """A prediction's points and samples where a reader is expected to mark, by the marks (T, K, L, 2)."""
    habit, scale = reader.habit, prediction.film.mm_per_px
    offsets_px = np.zeros((len(reader.landmarks), 2))
    if scale is not None:
        offsets_px = habit.mean[:, 1:] / prediction.upright_mm_per_px
    elif habit.mean[:, 1:].any():
        raise InputError(
            f"its scale is not known, and the offsets of {reader.name} are in mm",
            where=prediction.film.path,
            remedy="give --mm-per-px",
        )
    samples = marks_px.mean(axis=1) + habit.mean[:, :1] * half_lines(marks_px) + offsets_px
    points = samples.mean(axis=0)
    to_mm = (None, None) if scale is None else scale
    changed = tuple(
        mark.model_copy(
            update={
                "x_px": x,
                "y_px": y,
                "x_mm": None if to_mm[0] is None else x * to_mm[0],
                "y_mm": None if to_mm[1] is None else y * to_mm[1],
                "samples_px": tuple((sx, sy) for sx, sy in samples[:, index].tolist()),
            }
        )
        for index, (mark, (x, y)) in enumerate(zip(prediction.landmarks, points.tolist(), strict=True))
    )
    return prediction.model_copy(update={"landmarks": changed, "reader": reader_info(reader)})


def region_kind(calibration: Calibration, kind: RegionKind | None) -> RegionKind:
    """The kind of region that is asked for, or the calibration's own; InputError where it has none of it."""
    known = next(iter(calibration.bounds.values()))
    if kind is not None and kind not in known:
        raise InputError(
            f"the calibration has no regions of the kind {kind!r}", remedy=f"it has: {', '.join(known)}"
        )
    return calibration.default if kind is None else kind

"""A calibration as data: what was fitted, on which films, and how it is written and read."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cephsure.errors import BundleError
from cephsure.uncertainty.calibration.landmark import LandmarkCalibration  # noqa: TC001 - pydantic reads it
from cephsure.uncertainty.conformal.quantile import conformal_quantile
from cephsure.uncertainty.prediction import RegionKind  # noqa: TC001 - pydantic reads it

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

FORMAT = "cephsure.calibration/1"
CALIBRATION_FILE = "calibration.json"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FittedOn(_Frozen):
    """What a calibration rests on.

    Attributes:
        dataset: the data set's name.
        data_sha256: over its chosen films' names, image files and points.
        split: which films were chosen.
        truth: whose points are true.
        films: names of the films used.
        left_out: reason -> names of films of the split that were not used.
        model: name of the model.
        model_sha256: of the uncalibrated bundle that made the predictions.
        samples: samples a landmark.
        seed: of the predictions and of the choice of films for the regions.
        made: the day, and with which version.
    """

    dataset: str
    data_sha256: str
    split: str
    truth: str
    films: tuple[str, ...]
    left_out: dict[str, tuple[str, ...]] = {}
    model: str
    model_sha256: str
    samples: int
    seed: int
    made: str = ""


class Scores(_Frozen):
    """One landmark's calibration scores: ``films`` of them, the finite ones in ``values``, ascending."""

    films: int
    values: tuple[float, ...]

    def bound(self, level: float) -> float:
        """The bound for a level, infinity where these scores are too few or too many are infinite."""
        return conformal_quantile(
            np.array([*self.values, *[math.inf] * (self.films - len(self.values))]), level
        )


class RegionCalibration(_Frozen):
    """The conformal regions' part: parameters from one set of films, scores from another.

    Attributes:
        shaped_on: the films by which the regions' shapes were fitted.
        scored_on: the films whose scores bound them, one a group; no film of their groups is among
            ``shaped_on``.
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
        return np.array([one.bound(level) for one in self.scores[kind]], dtype=np.float64)


class Calibration(_Frozen):
    """From measures to millimetres and regions, for one model.

    Attributes:
        format: ``cephsure.calibration/1``.
        fitted_on: films, truth and model.
        landmarks: for expected errors and covariances, fitted on all the films.
        regions: for the regions.
    """

    format: Annotated[str, Field(pattern=f"^{FORMAT}$")] = FORMAT
    fitted_on: FittedOn
    landmarks: tuple[LandmarkCalibration, ...]
    regions: RegionCalibration

    def to_json(self) -> str:
        """JSON text that ``read_calibration`` reads back to the last digit."""
        return json.dumps(self.model_dump(mode="json"), indent=1, allow_nan=False) + "\n"


def read_calibration(path: Path, *, numbers: tuple[int, ...] | None = None) -> Calibration:
    """Read a calibration file.

    Args:
        path: the file.
        numbers: the landmarks that it must be for, in order; by default any.

    Raises:
        BundleError: no such file, no JSON, another version, a field that is missing or wrong, or other
            landmarks.
    """
    try:
        data = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BundleError(f"cannot be read: {error.strerror or error}", where=path) from error
    except ValueError as error:
        raise BundleError("not valid JSON", where=path) from error
    found = data.get("format") if isinstance(data, dict) else None
    if found != FORMAT:
        raise BundleError(
            f"calibration version {found!r} is unknown, this program reads {FORMAT}",
            where=path,
            remedy="update cephsure, or calibrate anew",
        )
    try:
        calibration = Calibration.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BundleError(f"{place}: {first['msg']}", where=path) from error
    parts = [calibration.landmarks, calibration.regions.landmarks]
    if numbers is not None and any(tuple(one.number for one in part) != numbers for part in parts):
        raise BundleError("is for other landmarks than the model's", where=path)
    return calibration

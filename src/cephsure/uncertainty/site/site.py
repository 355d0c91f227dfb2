"""Site calibration: a small file beside a bundle that fits its predictions to one site or observer."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from pydantic import Field, ValidationError, model_validator

from cephsure.atomic import write_atomically
from cephsure.errors import InputError
from cephsure.uncertainty.calibration.calibration import DEFAULT_LEVEL
from cephsure.uncertainty.calibration.data import CalibrationSource  # noqa: TC001 - pydantic reads it
from cephsure.uncertainty.prediction import Frozen, Region
from cephsure.uncertainty.quantile import check_level
from cephsure.uncertainty.regions import disc

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from cephsure.uncertainty.prediction import LandmarkPrediction, Prediction

FORMAT = "cephsure.site/1"
SCALE = "expected_error_mm"
"""The measure that a region's radius is a multiple of."""


class SiteRadius(Frozen):
    """A region's radius in multiples of the measure ``SCALE``; None: the region is all of the film."""

    level: float = Field(gt=0.0, lt=1.0)
    factor: float | None = Field(ge=0.0)


class Site(Frozen):
    """What one site's corrected films taught.

    Attributes:
        format: ``cephsure.site/1``.
        name: what the site or observer is called.
        model: the model's name.
        model_sha256: its bundle's; the file is of use with this bundle only.
        numbers: the landmarks.
        offsets_mm: (L, 2) subtracted from found points, x to the face and y downwards.
        scale: the measure that radii are multiples of.
        radii: a factor for each level.
        films: corrected films.
        source: data set, split, truth and model.
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
        """The radius at a level in multiples of the measure, or infinity.

        Raises:
            InputError: the file has no such level.
        """
        check_level(level)
        for radius in self.radii:
            if math.isclose(radius.level, level):
                return math.inf if radius.factor is None else radius.factor
        known = ", ".join(f"{radius.level:g}" for radius in self.radii)
        raise InputError(f"site {self.name} has no region of level {level:g}", remedy=f"it has: {known}")


def write_site(site: Site, path: Path) -> Path:
    """Write a site's file.

    Raises:
        InputError: it cannot be written.
    """
    text = json.dumps(site.model_dump(mode="json"), indent=1, allow_nan=False) + "\n"
    return write_atomically(path, text.encode("utf-8"))


def read_site(path: Path) -> Site:
    """Read a site's file.

    Raises:
        InputError: it cannot be read, is damaged or of an unknown version.
    """
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
    hold here.

    Raises:
        InputError: the prediction is of another bundle or of other landmarks, the film has no scale, or the
            site has no region of this level.
    """
    if prediction.model.sha256 != site.model_sha256:
        raise InputError(
            f"site {site.name} was calibrated with another bundle than {prediction.model.name}",
            remedy=f"use the bundle {site.model} it was made with, or make it again",
        )
    if tuple(mark.number for mark in prediction.landmarks) != site.numbers:
        raise InputError(f"site {site.name} is of other landmarks")
    scale = prediction.film.mm_per_px
    if scale is None:
        raise InputError(
            "its scale is not known, and a site's offsets are in mm",
            where=prediction.film.path,
            remedy="give --mm-per-px",
        )
    if level is None:
        level = next((mark.region.level for mark in prediction.landmarks if mark.region), DEFAULT_LEVEL)
    factor = site.factor(level)
    side = -1.0 if prediction.film.facing == "left" else 1.0
    shifts = -site.offsets * np.array([side, 1.0])
    marks = tuple(
        _moved(mark, (float(dx), float(dy)), scale, factor, level)
        for mark, (dx, dy) in zip(prediction.landmarks, shifts, strict=True)
    )
    note = f"fitted to site {site.name} ({site.films} films)"
    film = prediction.film.model_copy(update={"notes": (*prediction.film.notes, note)})
    return prediction.model_copy(update={"landmarks": marks, "film": film})


def _moved(
    mark: LandmarkPrediction,
    shift_mm: tuple[float, float],
    scale: tuple[float, float],
    factor: float,
    level: float,
) -> LandmarkPrediction:
    dx, dy = shift_mm[0] / scale[0], shift_mm[1] / scale[1]
    x_px, y_px = mark.x_px + dx, mark.y_px + dy
    radius_mm = factor * (mark.measures.expected_error_mm or math.inf)
    return mark.model_copy(
        update={
            "x_px": x_px,
            "y_px": y_px,
            "x_mm": x_px * scale[0],
            "y_mm": y_px * scale[1],
            "samples_px": tuple((x + dx, y + dy) for x, y in mark.samples_px),
            "expected_error_mm": None,
            "error_covariance_mm2": None,
            "region": disc((x_px, y_px), radius_mm, scale, level)
            if math.isfinite(radius_mm)
            else Region(level=level, kind="disc", whole_film=True),
        }
    )

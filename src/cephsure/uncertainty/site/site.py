"""Site calibration: a small file beside a bundle that fits its predictions to one site or observer."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from cephsure.atomic import write_atomically
from cephsure.errors import InputError
from cephsure.uncertainty.quantile import LEVELS, check_level
from cephsure.uncertainty.quantile import pooled_quantile
from cephsure.uncertainty.site.offset import offsets_without_each, shrunken_offsets

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from cephsure.uncertainty.calibration import CalibrationData

FORMAT = "cephsure.site/1"
SCALE = "expected_error_mm"
"""The measure that a region's radius is a multiple of."""


class SiteRadius(BaseModel):
    """A region's radius in multiples of the measure ``SCALE``; None: the region is all of the film."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    level: float = Field(gt=0.0, lt=1.0)
    factor: float | None = Field(ge=0.0)


class Site(BaseModel):
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

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["cephsure.site/1"] = "cephsure.site/1"
    name: str
    model: str
    model_sha256: str
    numbers: tuple[int, ...]
    offsets_mm: tuple[tuple[float, float], ...]
    scale: str = SCALE
    radii: tuple[SiteRadius, ...]
    films: int
    source: dict[str, Any]

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


def fit_site(data: CalibrationData, *, name: str, levels: tuple[float, ...] = LEVELS) -> Site:
    """Learn from K corrected films.

    The offsets are ``shrunken_offsets`` of all films. For the radii each film's points are moved by the
    offsets that the *other* films give, as those of a new film will be; their distances from the truth, in
    multiples of the expected error, give ``pooled_quantile``. For offsets that do not depend on the films the
    quantile is exact; those fitted without the film itself make it an approximation, close from about ten
    films on and on the safe side, since they come from one film less.

    Args:
        data: the model's errors on the site's films.
        name: what the site or observer is called.
        levels: of the regions.

    Returns:
        The site's file.

    Raises:
        InputError: no film has errors in mm, or a level does not lie between 0 and 1.
    """
    if not np.isfinite(data.radial_mm).any():
        raise InputError("no film has errors in mm", remedy="give the scale by --mm-per-px")
    scores = site_scores(data)
    return Site(
        name=name,
        model=data.source.model,
        model_sha256=data.source.model_sha256,
        numbers=data.numbers,
        offsets_mm=tuple((float(x), float(y)) for x, y in shrunken_offsets(data.errors_mm)),
        radii=tuple(
            SiteRadius(level=level, factor=_finite(pooled_quantile(scores, level, groups=data.groups)))
            for level in levels
        ),
        films=len(data.film_ids),
        source=data.source.to_dict(),
    )


def site_scores(data: CalibrationData) -> NDArray[np.float64]:
    """(K, L) distances in multiples of the measure, each film moved by what the other films give."""
    moved = data.errors_mm - offsets_without_each(data.errors_mm, data.groups)
    scores: NDArray[np.float64] = np.hypot(moved[..., 0], moved[..., 1]) / data.measures[SCALE]
    return scores


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


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None

"""Fits a prediction to a site: points moved by the site's offsets, regions of the site's size."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from cephsure.errors import InputError
from cephsure.uncertainty.prediction import Region

if TYPE_CHECKING:
    from cephsure.uncertainty.prediction import LandmarkPrediction, Prediction
    from cephsure.uncertainty.site.site import Site


def apply_site(prediction: Prediction, site: Site, *, level: float | None = None) -> Prediction:
    """Fit a prediction to a site.

    Points and samples are moved; measures stay what they are. The region of each landmark becomes a disc of
    the site's size. What a bundle's own calibration says of the errors elsewhere (expected error, covariance)
    is taken away, since it does not hold here.

    Args:
        prediction: of the bundle that the site's file was made with.
        site: what was learned at the site.
        level: of the regions; by default that of the prediction's own regions, or 0.9.

    Returns:
        The fitted prediction, with a note that says so.

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
    factor = site.factor(_level_of(prediction) if level is None else level)
    side = -1.0 if prediction.film.facing == "left" else 1.0
    shifts = -site.offsets * np.array([side, 1.0])
    marks = tuple(
        _moved(mark, (float(dx), float(dy)), scale, factor, _level_of(prediction) if level is None else level)
        for mark, (dx, dy) in zip(prediction.landmarks, shifts, strict=True)
    )
    note = f"fitted to site {site.name} ({site.films} films)"
    film = prediction.film.model_copy(update={"notes": (*prediction.film.notes, note)})
    return prediction.model_copy(update={"landmarks": marks, "film": film})


def _level_of(prediction: Prediction) -> float:
    regions = [mark.region for mark in prediction.landmarks if mark.region is not None]
    return regions[0].level if regions else 0.9


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
            "region": _disc((x_px, y_px), radius_mm, scale, level),
        }
    )


def _disc(
    centre_px: tuple[float, float], radius_mm: float, scale: tuple[float, float], level: float
) -> Region:
    """A disc in mm; on pixels that are not square an ellipse in px."""
    if not math.isfinite(radius_mm):
        return Region(level=level, kind="disc", whole_film=True)
    axes = [(radius_mm / scale[0], 0.0), (0.0, radius_mm / scale[1])]
    axes.sort(key=lambda axis: -math.hypot(*axis))
    return Region(
        level=level,
        kind="disc",
        centre_px=centre_px,
        half_axes_px=(axes[0], axes[1]),
        area_mm2=math.pi * radius_mm**2,
    )

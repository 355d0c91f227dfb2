"""Regions with a stated probability as closed outlines to draw."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cephsure.reports.painter import ellipse_outline

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.uncertainty import Prediction
    from cephsure.uncertainty.prediction import Region

KIND_TITLES = {"hdr": "level set of the heat map", "ellipse": "ellipse", "disc": "disc"}


def region_outlines(region: Region | None) -> tuple[NDArray[np.float64], ...]:
    """A region's closed outlines.

    Args:
        region: of a landmark.

    Returns:
        Chains (N, 2) in px of the film; what an even number of them surrounds is outside. None for all of
        the film, and for no region.
    """
    if region is None or region.whole_film:
        return ()
    if region.outlines_px is not None:
        return tuple(np.array(chain, dtype=np.float64) for chain in region.outlines_px)
    return (ellipse_outline(np.array(region.centre_px), np.array(region.half_axes_px)),)


def shown_level(prediction: Prediction) -> Region | None:
    """A region that says which level and kind the prediction's regions are of; None for no regions."""
    return next((mark.region for mark in prediction.landmarks if mark.region is not None), None)

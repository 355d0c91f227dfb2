"""Positions as DICOM counts them: the first pixel's corner is (0, 0), its centre (0.5, 0.5).

Source: PS3.3 C.18.6 for structured reports, C.10.5 for presentation states.

Everywhere else in cephsure the first pixel's centre is (0, 0). Only this file knows of the half pixel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from cephsure.uncertainty.prediction import Region

_HALF_PX = 0.5


def to_dicom(points_px: ArrayLike) -> NDArray[np.float64]:
    """(..., 2) positions of ours as DICOM's columns and rows.

    Examples:
        >>> to_dicom([[0.0, 0.0]]).tolist()
        [[0.5, 0.5]]
    """
    return np.asarray(points_px, dtype=np.float64) + _HALF_PX


def from_dicom(positions: ArrayLike) -> NDArray[np.float64]:
    """(..., 2) columns and rows of DICOM as positions of ours."""
    return np.asarray(positions, dtype=np.float64) - _HALF_PX


def principal_axes(half_axes_px: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    """(2, 2) half axes at right angles of an ellipse with two conjugate half diameters, the longer first.

    On a film whose pixels are not square the half axes in mm stand no longer at right angles in px; DICOM's
    ellipses want axes that do.
    """
    turned, lengths, _ = np.linalg.svd(np.asarray(half_axes_px, dtype=np.float64).T)
    axes: NDArray[np.float64] = (turned * lengths).T
    return axes


def ellipse_ends(region: Region) -> NDArray[np.float64] | None:
    """(4, 2) ends of an ellipse's longer and shorter axis in px of ours; None for a region that is none."""
    if region.centre_px is None or region.half_axes_px is None:
        return None
    longer, shorter = principal_axes(region.half_axes_px)
    ends: NDArray[np.float64] = np.array(region.centre_px) + np.array([longer, -longer, shorter, -shorter])
    return ends


def region_outlines(region: Region, *, corners: int = 72) -> tuple[NDArray[np.float64], ...]:
    """Closed outlines (N + 1, 2) of a region in px of ours, their first corner repeated at the end.

    None for a region that is all of the film. An ellipse gets so many corners.
    """
    if region.outlines_px is not None:
        return tuple(np.array([*outline, outline[0]], dtype=np.float64) for outline in region.outlines_px)
    if region.centre_px is None or region.half_axes_px is None:
        return ()
    angles = np.linspace(0, 2 * np.pi, corners + 1)
    round_it = np.column_stack([np.cos(angles), np.sin(angles)])
    round_it[-1] = round_it[0]
    return (np.array(region.centre_px) + round_it @ np.array(region.half_axes_px),)


def within(outline: NDArray[np.float64], width_px: int, height_px: int) -> NDArray[np.float64]:
    """An outline (N, 2) in px of ours, with what lies off the film moved to its edge."""
    corner = np.array([width_px, height_px]) - _HALF_PX
    return np.clip(outline, -_HALF_PX, corner)

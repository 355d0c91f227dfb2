"""A film of a head CT as a model is given it: where the head lies on it, and what its greys are."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import ndimage

from cephsure.films import Film, Spacing, SpacingSource
from cephsure.studies.shifts.cephalogram import CEPHALOGRAM_BONE_GAIN, to_cephalogram
from cephsure.studies.shifts.head_alone import CLOSE_MM, near_head
from cephsure.studies.shifts.projection import project
from cephsure.studies.shifts.view import view_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.studies.shifts.view import View
    from cephsure.studies.shifts.volume import Volume

Look = Literal["sum", "cephalogram"]
"""``sum`` is the reference's: the sum of attenuation along each ray, divided by the film's maximum."""

WIDTH_MM, HEIGHT_MM = 193.5, 240.0
MM_PER_PX = 0.4
_AIR_BEFORE_NOSE_MM = 8.0
# What is narrower than this in a slice (a tube, the end of a strap) is neither nose nor vertex.
_NOSE_MM2 = 20.0
_MARGIN = 2
_NOSE_DEPTH_MM = 131.0
"""From the upper edge to the nose where the vertex is at that edge: the mean of the two heads at hand."""
_NOSE_MM = 4.0


def cephalogram_view(
    volume: Volume, *, has_vertex: bool = True, tissue: NDArray[np.bool_] | None = None
) -> View:
    """The unturned head on a film of the size of the ISBI 2015 films, as they show a head.

    The nose is 8 mm from the right edge and the vertex at the upper one, which brings sella, on the head this
    was tried on, to within 1 mm of its mean place in those films; the back of the head is cut off, as there.
    Where the scan lacks the vertex, the foremost tissue is taken for the nose, and lies as deep as it would.

    Args:
        volume: the head, levelled.
        has_vertex: whether its highest tissue is the vertex.
        tissue: (n_x, n_y, n_z) where the head is; by default what `near_head` finds.

    Returns:
        A parallel view of 193.5 x 240 mm at 0.4 mm a pixel.
    """
    view = view_of(volume, mm_per_px=MM_PER_PX)
    dx, dy, dz = volume.spacing_mm
    tissue = near_head(volume, CLOSE_MM) if tissue is None else tissue
    front_mm = float(np.argmax(tissue.sum(axis=(0, 2)) * dx * dz > _NOSE_MM2)) * dy
    upwards = tissue.sum(axis=(0, 1)) * dx * dy > _NOSE_MM2
    top_mm = float(len(upwards) - 1 - np.argmax(upwards[::-1])) * dz
    if not has_vertex:
        slab = slice(round(front_mm / dy), round((front_mm + _NOSE_MM) / dy) + 1)
        top_mm = float(np.nonzero(tissue[:, slab].any(axis=(0, 1)))[0].mean()) * dz + _NOSE_DEPTH_MM
    width_px, height_px = round(WIDTH_MM / MM_PER_PX), round(HEIGHT_MM / MM_PER_PX)
    right_px = (view.pivot_mm[1] - front_mm + _AIR_BEFORE_NOSE_MM) / MM_PER_PX
    return replace(
        view,
        width_px=width_px,
        height_px=height_px,
        pivot_px=(width_px - 1 - right_px, (top_mm - view.pivot_mm[2]) / MM_PER_PX),
    )


def ct_film(volume: Volume, view: View, *, look: Look = "cephalogram") -> Film:
    """Project a head and draw the film.

    The projection is made with the CT's own sharpness and refined to the film's pixels by cubic splines:
    rays between its voxels show nothing new.

    Args:
        volume: the head.
        view: pose, geometry and film.
        look: "cephalogram" with a cephalogram's weight of bone and `TONE_CURVE`, "sum" as the reference's.

    Returns:
        The film with the scale of the midplane.
    """
    gain = CEPHALOGRAM_BONE_GAIN if look == "cephalogram" else 1.0
    coarse_mm = max(view.mm_per_px, min(volume.spacing_mm[1:]))
    factor = view.mm_per_px / coarse_mm
    coarse = replace(
        view,
        mm_per_px=coarse_mm,
        width_px=int(np.ceil(view.width_px * factor)) + 2 * _MARGIN,
        height_px=int(np.ceil(view.height_px * factor)) + 2 * _MARGIN,
        pivot_px=(view.pivot_px[0] * factor + _MARGIN, view.pivot_px[1] * factor + _MARGIN),
    )
    integrals = project(volume, coarse, bone_gain=gain).line_integrals
    fine = ndimage.affine_transform(
        integrals,
        np.full(2, factor),
        offset=_MARGIN,
        output_shape=(view.height_px, view.width_px),
        order=3,
        mode="nearest",
    )
    spacing = Spacing(view.mm_per_px, view.mm_per_px, SpacingSource.DATASET)
    fine = np.maximum(fine, 0).astype(np.float32)
    if look == "cephalogram":
        return Film(to_cephalogram(fine, mm_per_px=view.mm_per_px), spacing)
    return Film(fine / max(float(fine.max()), np.finfo(np.float32).tiny), spacing)

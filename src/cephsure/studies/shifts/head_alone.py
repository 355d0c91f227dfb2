"""The head without what lies around it in a CT: table, headrest, straps, tubes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from cephsure.studies.shifts.volume import AIR_HU, TISSUE_HU, Volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

CLOSE_MM, FAR_MM = 13.0, 25.0
"""Up to where tissue counts when the head's outline is sought, and beyond which it is taken out: distances
from the surface of the head's core. Nose and lips are within the first, ears within the second."""

_CORE_MM = 5.0
_CUT_MM2 = 400.0


def near_head(volume: Volume, reach_mm: float) -> NDArray[np.bool_]:
    """Where tissue of the head is.

    The core is the largest connected part of all that lies more than 5 mm within tissue: plates and tubes are
    thinner. What touches the head is told from it by this alone.

    Args:
        volume: a head CT.
        reach_mm: how far tissue may lie from the core's surface, mm.

    Returns:
        (n_x, n_y, n_z) tissue near the core; all tissue if nothing is thick enough to be a core.
    """
    tissue = volume.values > TISSUE_HU
    if tissue.all():
        return tissue
    inner = ndimage.distance_transform_edt(tissue, sampling=volume.spacing_mm) > _CORE_MM
    labels, count = ndimage.label(inner)
    if not count:
        return tissue
    core = labels == 1 + np.argmax(np.bincount(labels.ravel())[1:])
    away = ndimage.distance_transform_edt(~core, sampling=volume.spacing_mm)
    near: NDArray[np.bool_] = tissue & (away <= _CORE_MM + reach_mm)
    return near


def head_alone(volume: Volume) -> Volume:
    """The CT with tissue far from the head turned to air; the same object where there is none.

    Args:
        volume: a head CT.

    Returns:
        The volume on the same grid.
    """
    strange = (volume.values > TISSUE_HU) & ~near_head(volume, FAR_MM)
    if not strange.any():
        return volume
    # What is left of a plate's edge is as dense as air with a little of the plate in it.
    around = ndimage.binary_dilation(strange) & (volume.values <= TISSUE_HU)
    return Volume(np.where(strange | around, np.float32(AIR_HU), volume.values), volume.spacing_mm)


def has_vertex(volume: Volume) -> bool:
    """Whether the scan goes beyond the top of the head: its highest slice is all but empty."""
    dx, dy, _ = volume.spacing_mm
    return float((volume.values[:, :, -1] > TISSUE_HU).sum() * dx * dy) < _CUT_MM2

"""A head CT as a volume in Hounsfield units with documented axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cephsure.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

BONE_HU = 300.0
"""From here on a voxel counts as bone when the head's centre is sought."""

TISSUE_HU = -200.0
"""From here on a voxel counts as tissue when the head's outline is sought."""

AIR_HU = -1000.0
"""What stands where a scan has nothing."""

MAX_VOXELS = 1024**3
"""Larger files are refused before they are read: as float32 this is 4 GiB."""


@dataclass(frozen=True, slots=True)
class Volume:
    """A CT volume whose axes run with the patient: to the left, to the back, up (LPS).

    A point in mm is a voxel index times the spacing: the first voxel's centre is (0, 0, 0), x grows to the
    patient's left, y to posterior, z to superior.

    Attributes:
        values: (n_x, n_y, n_z) float32, Hounsfield units.
        spacing_mm: distance of neighbouring voxel centres along x, y and z.

    Raises:
        InputError: if the array is not three-dimensional, a value is not finite or a spacing not positive.
    """

    values: NDArray[np.float32]
    spacing_mm: tuple[float, float, float]

    def __post_init__(self) -> None:
        if self.values.ndim != 3 or min(self.values.shape) < 2:
            raise InputError(
                f"a CT volume has three axes of at least 2 voxels, this one is {self.values.shape}",
            )
        if not all(np.isfinite(s) and s > 0 for s in self.spacing_mm):
            raise InputError(f"the voxel spacing must be positive, it is {self.spacing_mm} mm")
        if not np.isfinite(self.values).all():
            raise InputError("the CT volume holds values that are not numbers")

    @property
    def size_mm(self) -> tuple[float, float, float]:
        """Distance from the first to the last voxel centre along x, y and z."""
        n_x, n_y, n_z = self.values.shape
        d_x, d_y, d_z = self.spacing_mm
        return ((n_x - 1) * d_x, (n_y - 1) * d_y, (n_z - 1) * d_z)

    @property
    def centre_mm(self) -> tuple[float, float, float]:
        """The middle of the grid."""
        x, y, z = self.size_mm
        return (x / 2, y / 2, z / 2)


def head_centre_mm(volume: Volume) -> tuple[float, float, float]:
    """The centroid of bone, which in a whole head lies near the skull base, between the ears.

    Args:
        volume: a head CT.

    Returns:
        (x, y, z) mm; the middle of the grid when there is no bone in it.
    """
    bone = volume.values >= BONE_HU
    total = int(bone.sum())
    if total == 0:
        return volume.centre_mm
    x, y, z = (
        float(bone.sum(axis=tuple({0, 1, 2} - {axis})) @ np.arange(bone.shape[axis])) / total * spacing
        for axis, spacing in enumerate(volume.spacing_mm)
    )
    return (x, y, z)

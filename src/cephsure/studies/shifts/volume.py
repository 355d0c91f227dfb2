"""A head CT as a volume in Hounsfield units whose axes run with the patient, and what in it is the head."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from cephsure.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

BONE_HU, TISSUE_HU = 300.0, -200.0
"""From here on a voxel counts as bone (for the head's centre), and as tissue (for its outline)."""

AIR_HU = -1000.0
"""What stands where a scan has nothing."""

MAX_VOXELS = 1024**3
"""Larger files are refused before they are read: as float32 this is 4 GiB."""

CLOSE_MM, FAR_MM = 13.0, 25.0
"""Up to where tissue counts when the head's outline is sought, and beyond which it is taken out: distances
from the surface of the head's core. Nose and lips are within the first, ears within the second."""

_LARGEST_OBLIQUITY_DEG = 5.0
_AIR_MUST_BE_BELOW_HU = -300.0
_CORE_MM = 5.0
_CUT_MM2 = 400.0


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
            shape = self.values.shape
            raise InputError(f"a CT volume has three axes of at least 2 voxels, this one is {shape}")
        if not all(np.isfinite(s) and s > 0 for s in self.spacing_mm):
            raise InputError(f"the voxel spacing must be positive, it is {self.spacing_mm} mm")
        if not np.isfinite(self.values).all():
            raise InputError("the CT volume holds values that are not numbers")

    @property
    def size_mm(self) -> tuple[float, float, float]:
        """Distance from the first to the last voxel centre along x, y and z."""
        x, y, z = ((n - 1) * step for n, step in zip(self.values.shape, self.spacing_mm, strict=True))
        return (x, y, z)

    @property
    def centre_mm(self) -> tuple[float, float, float]:
        """The middle of the grid."""
        x, y, z = self.size_mm
        return (x / 2, y / 2, z / 2)


def head_centre_mm(volume: Volume) -> tuple[float, float, float]:
    """The centroid of bone, (x, y, z) mm: in a whole head near the skull base, between the ears.

    Where there is no bone it is the middle of the grid.
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


def upright_volume(
    stored: NDArray[np.float32], directions: ArrayLike, spacing_mm: ArrayLike, *, where: Path
) -> Volume:
    """Swap and flip the axes of an array; nothing is resampled, so an oblique grid is refused.

    Args:
        stored: (n_0, n_1, n_2) Hounsfield units.
        directions: (3, 3) unit vectors; row a says where axis a runs to in the patient, (left, back, up).
        spacing_mm: (3,) distance of neighbouring voxel centres along each axis.
        where: the file or folder, for messages.

    Raises:
        InputError: the grid leans by more than 5° from the patient's axes, or holds no air.
    """
    along = np.asarray(directions, dtype=np.float64)
    spacing = np.asarray(spacing_mm, dtype=np.float64)
    check_upright(along, where=where)
    least = stored.min()
    if least > _AIR_MUST_BE_BELOW_HU:
        raise InputError(
            f"the least value is {least:g}: no air, so these are not Hounsfield units",
            where=where,
            remedy="export the CT with its rescale slope and intercept applied",
        )
    # Which stored axis runs to the left, to the back and up, and whether it runs the other way.
    order = [int(np.abs(along[:, axis]).argmax()) for axis in range(3)]
    flips = tuple(slice(None, None, 1 if along[own, axis] > 0 else -1) for axis, own in enumerate(order))
    x_mm, y_mm, z_mm = (float(spacing[own]) for own in order)
    return Volume(np.ascontiguousarray(stored.transpose(order)[flips]), (x_mm, y_mm, z_mm))


def check_upright(directions: NDArray[np.float64], *, where: Path) -> None:
    """Refuse a grid that leans from the patient's axes: flipping alone would call a leaning head upright."""
    if not np.isfinite(directions).all() or abs(np.linalg.det(directions)) < 0.9:
        raise InputError("its orientation is not usable: its axes are not at right angles", where=where)
    lean_deg = float(np.degrees(np.arccos(np.clip(np.abs(directions).max(axis=1), 0, 1))).max())
    if lean_deg > _LARGEST_OBLIQUITY_DEG:
        raise InputError(
            f"its grid leans {lean_deg:.0f}° from the patient's axes",
            where=where,
            remedy="resample it to an upright grid first",
        )


def near_head(volume: Volume, reach_mm: float) -> NDArray[np.bool_]:
    """Where tissue of the head is.

    The core is the largest connected part of all that lies more than 5 mm within tissue: plates and tubes are
    thinner. What touches the head is told from it by this alone.

    Returns:
        (n_x, n_y, n_z) tissue up to ``reach_mm`` from the core's surface; all tissue where there is no core.
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
    """The CT with tissue far from the head (table, headrest, straps, tubes) turned to air; the grid stays."""
    foreign = (volume.values > TISSUE_HU) & ~near_head(volume, FAR_MM)
    if not foreign.any():
        return volume
    # What is left of a plate's edge is as dense as air with a little of the plate in it.
    around = ndimage.binary_dilation(foreign) & (volume.values <= TISSUE_HU)
    return Volume(np.where(foreign | around, np.float32(AIR_HU), volume.values), volume.spacing_mm)


def has_vertex(volume: Volume) -> bool:
    """Whether the scan goes beyond the top of the head: its highest slice is all but empty."""
    dx, dy, _ = volume.spacing_mm
    return float((volume.values[:, :, -1] > TISSUE_HU).sum() * dx * dy) < _CUT_MM2

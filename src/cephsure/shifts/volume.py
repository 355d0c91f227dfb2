"""A head CT as a volume in Hounsfield units with documented axes, and its NIfTI reader."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

BONE_HU = 300.0
"""From here on a voxel counts as bone when the head's centre is sought."""

MAX_VOXELS = 1024**3
"""Larger files are refused before they are read: as float32 this is 4 GiB."""

_AIR_MUST_BE_BELOW_HU = -300.0
_LARGEST_OBLIQUITY_DEG = 5.0


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


def read_nifti(path: Path) -> Volume:
    """Read a head CT from a NIfTI file (``.nii``, ``.nii.gz``) and turn its axes to left, back, up.

    Axes are swapped and flipped, never resampled, so a grid that stands oblique to the patient is refused.

    Args:
        path: the file; needs nibabel (``pip install "cephsure[ct]"``).

    Returns:
        The volume in Hounsfield units (the file's scale slope and intercept applied).

    Raises:
        InputError: if nibabel is not installed, or the file cannot be read, is not one three-dimensional
            volume, is oblique, too large, or does not hold Hounsfield units.
    """
    nibabel = _nibabel()
    image = _open(nibabel, path)
    shape = tuple(n for axis, n in enumerate(image.shape) if axis < 3 or n != 1)
    if len(shape) != 3:
        raise InputError(f"holds {image.shape} voxels, not one three-dimensional volume", where=path)
    if np.prod(shape, dtype=np.int64) > MAX_VOXELS:
        raise InputError(f"{shape} voxels are more than the {MAX_VOXELS} that are read", where=path)
    _refuse_oblique(nibabel, image.affine, path)
    to_lps = nibabel.orientations.ornt_transform(
        nibabel.orientations.io_orientation(image.affine),
        nibabel.orientations.axcodes2ornt(("L", "P", "S")),
    )
    stored = _voxels(nibabel, image, path).reshape(shape)
    values = np.ascontiguousarray(nibabel.orientations.apply_orientation(stored, to_lps))
    spacing = np.empty(3)
    spacing[to_lps[:, 0].astype(int)] = np.sqrt((image.affine[:3, :3] ** 2).sum(axis=0))
    if values.min() > _AIR_MUST_BE_BELOW_HU:
        raise InputError(
            f"the least value is {values.min():g}: no air, so these are not Hounsfield units",
            where=path,
            remedy="export the CT with its rescale slope and intercept applied",
        )
    return Volume(values, (float(spacing[0]), float(spacing[1]), float(spacing[2])))


def _nibabel() -> Any:
    """The nibabel package, imported only when a NIfTI file is read."""
    try:
        import nibabel
    except ImportError as error:
        raise InputError(
            "reading a NIfTI file needs nibabel, which is not installed",
            remedy='pip install "cephsure[ct]"',
        ) from error
    return nibabel


def _open(nibabel: Any, path: Path) -> Any:
    """Open the file's header; its voxels are read later."""
    if not path.is_file():
        raise InputError("no such file", where=path)
    try:
        image = nibabel.load(path)
    except (nibabel.filebasedimages.ImageFileError, *_damage(nibabel)) as error:
        raise InputError(f"not a readable NIfTI file: {error}", where=path) from error
    if not isinstance(image, nibabel.Nifti1Pair):
        raise InputError(f"a {type(image).__name__}, not a NIfTI file", where=path)
    return image


def _damage(nibabel: Any) -> tuple[type[Exception], ...]:
    """What a damaged or truncated file makes nibabel and gzip raise."""
    return (OSError, EOFError, ValueError, zlib.error, nibabel.spatialimages.HeaderDataError)


def _voxels(nibabel: Any, image: Any, path: Path) -> NDArray[np.float32]:
    """The voxels with slope and intercept applied; a file cut short fails here."""
    try:
        voxels: NDArray[np.float32] = np.asarray(image.get_fdata(dtype=np.float32, caching="unchanged"))
    except _damage(nibabel) as error:
        raise InputError(f"its voxels cannot be read: {error}", where=path) from error
    if not np.isfinite(voxels).all():
        raise InputError("holds values that are not numbers", where=path)
    return voxels


def _refuse_oblique(nibabel: Any, affine: NDArray[np.float64], path: Path) -> None:
    """Refuse a grid that leans from the patient's axes: flipping alone would call a leaning head upright."""
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        raise InputError("its orientation matrix is not usable", where=path)
    lean_deg = float(np.degrees(nibabel.affines.obliquity(affine).max()))
    if lean_deg > _LARGEST_OBLIQUITY_DEG:
        raise InputError(
            f"its grid leans {lean_deg:.0f}° from the patient's axes",
            where=path,
            remedy="resample it to an upright grid first",
        )

"""Head CTs from NIfTI files, through nibabel."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure.errors import InputError
from cephsure.studies.shifts.upright import check_upright, upright_volume
from cephsure.studies.shifts.volume import MAX_VOXELS

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from cephsure.studies.shifts.volume import Volume


def read_nifti(path: Path) -> Volume:
    """Read a head CT from a NIfTI file (``.nii``, ``.nii.gz``) and turn its axes to left, back, up.

    Axes are swapped and flipped, never resampled, so a grid that stands oblique to the patient is refused.

    Args:
        path: the file; needs nibabel (``pip install "cephsure[studies]"``).

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
    directions, spacing = _axes(image.affine, path)
    check_upright(directions, where=path)
    return upright_volume(_voxels(nibabel, image, path).reshape(shape), directions, spacing, where=path)


def _nibabel() -> Any:
    """The nibabel package, imported only when a NIfTI file is read."""
    try:
        import nibabel
    except ImportError as error:
        raise InputError(
            "reading a NIfTI file needs nibabel, which is not installed",
            remedy='pip install "cephsure[studies]"',
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
    return (OSError, EOFError, ValueError, TypeError, zlib.error, nibabel.spatialimages.HeaderDataError)


def _voxels(nibabel: Any, image: Any, path: Path) -> NDArray[np.float32]:
    """The voxels with slope and intercept applied; a file cut short fails here."""
    try:
        voxels: NDArray[np.float32] = np.asarray(image.get_fdata(dtype=np.float32, caching="unchanged"))
    except _damage(nibabel) as error:
        raise InputError(f"its voxels cannot be read: {error}", where=path) from error
    if not np.isfinite(voxels).all():
        raise InputError(
            "holds values that are not numbers",
            where=path,
            remedy="if these are voxels outside the scan, store them as air (-1000 HU)",
        )
    return voxels


def _axes(affine: NDArray[np.float64], path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Each axis' direction (left, back, up) and spacing; NIfTI's own run to the right, the front and up."""
    steps = (affine[:3, :3] * np.array([[-1.0], [-1.0], [1.0]])).T
    spacing = np.sqrt((steps**2).sum(axis=1))
    if not np.isfinite(affine).all() or spacing.min() < 1e-6:
        raise InputError("its orientation matrix is not usable", where=path)
    return steps / spacing[:, np.newaxis], spacing

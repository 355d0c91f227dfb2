"""Reading a head CT: a NIfTI file (through nibabel), a folder of DICOM slices, a project of InVesalius.

A project of InVesalius (``.inv3``, such as Debian's ``Cranium.inv3``) is a tar file, gzipped or not, with
``main.plist`` and the voxels in a raw file that it names. Nothing is unpacked to the disk, and no other
member is looked at.
"""

from __future__ import annotations

import plistlib
import tarfile
import zlib
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from xml.parsers.expat import ExpatError

import numpy as np

from cephsure.errors import InputError
from cephsure.studies.shifts.dicom_series import read_dicom_series
from cephsure.studies.shifts.volume import MAX_VOXELS, check_upright, upright_volume

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from cephsure.studies.shifts.volume import Volume

_NIFTI = (".nii", ".nii.gz")
_FORMS = "a NIfTI file (.nii, .nii.gz), a folder of one DICOM series, or an InVesalius project (.inv3)"
# The voxels' axes run up, to the front (InVesalius turns the second one round for VTK) and to the left.
_INV3_DIRECTIONS = ((0.0, 0.0, 1.0), (0.0, -1.0, 0.0), (1.0, 0.0, 0.0))
_INV3_AXIAL = 1
_INV3_VOXEL = np.dtype("<i2")
_MAX_PLIST_BYTES = 1 << 20
_MAX_MEMBERS = 10_000
_MAX_BYTES = 16 << 30
_TAR_DAMAGE = (tarfile.TarError, OSError, EOFError, zlib.error)


def read_volume(path: Path) -> Volume:
    """Read a head CT from a NIfTI file, a folder of a DICOM series or an InVesalius project.

    Args:
        path: what it is shows by its name, and whether it is a folder.

    Returns:
        The volume in Hounsfield units, axes to the patient's left, back and up.

    Raises:
        InputError: there is nothing, it is none of these, or cannot be used; one clear line.
    """
    if path.is_dir():
        return read_dicom_series(path)
    if not path.is_file():
        raise InputError("no such file or folder", where=path)
    name = path.name.lower()
    if name.endswith(_NIFTI):
        return read_nifti(path)
    if name.endswith(".inv3"):
        return read_inv3(path)
    if name.endswith((".dcm", ".ima")):
        raise InputError("a single DICOM file", where=path, remedy="give the folder of the whole series")
    raise InputError("not a head CT", where=path, remedy=f"give {_FORMS}")


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
    try:
        import nibabel
    except ImportError as error:
        raise InputError(
            "reading a NIfTI file needs nibabel, which is not installed",
            remedy='pip install "cephsure[studies]"',
        ) from error
    image = _open(nibabel, path)
    shape = tuple(n for axis, n in enumerate(image.shape) if axis < 3 or n != 1)
    if len(shape) != 3:
        raise InputError(f"holds {image.shape} voxels, not one three-dimensional volume", where=path)
    if np.prod(shape, dtype=np.int64) > MAX_VOXELS:
        raise InputError(f"{shape} voxels are more than the {MAX_VOXELS} that are read", where=path)
    directions, spacing = _axes(image.affine, path)
    check_upright(directions, where=path)
    return upright_volume(_voxels(nibabel, image, path).reshape(shape), directions, spacing, where=path)


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


def read_inv3(path: Path) -> Volume:
    """Read the head CT of an InVesalius project (``.inv3``) and turn its axes to left, back, up.

    Raises:
        InputError: it is no such project, not a CT of axial slices, damaged or too large.
    """
    main = _main_plist(path)
    shape, name = _matrix(main, path)
    spacing = _three(main.get("spacing"), (int, float))
    if not spacing or not all(0 < step < 100 for step in spacing):
        raise InputError("its main.plist states no usable voxel spacing", where=path)
    content = _member(path, name, max_bytes=MAX_VOXELS * _INV3_VOXEL.itemsize)
    if content is None:
        raise InputError(f"holds no {name}, which its main.plist names", where=path)
    if len(content) != int(np.prod(shape)) * _INV3_VOXEL.itemsize:
        raise InputError(f"{name} has {len(content)} bytes, not {shape} voxels of 16 bits", where=path)
    values: NDArray[np.float32] = np.frombuffer(content, _INV3_VOXEL).reshape(shape).astype(np.float32)
    return upright_volume(values, _INV3_DIRECTIONS, spacing[::-1], where=path)


def _main_plist(path: Path) -> dict[str, Any]:
    """The project's own description, its kind checked."""
    if not path.is_file():
        raise InputError("no such file", where=path)
    content = _member(path, "main.plist", max_bytes=_MAX_PLIST_BYTES)
    if content is None:
        raise InputError("holds no main.plist: not an InVesalius project", where=path)
    try:
        main = plistlib.loads(content)
    except (plistlib.InvalidFileException, ExpatError, ValueError, TypeError, KeyError, IndexError) as error:
        raise InputError(f"its main.plist cannot be read: {error}", where=path) from error
    if not isinstance(main, dict):
        raise InputError("its main.plist is not a dictionary", where=path)
    if main.get("modality") != "CT":
        raise InputError(f"its modality is {main.get('modality')!r}, not a CT", where=path)
    if main.get("orientation") != _INV3_AXIAL:
        raise InputError(
            "its slices are not axial", where=path, remedy="export the CT as NIfTI, and give that"
        )
    return main


def _matrix(main: dict[str, Any], path: Path) -> tuple[tuple[int, int, int], str]:
    """Shape and file name of the voxels."""
    stated = main.get("matrix")
    matrix = stated if isinstance(stated, dict) else {}
    shape, name = _three(matrix.get("shape"), int), matrix.get("filename")
    if matrix.get("dtype") != "int16" or not shape or min(shape) < 2:
        raise InputError("its main.plist does not describe voxels of type int16", where=path)
    if not isinstance(name, str) or PurePosixPath(name).name != name:
        raise InputError("its main.plist names no file of voxels", where=path)
    n_z, n_y, n_x = shape
    if n_z * n_y * n_x > MAX_VOXELS:
        raise InputError(f"{tuple(shape)} voxels are more than the {MAX_VOXELS} that are read", where=path)
    return (n_z, n_y, n_x), name


def _member(path: Path, name: str, *, max_bytes: int) -> bytes | None:
    """Content of the first member whose last name is ``name``; None where there is none."""
    total = 0
    try:
        # As a stream: members are met one by one, and what is too much is noticed before it is read.
        with path.open("rb") as file, tarfile.open(fileobj=file, mode="r|*") as archive:
            for count, member in enumerate(archive):
                total += member.size
                if count >= _MAX_MEMBERS or total > _MAX_BYTES:
                    raise InputError("holds more than an InVesalius project does", where=path)
                if PurePosixPath(member.name).name != name or not member.isreg():
                    continue
                if member.size > max_bytes:
                    raise InputError(f"{name} has {member.size} bytes, more than is read", where=path)
                stream = archive.extractfile(member)
                content = b"" if stream is None else stream.read()
                if len(content) != member.size:
                    raise InputError(f"{name} is cut off", where=path)
                return content
    except _TAR_DAMAGE as error:
        raise InputError(f"not a readable InVesalius project: {error}", where=path) from error
    return None


def _three(value: Any, kinds: type | tuple[type, ...]) -> list[Any]:
    """The list, if it holds three numbers of the given kinds (truth values are none); else an empty one."""
    numbers = isinstance(value, list) and all(
        isinstance(number, kinds) and not isinstance(number, bool) for number in value
    )
    return list(value) if numbers and len(value) == 3 else []

"""Reading a head CT: a NIfTI file (by nibabel), a folder of one DICOM series, a project of InVesalius.

Axes are swapped and flipped to the patient's left, back and up, never resampled: a grid that stands oblique
to the patient is refused, and so is what holds no Hounsfield units.
"""

from __future__ import annotations

import math
import plistlib
import tarfile
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from xml.parsers.expat import ExpatError

import numpy as np
import pydicom
from pydicom.errors import InvalidDicomError
from pydicom.multival import MultiValue

from cephsure.errors import InputError
from cephsure.films.third_party import captured_stderr, captured_warnings, printable
from cephsure.studies.shifts.volume import MAX_VOXELS, check_upright, upright_volume

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from pydicom import Dataset

    from cephsure.studies.shifts.volume import Volume

_FORMS = "a NIfTI file (.nii, .nii.gz), a folder of one DICOM series, or an InVesalius project (.inv3)"
_MAX_DICOM_FILES = 10_000
_MAX_DICOM_BYTES = 256 << 20
# Positions are written with a few decimals only: what differs by less is the same.
_SAME_MM = 0.02
_SAME_DIRECTION = 1e-3
_UNEVEN = 0.05
# InVesalius: voxels' axes run up, to the front (it turns the second one round for VTK) and to the left.
_INV3_DIRECTIONS = ((0.0, 0.0, 1.0), (0.0, -1.0, 0.0), (1.0, 0.0, 0.0))
_INV3_VOXEL = np.dtype("<i2")
_MAX_PLIST_BYTES = 1 << 20
_MAX_MEMBERS = 10_000
_MAX_INV3_BYTES = 16 << 30


def read_volume(path: Path) -> Volume:
    """Read a head CT in Hounsfield units; what it is shows by its name, and whether it is a folder.

    Raises:
        InputError: there is nothing, it is none of these, its reader is not installed, or it cannot be used:
            damaged, too large, not one complete three-dimensional volume, oblique, not in Hounsfield units.
    """
    if path.is_dir():
        return _read_dicom_series(path)
    if not path.is_file():
        raise InputError("no such file or folder", where=path)
    name = path.name.lower()
    if name.endswith((".nii", ".nii.gz")):
        return _read_nifti(path)
    if name.endswith(".inv3"):
        return _read_inv3(path)
    if name.endswith((".dcm", ".ima")):
        raise InputError("a single DICOM file", where=path, remedy="give the folder of the whole series")
    raise InputError("not a head CT", where=path, remedy=f"give {_FORMS}")


def _read_nifti(path: Path) -> Volume:
    """A NIfTI file, its scale slope and intercept applied."""
    try:
        import nibabel
    except ImportError as error:
        raise InputError(
            "reading a NIfTI file needs nibabel, which is not installed",
            remedy='pip install "cephsure[studies]"',
        ) from error
    # What a damaged or truncated file makes nibabel and gzip raise.
    damage = (OSError, EOFError, ValueError, TypeError, zlib.error, nibabel.spatialimages.HeaderDataError)
    try:
        image: Any = nibabel.load(path)
    except (nibabel.filebasedimages.ImageFileError, *damage) as error:
        raise InputError(f"not a readable NIfTI file: {error}", where=path) from error
    if not isinstance(image, nibabel.Nifti1Pair):
        raise InputError(f"a {type(image).__name__}, not a NIfTI file", where=path)
    shape = tuple(n for axis, n in enumerate(image.shape) if axis < 3 or n != 1)
    if len(shape) != 3:
        raise InputError(f"holds {image.shape} voxels, not one three-dimensional volume", where=path)
    _check_size(f"{shape} voxels", math.prod(shape), path)
    directions, spacing = _nifti_axes(image.affine, path)
    check_upright(directions, where=path)
    try:
        voxels: NDArray[np.float32] = np.asarray(image.get_fdata(dtype=np.float32, caching="unchanged"))
    except damage as error:
        raise InputError(f"its voxels cannot be read: {error}", where=path) from error
    if not np.isfinite(voxels).all():
        raise InputError(
            "holds values that are not numbers",
            where=path,
            remedy="if these are voxels outside the scan, store them as air (-1000 HU)",
        )
    return upright_volume(voxels.reshape(shape), directions, spacing, where=path)


def _nifti_axes(affine: NDArray[np.float64], path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Each axis' direction (left, back, up) and spacing; NIfTI's own run to the right, the front and up."""
    steps = (affine[:3, :3] * np.array([[-1.0], [-1.0], [1.0]])).T
    spacing = np.sqrt((steps**2).sum(axis=1))
    if not np.isfinite(affine).all() or spacing.min() < 1e-6:
        raise InputError("its orientation matrix is not usable", where=path)
    return steps / spacing[:, np.newaxis], spacing


def _check_size(what: str, voxels: int, where: Path) -> None:
    if voxels > MAX_VOXELS:
        raise InputError(f"{what} are more than the {MAX_VOXELS} that are read", where=where)


@dataclass(frozen=True, slots=True)
class _Slice:
    """What a DICOM slice's header says."""

    path: Path
    series: tuple[str, str]  # its UID, and what it is called
    size: tuple[int, int]  # rows and columns
    spacing_mm: tuple[float, float]  # between rows and between columns
    along_row: NDArray[np.float64]  # unit vector (left, back, up) along which the column number grows
    along_column: NDArray[np.float64]  # the same for the row number
    position_mm: NDArray[np.float64]  # of its first pixel's centre

    @property
    def normal(self) -> NDArray[np.float64]:
        """Unit vector square to the slice."""
        return np.cross(self.along_row, self.along_column)


def _read_dicom_series(folder: Path) -> Volume:
    """The slices of a CT series, each one's rescale slope and intercept applied.

    Slices are put in order by their position along the slices' normal; names and instance numbers do not
    count. Files that are no DICOM, objects that are no CT, and folders in the folder are left out.
    """
    slices = _headers(folder)
    if not slices:
        raise InputError("holds no CT slice of DICOM format", where=folder)
    _check_alike(slices, folder)
    first = slices[0]
    directions = np.array([first.normal, first.along_column, first.along_row])
    check_upright(directions, where=folder)
    slices, step_mm = _in_order(slices, folder)
    rows, columns = first.size
    what = f"{len(slices)} slices of {rows} x {columns} voxels"
    _check_size(what, len(slices) * rows * columns, folder)
    values = np.empty((len(slices), rows, columns), dtype=np.float32)
    for place, ct_slice in enumerate(slices):
        values[place] = _hounsfield(ct_slice)
    return upright_volume(values, directions, (step_mm, *first.spacing_mm), where=folder)


def _headers(folder: Path) -> list[_Slice]:
    """The headers of all CT slices in the folder."""
    paths = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    if len(paths) > _MAX_DICOM_FILES:
        raise InputError(
            f"holds {len(paths)} files, more than the {_MAX_DICOM_FILES} that are read", where=folder
        )
    found = []
    for path in paths:
        if path.stat().st_size > _MAX_DICOM_BYTES:
            continue
        with captured_warnings():
            try:
                dataset = pydicom.dcmread(path, stop_before_pixels=True)
            except InvalidDicomError:
                continue
            except Exception as error:  # pydicom raises all kinds of errors for damaged files
                raise InputError(f"not a readable DICOM file: {error}", where=path) from error
            if dataset.get("Modality") == "CT":
                found.append(_header(dataset, path))
    return found


def _header(dataset: Dataset, path: Path) -> _Slice:
    """The geometry that a slice states, checked."""
    if int(dataset.get("NumberOfFrames") or 1) > 1:
        raise InputError(
            "an enhanced CT with all slices in one file is not read",
            where=path,
            remedy="convert it to single slices or to NIfTI",
        )
    axes = _numbers(dataset, "ImageOrientationPatient", 6, path).reshape(2, 3)
    row_mm, column_mm = _numbers(dataset, "PixelSpacing", 2, path)
    lengths = np.linalg.norm(axes, axis=1)
    if np.abs(lengths - 1).max() > 0.01 or abs(axes[0] @ axes[1]) > 0.01 or min(row_mm, column_mm) <= 0:
        raise InputError("its orientation or pixel spacing is not usable", where=path)
    uid, *words = (
        str(dataset.get(key) or "") for key in ("SeriesInstanceUID", "SeriesNumber", "SeriesDescription")
    )
    return _Slice(
        path=path,
        series=(uid, printable(" ".join(filter(None, words))) or "without a name"),
        size=(int(dataset.get("Rows") or 0), int(dataset.get("Columns") or 0)),
        spacing_mm=(float(row_mm), float(column_mm)),
        along_row=axes[0] / lengths[0],
        along_column=axes[1] / lengths[1],
        position_mm=_numbers(dataset, "ImagePositionPatient", 3, path),
    )


def _numbers(dataset: Dataset, key: str, count: int, path: Path) -> NDArray[np.float64]:
    """The ``count`` finite numbers of an element."""
    try:
        value: Any = dataset.get(key)
        listed = list(value) if isinstance(value, MultiValue) else [value]
        found = np.array([float(number) for number in listed], dtype=np.float64)
    except (TypeError, ValueError):
        found = np.array([])
    if len(found) != count or not np.isfinite(found).all():
        raise InputError(f"a CT slice without a usable {key}", where=path)
    return found


def _check_alike(slices: Sequence[_Slice], folder: Path) -> None:
    """All slices are of one series, and have the size, spacing and orientation of the first."""
    counts = Counter(ct_slice.series for ct_slice in slices)
    if len({uid for uid, _ in counts}) > 1:
        listed = "; ".join(f"{title} ({count} slices)" for (_, title), count in sorted(counts.items())[:6])
        raise InputError(
            f"holds several series: {listed}",
            where=folder,
            remedy="put the slices of one series in a folder of their own",
        )
    first = slices[0]
    for other in slices[1:]:
        turned = np.abs([other.along_row - first.along_row, other.along_column - first.along_column]).max()
        alike = {
            "size": other.size == first.size,
            "pixel spacing": np.allclose(other.spacing_mm, first.spacing_mm, rtol=1e-3),
            "orientation": turned <= _SAME_DIRECTION,
        }
        if not all(alike.values()):
            what = next(what for what, holds in alike.items() if not holds)
            names = f"{first.path.name} and {other.path.name}"
            raise InputError(f"its slices differ in {what} ({names})", where=folder)


def _in_order(slices: Sequence[_Slice], folder: Path) -> tuple[list[_Slice], float]:
    """The slices along their normal, and the distance from one to the next, in mm."""
    normal = slices[0].normal
    ordered = sorted(slices, key=lambda ct_slice: float(ct_slice.position_mm @ normal))
    if len(ordered) < 2:
        raise InputError("holds a single slice", where=folder)
    positions = np.array([ct_slice.position_mm for ct_slice in ordered])
    heights = positions @ normal
    steps = np.diff(heights)
    step = np.median(steps)
    for place, found in enumerate(steps):
        names = f"{ordered[place].path.name} and {ordered[place + 1].path.name}"
        if found < _SAME_MM:
            raise InputError(f"two slices lie at the same place ({names})", where=folder)
        if abs(found - step) > max(_SAME_MM, _UNEVEN * step):
            lacking = round(found / step) - 1
            what = f"{lacking} missing" if lacking > 0 else "unevenly spaced"
            raise InputError(
                f"its slices are not complete: {found:.2f} mm between {names}, "
                f"elsewhere {step:.2f} mm ({what})",
                where=folder,
            )
    aside = np.abs(positions - positions[0] - np.outer(heights - heights[0], normal)).max()
    if aside > max(1.0, *ordered[0].spacing_mm):
        raise InputError(
            f"its slices are shifted against each other by up to {aside:.1f} mm: "
            "scanned with a tilted gantry",
            where=folder,
            remedy="resample it to an upright grid first",
        )
    return ordered, float((heights[-1] - heights[0]) / (len(ordered) - 1))


def _hounsfield(ct_slice: _Slice) -> NDArray[np.float32]:
    """A slice's pixels in Hounsfield units."""
    path = ct_slice.path
    try:
        with captured_warnings(), captured_stderr():
            dataset = pydicom.dcmread(path)
            stored = dataset.pixel_array
    except Exception as error:
        raise InputError(
            f"its pixels cannot be read: {printable(str(error))[:200]}",
            where=path,
            remedy="if they are compressed: pip install 'cephsure[dicom]'",
        ) from error
    if stored.shape != ct_slice.size:
        raise InputError(f"its pixels are {stored.shape}, its header says {ct_slice.size}", where=path)
    (slope,) = _numbers(dataset, "RescaleSlope", 1, path)
    (intercept,) = _numbers(dataset, "RescaleIntercept", 1, path)
    units: NDArray[np.float32] = (stored * np.float64(slope) + intercept).astype(np.float32)
    return units


def _read_inv3(path: Path) -> Volume:
    """The head CT of a project of InVesalius (``.inv3``), such as Debian's ``Cranium.inv3``.

    A tar file, gzipped or not, with ``main.plist`` and the voxels in a raw file that it names. Nothing is
    unpacked to the disk, and no other member is looked at.
    """
    main = _main_plist(path)
    stated = main.get("matrix")
    matrix = stated if isinstance(stated, dict) else {}
    shape, name = _three(matrix.get("shape"), int), matrix.get("filename")
    if matrix.get("dtype") != "int16" or not shape or min(shape) < 2:
        raise InputError("its main.plist does not describe voxels of type int16", where=path)
    if not isinstance(name, str) or PurePosixPath(name).name != name:
        raise InputError("its main.plist names no file of voxels", where=path)
    n_voxels = math.prod(shape)
    _check_size(f"{tuple(shape)} voxels", n_voxels, path)
    spacing = _three(main.get("spacing"), (int, float))
    if not spacing or not all(0 < step < 100 for step in spacing):
        raise InputError("its main.plist states no usable voxel spacing", where=path)
    content = _member(path, name, max_bytes=MAX_VOXELS * _INV3_VOXEL.itemsize)
    if content is None:
        raise InputError(f"holds no {name}, which its main.plist names", where=path)
    if len(content) != n_voxels * _INV3_VOXEL.itemsize:
        what = f"{len(content)} bytes, not {tuple(shape)} voxels of 16 bits"
        raise InputError(f"{name} has {what}", where=path)
    values: NDArray[np.float32] = np.frombuffer(content, _INV3_VOXEL).reshape(shape).astype(np.float32)
    return upright_volume(values, _INV3_DIRECTIONS, spacing[::-1], where=path)


def _main_plist(path: Path) -> dict[str, Any]:
    """The project's own description, its kind checked."""
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
    if main.get("orientation") != 1:  # axial
        raise InputError("its slices are not axial", where=path, remedy="export the CT as NIfTI, give that")
    return main


def _member(path: Path, name: str, *, max_bytes: int) -> bytes | None:
    """Content of the first member whose last name is ``name``; None where there is none."""
    total = 0
    try:
        # As a stream: members are met one by one, and what is too much is noticed before it is read.
        with path.open("rb") as file, tarfile.open(fileobj=file, mode="r|*") as archive:
            for count, member in enumerate(archive):
                total += member.size
                if count >= _MAX_MEMBERS or total > _MAX_INV3_BYTES:
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
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise InputError(f"not a readable InVesalius project: {error}", where=path) from error
    return None


def _three(value: Any, kinds: type | tuple[type, ...]) -> list[Any]:
    """The list, if it holds three numbers of the given kinds (truth values are none); else an empty one."""
    if not isinstance(value, list) or len(value) != 3:
        return []
    return (
        value if all(isinstance(number, kinds) and not isinstance(number, bool) for number in value) else []
    )

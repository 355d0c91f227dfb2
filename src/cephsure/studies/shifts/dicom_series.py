"""Head CTs from a folder with the slices of one DICOM series, through pydicom."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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

_MAX_FILES = 10_000
_MAX_FILE_BYTES = 256 << 20
# Positions are written with a few decimals only: what differs by less is the same.
_SAME_MM = 0.02
_SAME_DIRECTION = 1e-3
_UNEVEN = 0.05
_INSTALL = "pip install 'cephsure[dicom]'"


@dataclass(frozen=True, slots=True)
class _Slice:
    """What a slice's header says."""

    path: Path
    series: str  # its UID
    title: str  # of the series, in words
    size: tuple[int, int]  # rows and columns
    spacing_mm: tuple[float, float]  # between rows and between columns
    along_row: NDArray[np.float64]  # unit vector (left, back, up) along which the column number grows
    along_column: NDArray[np.float64]  # the same for the row number
    position_mm: NDArray[np.float64]  # of its first pixel's centre

    @property
    def normal(self) -> NDArray[np.float64]:
        """Unit vector square to the slice."""
        return np.cross(self.along_row, self.along_column)


def read_dicom_series(folder: Path) -> Volume:
    """Read the slices of a CT series and turn its axes to left, back, up.

    Slices are put in order by their position along the slices' normal; names and instance numbers do not
    count. Files that are no DICOM, and objects that are no CT, are left out.

    Args:
        folder: with the series' files; folders in it are not looked into.

    Returns:
        The volume in Hounsfield units (each slice's rescale slope and intercept applied).

    Raises:
        InputError: no CT or several series in the folder, slices that differ, are missing, doubled, unevenly
            spaced, sheared against each other (a tilted gantry) or oblique, a compressed slice without its
            decoder, a damaged file, or too many voxels.
    """
    slices = _one_series(_headers(folder), folder)
    first = slices[0]
    _check_alike(slices, folder)
    directions = np.array([first.normal, first.along_column, first.along_row])
    check_upright(directions, where=folder)
    slices, step_mm = _in_order(slices, folder)
    rows, columns = first.size
    if len(slices) * rows * columns > MAX_VOXELS:
        raise InputError(
            f"{len(slices)} slices of {rows} x {columns} are more than the {MAX_VOXELS} voxels that are read",
            where=folder,
        )
    values = np.empty((len(slices), rows, columns), dtype=np.float32)
    for place, ct_slice in enumerate(slices):
        values[place] = _hounsfield(ct_slice)
    return upright_volume(values, directions, (step_mm, *first.spacing_mm), where=folder)


def _headers(folder: Path) -> list[_Slice]:
    """The headers of all CT slices in the folder."""
    paths = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    if len(paths) > _MAX_FILES:
        raise InputError(f"holds {len(paths)} files, more than the {_MAX_FILES} that are read", where=folder)
    found = []
    for path in paths:
        if path.stat().st_size > _MAX_FILE_BYTES:
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
    orientation = _numbers(dataset, "ImageOrientationPatient", 6, path)
    row_mm, column_mm = _numbers(dataset, "PixelSpacing", 2, path)
    rows, columns = (int(dataset.get(key) or 0) for key in ("Rows", "Columns"))
    along_row, along_column = orientation[:3], orientation[3:]
    lengths = np.array([np.linalg.norm(along_row), np.linalg.norm(along_column)])
    if (
        np.abs(lengths - 1).max() > 0.01
        or abs(along_row @ along_column) > 0.01
        or min(row_mm, column_mm) <= 0
    ):
        raise InputError("its orientation or pixel spacing is not usable", where=path)
    words = [str(dataset.get(key) or "") for key in ("SeriesNumber", "SeriesDescription")]
    return _Slice(
        path=path,
        series=str(dataset.get("SeriesInstanceUID") or ""),
        title=printable(" ".join(word for word in words if word)) or "without a name",
        size=(rows, columns),
        spacing_mm=(float(row_mm), float(column_mm)),
        along_row=along_row / lengths[0],
        along_column=along_column / lengths[1],
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


def _one_series(slices: Sequence[_Slice], folder: Path) -> list[_Slice]:
    """Refuse a folder with no series, or more than one."""
    if not slices:
        raise InputError("holds no CT slice of DICOM format", where=folder)
    counts = Counter((ct_slice.series, ct_slice.title) for ct_slice in slices)
    if len({series for series, _ in counts}) > 1:
        listed = "; ".join(f"{title} ({count} slices)" for (_, title), count in sorted(counts.items())[:6])
        raise InputError(
            f"holds several series: {listed}",
            where=folder,
            remedy="put the slices of one series in a folder of their own",
        )
    return list(slices)


def _check_alike(slices: Sequence[_Slice], folder: Path) -> None:
    """All slices have the size, spacing and orientation of the first."""
    first = slices[0]
    axes = np.array([first.along_row, first.along_column])
    for other in slices[1:]:
        turned = np.abs(np.array([other.along_row, other.along_column]) - axes).max()
        checks = {
            "size": other.size == first.size,
            "pixel spacing": np.allclose(other.spacing_mm, first.spacing_mm, rtol=1e-3),
            "orientation": turned <= _SAME_DIRECTION,
        }
        for what, alike in checks.items():
            if not alike:
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
    step = float(np.median(steps))
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
    aside = positions - positions[0] - np.outer(heights - heights[0], normal)
    if np.abs(aside).max() > max(1.0, *ordered[0].spacing_mm):
        raise InputError(
            f"its slices are shifted against each other by up to {np.abs(aside).max():.1f} mm: "
            "scanned with a tilted gantry",
            where=folder,
            remedy="resample it to an upright grid first",
        )
    return ordered, float((heights[-1] - heights[0]) / (len(ordered) - 1))


def _hounsfield(ct_slice: _Slice) -> NDArray[np.float32]:
    """A slice's pixels in Hounsfield units."""
    try:
        with captured_warnings(), captured_stderr():
            dataset = pydicom.dcmread(ct_slice.path)
            stored = dataset.pixel_array
    except Exception as error:
        raise InputError(
            f"its pixels cannot be read: {printable(str(error))[:200]}",
            where=ct_slice.path,
            remedy=f"if they are compressed: {_INSTALL}",
        ) from error
    if stored.shape != ct_slice.size:
        raise InputError(
            f"its pixels are {stored.shape}, its header says {ct_slice.size}", where=ct_slice.path
        )
    (slope,) = _numbers(dataset, "RescaleSlope", 1, ct_slice.path)
    (intercept,) = _numbers(dataset, "RescaleIntercept", 1, ct_slice.path)
    units: NDArray[np.float32] = (stored * np.float64(slope) + intercept).astype(np.float32)
    return units

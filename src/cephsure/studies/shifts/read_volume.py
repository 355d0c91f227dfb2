"""Reading a head CT, whatever it is stored as."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cephsure.errors import InputError
from cephsure.studies.shifts.dicom_series import read_dicom_series
from cephsure.studies.shifts.invesalius import read_inv3
from cephsure.studies.shifts.nifti import read_nifti

if TYPE_CHECKING:
    from pathlib import Path

    from cephsure.studies.shifts.volume import Volume

_NIFTI = (".nii", ".nii.gz")
_FORMS = "a NIfTI file (.nii, .nii.gz), a folder of one DICOM series, or an InVesalius project (.inv3)"


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

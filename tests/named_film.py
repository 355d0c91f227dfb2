"""A small DICOM film called after its patient."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pydicom
from pydicom import uid
from pydicom.dataset import Dataset, FileMetaDataset

if TYPE_CHECKING:
    from pathlib import Path


def write_named_film(folder: Path) -> Path:
    """Write it, 80 x 96 px with 8 bits, into a folder; the file's name holds the patient's too."""
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    made.SOPClassUID, made.SOPInstanceUID = uid.ComputedRadiographyImageStorage, "1.2.3.4"
    made.PatientName, made.Modality = "SCHMIDT^Anna", "CR"
    made.Rows, made.Columns, made.SamplesPerPixel = 96, 80, 1
    made.PhotometricInterpretation = "MONOCHROME2"
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 8, 8, 7, 0
    made.PixelData = np.add.outer(np.arange(96), np.arange(80)).astype(np.uint8).tobytes()
    path = folder / "schmidt_anna.dcm"
    pydicom.dcmwrite(path, made, enforce_file_format=True)
    return path

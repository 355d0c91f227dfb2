"""What all objects of ours have in common: patient, study, series, equipment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import PYDICOM_IMPLEMENTATION_UID, UID, ExplicitVRLittleEndian

from cephsure import __version__
from cephsure.dicom.source import derived_uid

if TYPE_CHECKING:
    from datetime import datetime

    from cephsure.dicom.source import SourceObject

MANUFACTURER = "cephsure"
RESEARCH_ONLY = "Research use only"
SERIES_NUMBERS = {"SR": 9901, "PR": 9902, "OT": 9903}
"""Of our series in the film's study: far from those of machines."""


def own_object(
    source: SourceObject, *, sop_class: str, modality: str, content: str, title: str, made_at: datetime
) -> Dataset:
    """An object of ours in the film's study, without what it is about.

    Args:
        source: the film's object.
        sop_class: the object's.
        modality: a key of ``SERIES_NUMBERS``.
        content: a digest of what it is about, which decides its UID.
        title: the series' description.
        made_at: its date.
    """
    written = Dataset()
    for keyword in source.carried:
        written[keyword] = source.header[keyword]
    for keyword in source.empty:
        written[keyword] = source.header[keyword]
    written.SOPClassUID = sop_class
    written.SOPInstanceUID = derived_uid(source.sop_instance_uid, modality, content)
    written.Modality = modality
    written.SeriesInstanceUID = series_uid(source, modality)
    written.SeriesNumber, written.InstanceNumber = SERIES_NUMBERS[modality], 1
    written.SeriesDescription = f"{title}. {RESEARCH_ONLY}"
    written.BodyPartExamined = "SKULL"  # not one of two: it has no laterality
    written.Manufacturer = written.ManufacturerModelName = MANUFACTURER
    written.SoftwareVersions = __version__
    local = made_at.astimezone(source.time_zone)
    written.InstanceCreationDate, written.InstanceCreationTime = f"{local:%Y%m%d}", f"{local:%H%M%S}"
    written.file_meta = FileMetaDataset()
    written.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    written.file_meta.MediaStorageSOPClassUID = UID(sop_class)
    written.file_meta.MediaStorageSOPInstanceUID = written.SOPInstanceUID
    written.file_meta.ImplementationClassUID = PYDICOM_IMPLEMENTATION_UID
    return written


def series_uid(source: SourceObject, modality: str) -> UID:
    """The series that all objects of ours of a modality in a study are in."""
    return derived_uid(source.header.StudyInstanceUID, "series", modality)

"""A picture of a film with what was found on it, as a secondary capture in the film's study."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pydicom.uid import SecondaryCaptureImageStorage

from cephsure.dicom.discretion import discreetly
from cephsure.dicom.instances import own_object

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pydicom.dataset import Dataset

    from cephsure.dicom.source import SourceObject


def make_sc(picture: NDArray[np.uint8], source: SourceObject, *, made_at: datetime | None = None) -> Dataset:
    """Make a secondary capture of an RGB picture (H, W, 3), as `cephsure.reports.overlay` draws it.

    Patient and study are the film's; the picture is derived from the film and states no scale, since a legend
    stands beside the film on it. The same picture gives the same UID.
    """
    with discreetly():
        return _make_sc(picture, source, made_at or datetime.now(UTC))


def _make_sc(picture: NDArray[np.uint8], source: SourceObject, made_at: datetime) -> Dataset:
    pixels = picture.tobytes()
    written = own_object(
        source,
        sop_class=SecondaryCaptureImageStorage,
        modality="OT",
        content=hashlib.sha256(pixels).hexdigest(),
        title="Cephalometric landmarks, overlay",
        made_at=made_at,
    )
    written.ConversionType = "WSD"  # made by a workstation
    written.ImageType = ["DERIVED", "SECONDARY"]
    written.DerivationDescription = "Landmarks drawn on the film. Not a medical device. Research use only."
    written.BurnedInAnnotation = "NO"  # none that could identify a patient
    written.PatientOrientation = None
    written.Rows, written.Columns = picture.shape[:2]
    written.SamplesPerPixel, written.PhotometricInterpretation = 3, "RGB"
    written.PlanarConfiguration, written.PixelRepresentation = 0, 0
    written.BitsAllocated, written.BitsStored, written.HighBit = 8, 8, 7
    written.ContentDate, written.ContentTime = written.InstanceCreationDate, written.InstanceCreationTime
    written.PixelData = pixels + b"\0" * (len(pixels) % 2)
    source.set_characters(written)
    return written

"""A DICOM file that is full of identifiers: each attribute there is holds a marker text of its own."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING, Any

from pydicom import dcmwrite, uid
from pydicom.datadict import DicomDictionary, RepeatersDictionary
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

UIDS = {name: f"1.2.826.0.1.{number}" for number, name in enumerate(("SOP", "study", "series", "frame"), 91)}
_BINARY = {"US": "H", "SS": "h", "UL": "L", "SL": "l", "FL": "f", "FD": "d", "UV": "Q", "SV": "q"}
_BYTES = frozenset({"OB", "OW", "OF", "OD", "OL", "OV", "UN"})
# What describes the pixels, and what would turn the file into another kind of object.
_PICTURE = frozenset(
    {
        0x00080016,
        0x00080018,
        0x0020000D,
        0x0020000E,
        0x00200052,
        0x00280008,
        0x7FE00008,
        0x7FE00009,
        0x7FE00010,
    }
    | {
        0x00280002,
        0x00280004,
        0x00280006,
        0x00280010,
        0x00280011,
        0x00280100,
        0x00280101,
        0x00280102,
        0x00280103,
    }
)


class Markers:
    """Numbered marker texts, of eight letters, and all that were given out."""

    def __init__(self) -> None:
        self.given: list[bytes] = []

    def text(self) -> str:
        self.given.append(f"QJ{len(self.given):05d}Z".encode())
        return self.given[-1].decode()


def filled(tag: int, vr: str, markers: Markers) -> DataElement | None:
    """An element with a marker in it, whatever its value representation."""
    tag = Tag(tag)
    if vr == "SQ":
        item = Dataset()
        item.add(DataElement(0x00100010, "PN", markers.text(), validation_mode=0))
        deeper = Dataset()
        deeper.add(DataElement(0x00081048, "PN", markers.text(), validation_mode=0))
        item.add(DataElement(0x00081110, "SQ", Sequence([deeper])))
        return DataElement(tag, "SQ", Sequence([item]))
    if vr == "AT":
        low, high = struct.unpack("<HH", markers.text().encode()[:4])
        return DataElement(tag, vr, Tag(low, high))
    if vr in _BINARY:
        content = markers.text().encode()
        values = list(struct.unpack(f"<{8 // struct.calcsize('<' + _BINARY[vr])}{_BINARY[vr]}", content))
        return DataElement(tag, vr, values if len(values) > 1 else values[0], validation_mode=0)
    if vr in _BYTES:
        return DataElement(tag, vr, markers.text().encode())
    if vr in ("DS", "IS", "UI"):  # numbers, as a chart's number is
        markers.given.append(str(77_310_000_000 + len(markers.given)).encode())
        value = markers.given[-1].decode()
        return DataElement(tag, vr, int(value) if vr == "IS" else value, validation_mode=0)
    return DataElement(tag, vr, markers.text(), validation_mode=0)


def every_attribute(markers: Markers) -> list[DataElement]:
    """One of each attribute of the standard's dictionary, of overlays and curves, and private ones."""
    elements = [
        filled(tag, entry[0].split(" or ")[-1], markers)
        for tag, entry in DicomDictionary.items()
        if tag not in _PICTURE
        and tag >> 16 > 2
        and tag >> 16 != 0xFFFE
        and tag & 0xFFFF
        and entry[0] != "NONE"
    ]
    for mask, entry in RepeatersDictionary.items():
        if mask.startswith(("60", "50")):
            tag = int(mask.replace("xx", "00").replace("x", "0"), 16)
            elements.append(filled(tag, entry[0].split(" or ")[-1], markers))
    elements.append(DataElement(0x00290010, "LO", markers.text()))
    for number, vr in enumerate(("LO", "PN", "UN", "OB", "SQ", "LT", "DS", "UT")):
        elements.append(filled(0x00291000 + number, vr, markers))
    return [element for element in elements if element is not None]


def marked_file(values: NDArray[np.uint16], markers: Markers, **attributes: Any) -> bytes:
    """A computed radiograph of 12 bits of which everything besides the picture is a marker."""
    dataset = Dataset()
    for element in every_attribute(markers):
        dataset.add(element)
    markers.given.extend(text.encode() for text in UIDS.values())
    dataset.SOPClassUID = uid.ComputedRadiographyImageStorage
    dataset.SOPInstanceUID, dataset.StudyInstanceUID = UIDS["SOP"], UIDS["study"]
    dataset.SeriesInstanceUID, dataset.FrameOfReferenceUID = UIDS["series"], UIDS["frame"]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = values.shape
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.PixelRepresentation = 0
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    dataset.SpecificCharacterSet = "ISO_IR 100"
    # Behind the last pixel there is room for a word, and in the bits above the stored ones for an overlay.
    dataset.PixelData = (values | 0x5000).astype("<u2").tobytes() + markers.text().encode()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    dataset.file_meta.ImplementationVersionName = markers.text()
    dataset.file_meta.SourceApplicationEntityTitle = markers.text()
    dataset.file_meta.PrivateInformationCreatorUID = "1.2.826.0.1.99"
    dataset.file_meta.PrivateInformation = markers.text().encode()
    markers.given.append(b"1.2.826.0.1.99")
    dataset.preamble = markers.text().encode() * 16
    written = io.BytesIO()
    dcmwrite(written, dataset, enforce_file_format=True)
    return written.getvalue() + markers.text().encode()

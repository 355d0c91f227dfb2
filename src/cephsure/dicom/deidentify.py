"""De-identifies films: what is on the allow-list is kept, identifiers are exchanged, everything else goes.

After PS3.15, annex E: Basic Application Level Confidentiality Profile, with dates removed and without any
option that retains something. Compressed pixels are written uncompressed: a compressed stream has room for
comments. Text in the picture itself stays; at its edges letters are looked for, to warn of them.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
from pydicom import uid
from pydicom.dataset import Dataset, FileMetaDataset

from cephsure import films
from cephsure.dicom.allowed import kept
from cephsure.dicom.burnt_in_text import where_letters_seem
from cephsure.errors import FilmError
from cephsure.films.dicom_file import read_dataset_of, transfer_syntax
from cephsure.films.dicom_header import pixel_layout
from cephsure.films.dicom_pixels import decode_pixels
from cephsure.films.film import ReadLimits
from cephsure.films.recognition import FilmKind, recognise
from cephsure.films.third_party import captured_warnings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.films import Film
    from cephsure.films.dicom_header import PixelLayout

METHOD = "cephsure: allow-list of attributes, PS3.15 E, dates removed, pixels not looked at"
_EMPTY = (
    "AccessionNumber",
    "Manufacturer",
    "PatientBirthDate",
    "PatientOrientation",
    "PatientSex",
    "ReferringPhysicianName",
    "SeriesNumber",
    "StudyDate",
    "StudyID",
    "StudyTime",
)
"""Attributes that an image must have, with or without a value (type 2)."""
_AS_IN_SOURCE = (
    "AcquisitionContextSequence",
    "BodyPartExamined",
    "Laterality",
    "ViewPosition",
)
"""Likewise, but only of some kinds of image: they are there if they were."""
_DEFAULTS = {"ImageType": ["DERIVED", "SECONDARY"], "Modality": "OT"}
LEAST_KEY_BYTES = 16


@dataclass(frozen=True, slots=True)
class Deidentified:
    """A film without identifiers.

    Attributes:
        content: of the file.
        name: of the file: a digest under the key; the same film has the same name under the same key.
        warning: why a person must look at the picture; None where its header says that no text is in it, and
            no letters seem to stand at its edges.
    """

    content: bytes
    name: str
    warning: str | None = None


def deidentify(content: bytes, key: bytes) -> Deidentified:
    """De-identify a DICOM film.

    The pixels and the scale that are read of the result are those of the film; this is checked each time.

    Args:
        content: of the film's file.
        key: under which identifiers are exchanged, 16 bytes or more: the same key, the same new ones, so that
            films of a patient or study stay together. Who has the key can tell what an old one became.

    Raises:
        FilmError: it is no DICOM film, cannot be read, or would not be read as before.
    """
    if len(key) < LEAST_KEY_BYTES:
        raise ValueError(f"a key has {LEAST_KEY_BYTES} bytes or more")
    if recognise(content) != FilmKind.DICOM:
        raise FilmError(
            "is no DICOM film",
            remedy="save other pictures anew as PNG, without their metadata, and rename them",
        )
    limits = ReadLimits()
    with captured_warnings():
        source, _ = read_dataset_of(content, limits)
        if "PixelData" not in source:
            raise FilmError("the DICOM file holds no pixel data")
        layout = pixel_layout(source)
        limits.check_size(layout.columns, layout.rows)
        syntax = transfer_syntax(source)
        made = kept(source)
    values, _ = decode_pixels(source, layout, syntax, limits)
    _put_pixels(made, values, layout)
    _put_identity(made, source, key)
    written = _written(made)
    before, after = films.read(content), films.read(written)
    if not _is_same(before, after):
        raise FilmError(
            "would not be read as before without its identifiers", remedy="report this film's kind"
        )
    name = _digest(key, "file", hashlib.sha256(content).hexdigest())[:24]
    return Deidentified(written, f"{name}.dcm", _warning(source, before))


def new_uid(key: bytes, old: str) -> uid.UID:
    """The identifier that takes an old one's place under a key (PS3.5 B.2)."""
    return uid.UID(f"2.25.{uuid.UUID(hex=_digest(key, 'uid', old)[:32], version=4).int}")


def _digest(key: bytes, kind: str, text: str) -> str:
    return hmac.new(key, f"{kind}\0{text}".encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()


def _put_pixels(made: Dataset, values: NDArray[Any], layout: PixelLayout) -> None:
    """Write the pixels uncompressed, with the bits that count and no others."""
    bits = layout.bits_stored
    if values.dtype.kind == "u" and values.size:
        bits = max(bits, int(values.max()).bit_length())
    elif layout.is_signed != (values.dtype.kind == "i"):
        bits = 8 * values.dtype.itemsize
    made.Rows, made.Columns, made.SamplesPerPixel = layout.rows, layout.columns, layout.samples
    made.BitsAllocated = 8 * values.dtype.itemsize
    made.BitsStored = min(bits, made.BitsAllocated)
    made.HighBit = made.BitsStored - 1
    made.PixelRepresentation = int(values.dtype.kind == "i")
    made.PhotometricInterpretation = layout.photometric if layout.samples == 1 else "RGB"
    if layout.samples > 1:
        made.PlanarConfiguration = 0
    plain = np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<")).tobytes()
    made.PixelData = plain + bytes(len(plain) % 2)
    made["PixelData"].VR = "OB" if made.BitsAllocated == 8 else "OW"


def _put_identity(made: Dataset, source: Dataset, key: bytes) -> None:
    """Exchange identifiers, empty what must be there, and say what was done."""
    sop_class = uid.UID(str(source.get("SOPClassUID") or uid.SecondaryCaptureImageStorage))
    if sop_class.name == sop_class:  # none that the standard knows
        sop_class = uid.SecondaryCaptureImageStorage
    made.SOPClassUID = sop_class
    for keyword in ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID"):
        if keyword in source or keyword != "FrameOfReferenceUID":
            setattr(made, keyword, new_uid(key, f"{keyword} {source.get(keyword) or hash_of(source)}"))
    patient = "\\".join(
        str(source.get(keyword, "")) for keyword in ("PatientID", "IssuerOfPatientID", "PatientName")
    )
    made.PatientID = _digest(key, "patient", patient)[:16]
    made.PatientName = f"{made.PatientID}^"
    for keyword in (*_EMPTY, *(keyword for keyword in _AS_IN_SOURCE if keyword in source)):
        if keyword not in made:
            setattr(made, keyword, None)
    for keyword, value in _DEFAULTS.items():
        if keyword not in made:
            setattr(made, keyword, value)
    made.InstanceNumber = "1"
    made.PatientIdentityRemoved = "YES"
    made.LongitudinalTemporalInformationModified = "REMOVED"
    made.DeidentificationMethod = METHOD[:64]
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator = "113100", "DCM"
    code.CodeMeaning = "Basic Application Confidentiality Profile"
    made.DeidentificationMethodCodeSequence = [code]


def hash_of(source: Dataset) -> str:
    """What stands for an identifier that a film does not have: a digest of its pixels."""
    return hashlib.sha256(source.PixelData).hexdigest()


def _written(made: Dataset) -> bytes:
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    stream = io.BytesIO()
    pydicom.dcmwrite(stream, made, enforce_file_format=True)
    return stream.getvalue()


def _is_same(before: Film, after: Film) -> bool:
    """Whether two films have the same pixels and the same scale."""
    return before.spacing == after.spacing and np.array_equal(before.pixels, after.pixels)


def _warning(source: Dataset, film: Film) -> str | None:
    stated = str(source.get("BurnedInAnnotation", "")).strip()
    if stated != "YES" and where_letters_seem(film.pixels):
        return "letters seem to stand at the edge of the picture"
    if stated == "NO":
        return None
    return (
        "text stands in the picture"
        if stated == "YES"
        else "whether text stands in the picture is not stated"
    )

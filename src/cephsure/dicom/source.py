"""What an object of ours takes over from the film's DICOM object: patient, study, references, characters.

A film that is no DICOM object gets an empty patient and UIDs that its content decides. Values are never put
into errors, logs or names of files.
"""

from __future__ import annotations

import re
import uuid
import warnings
from dataclasses import dataclass
from datetime import timedelta, timezone
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pydicom import config, uid
from pydicom.charset import convert_encodings, encode_string
from pydicom.dataset import Dataset
from pydicom.uid import UID
from pydicom.valuerep import PersonName, validate_value

from cephsure.dicom.discretion import discreetly
from cephsure.errors import FilmError, InputError
from cephsure.films.dicom_file import read_dataset_of
from cephsure.films.film import DEFAULT_LIMITS
from cephsure.films.recognition import FilmKind, recognise

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydicom.dataelem import DataElement

UNICODE = "ISO_IR 192"
_NAMES = uuid.UUID("b3f0a9d2-5b1e-5c7a-9a53-2f1d7c8e4a60")
"""The name space of our UIDs: it never changes, so that the same names make the same UID."""

_PATIENT = (
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "PatientSex",
    "PatientIdentityRemoved",
    "DeidentificationMethod",
    "DeidentificationMethodCodeSequence",
    "LongitudinalTemporalInformationModified",
)
_STUDY = (
    "StudyInstanceUID",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
    "StudyID",
    "AccessionNumber",
    "StudyDescription",
    "PatientAge",
    "PatientSize",
    "PatientWeight",
    "TimezoneOffsetFromUTC",
)
_EMPTY_IF_ABSENT = (*_PATIENT[:2], *_PATIENT[3:5], "StudyDate", "StudyTime", *_STUDY[3:6])
_OF_THE_IMAGE = (
    "SOPClassUID",
    "SOPInstanceUID",
    "SeriesInstanceUID",
    "Rows",
    "Columns",
    "NumberOfFrames",
    "PhotometricInterpretation",
    "RescaleSlope",
    "RescaleIntercept",
    "WindowCenter",
    "WindowWidth",
    "PixelAspectRatio",
    "SamplesPerPixel",
    "RescaleType",
    "VOILUTFunction",
    "VOILUTSequence",
    "InstitutionName",
)


@dataclass(frozen=True)
class SourceObject:
    """The object that a film's positions refer to.

    Attributes:
        header: patient, study and what references need, malformed values left out; no pixels.
        is_dicom: whether there is such an object; else the UIDs were made up.
        notes: what was left out and why, without any value.
    """

    header: Dataset
    is_dicom: bool
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, file: Path | str | bytes, *, sha256: str | None = None) -> Self:
        """What a film's file says; of a file that is no DICOM object, what its content decides.

        Raises:
            InputError: the file cannot be read (FilmError).
        """
        from hashlib import sha256 as digest

        where = None if isinstance(file, bytes) else Path(file)
        try:
            data = file if isinstance(file, bytes) else Path(file).read_bytes()
            kind = recognise(data)
            if kind is not FilmKind.DICOM:
                return cls.made_up(sha256 or digest(data).hexdigest())
            with discreetly():
                dataset, _ = read_dataset_of(data, DEFAULT_LIMITS)
            return cls.of_dataset(dataset)
        except OSError as error:
            raise InputError(error.strerror or "cannot be read", where=where) from error
        except FilmError as error:
            raise FilmError(error.what, where=where, remedy=error.remedy) from error

    @classmethod
    def of_dataset(cls, dataset: Dataset) -> Self:
        """What an image's data set says.

        Raises:
            FilmError: it lacks the UIDs by which others refer to it.
        """
        header, notes = Dataset(), list[str]()
        with discreetly():
            for keyword in (*_PATIENT, *_STUDY, *_OF_THE_IMAGE):
                value = _value_of(dataset, keyword, notes)
                if value is not None:
                    setattr(header, keyword, value)
        for keyword in ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"):
            if not header.get(keyword):
                raise FilmError(f"the DICOM header has no valid {keyword}, by which others refer to the film")
        _fill(header)
        header.SpecificCharacterSet = dataset.get("SpecificCharacterSet") or ""
        return cls(header, is_dicom=True, notes=tuple(notes))

    @classmethod
    def made_up(cls, sha256: str) -> Self:
        """Of a film whose file is no DICOM object: UIDs by its content, nothing known of the patient."""
        header = Dataset()
        header.SOPClassUID = uid.SecondaryCaptureImageStorage
        for keyword in ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID"):
            setattr(header, keyword, derived_uid(sha256, keyword))
        _fill(header)
        header.SpecificCharacterSet = UNICODE
        return cls(header, is_dicom=False)

    @property
    def sop_class_uid(self) -> UID:
        """Of the image."""
        return UID(self.header.SOPClassUID)

    @property
    def sop_instance_uid(self) -> UID:
        """Of the image."""
        return UID(self.header.SOPInstanceUID)

    @property
    def frames(self) -> list[int] | None:
        """The frame that the film is, where its object has frames."""
        return [1] if "NumberOfFrames" in self.header else None

    @property
    def carried(self) -> tuple[str, ...]:
        """The attributes of patient and study that the header has."""
        return tuple(keyword for keyword in (*_PATIENT, *_STUDY) if keyword in self.header)

    @property
    def empty(self) -> tuple[str, ...]:
        """Those that every object has to have, if empty, and of which the header says nothing."""
        return tuple(keyword for keyword in _EMPTY_IF_ABSENT if self.header[keyword].value is None)

    @property
    def time_zone(self) -> timezone | None:
        """In which its times are; None for that of this machine."""
        offset = str(self.header.get("TimezoneOffsetFromUTC", ""))
        if len(offset) != 5 or offset[0] not in "+-" or not offset[1:].isdigit():
            return None
        minutes = 60 * int(offset[1:3]) + int(offset[3:])
        return timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes))

    @cached_property
    def evidence(self) -> Dataset:
        """The header as the writers of highdicom take it."""
        header = Dataset()
        header.update(self.header)
        return header

    def set_characters(self, written: Dataset) -> None:
        """Choose the source's character set where it has all letters of what is written, else Unicode."""
        own = self.header.SpecificCharacterSet
        if not _can_hold(own, written):
            written.SpecificCharacterSet = UNICODE
        elif own:
            written.SpecificCharacterSet = _as_value(own)
        elif "SpecificCharacterSet" in written:
            del written.SpecificCharacterSet


def derived_uid(*names: str) -> UID:
    """A UID that the names decide: the same names give the same UID, others another (PS3.5 B.2).

    Examples:
        >>> derived_uid("a", "b") == derived_uid("a", "b") != derived_uid("ab")
        True
    """
    return UID(f"2.25.{uuid.uuid5(_NAMES, chr(0).join(names)).int}")


def _fill(header: Dataset) -> None:
    for keyword in _EMPTY_IF_ABSENT:
        if keyword not in header:
            setattr(header, keyword, None)


def _value_of(dataset: Dataset, keyword: str, notes: list[str]) -> Any:
    """A value fit to be written again; None, and a note, for a malformed one."""
    try:
        if keyword not in dataset:
            return None
        element = dataset[keyword]
        value = element.value
        if value is None or value == "":
            return None
        if element.VR == "PN":
            return PersonName(str(value))
        if keyword == "PatientSex" and value not in ("M", "F", "O"):
            raise ValueError(keyword)  # noqa: TRY301 - goes the way of all malformed values
        if element.VR not in ("SQ", "US", "DS", "IS"):
            validate_value(element.VR, str(value), config.RAISE)
    except Exception:  # noqa: BLE001 - pydicom converts on access and raises whatever the value provokes
        notes.append(f"{keyword} is malformed in the film's header: left out")
        return None
    return value


def _as_value(character_set: Any) -> str | list[str]:
    return character_set if isinstance(character_set, str) else [str(each) for each in character_set]


def _can_hold(character_set: Any, written: Dataset) -> bool:
    """Whether a character set has all letters of a data set's texts."""
    texts = set(_texts(written))
    if not character_set:
        return all(text.isascii() for text in texts)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            encodings = convert_encodings(_as_value(character_set))
            return all(_survives(text, encodings) for text in texts if not text.isascii())
    except Exception:  # noqa: BLE001 - pydicom warns or raises, by what it lacks
        return False


def _survives(text: str, encodings: list[str]) -> bool:
    """Whether a text can be encoded, and comes back equal."""
    from pydicom.charset import decode_bytes

    delimiters = {0x5C, 0x0D, 0x0A, 0x09, 0x0C, 0x5E, 0x3D}
    return bool(decode_bytes(encode_string(text, encodings), encodings, delimiters) == text)


def _texts(dataset: Dataset) -> Iterator[str]:
    element: DataElement
    for element in dataset.iterall():
        if element.VR == "PN":
            yield from re.split("[=^]", str(element.value or ""))
        elif element.VR in ("LO", "LT", "SH", "ST", "UC", "UT"):
            values = element.value if element.VM > 1 else [element.value]
            yield from (str(value) for value in values if value is not None)

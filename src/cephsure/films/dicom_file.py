"""A DICOM file's data set, read within limits; what it says that it holds must be there."""

from __future__ import annotations

import io
import zlib
from typing import TYPE_CHECKING, Any

import pydicom
from pydicom import uid
from pydicom.dataset import FileDataset
from pydicom.filereader import read_dataset

from cephsure.errors import FilmError

if TYPE_CHECKING:
    from pydicom import Dataset

    from cephsure.films.film import ReadLimits

MAX_READS = 50_000  # two or three an element; a film's header has some hundred elements
_TOO_MANY = "the DICOM header has more elements than any film's"
_CUT_OFF = "the DICOM file is cut off"
_UNDEFINED_LENGTH = 0xFFFFFFFF
_ENCAPSULATED = (b"\xe0\x7f\x10\x00OB\x00\x00\xff\xff\xff\xff", b"\xe0\x7f\x10\x00OW\x00\x00\xff\xff\xff\xff")
_SEQUENCE_DELIMITER = b"\xfe\xff\xdd\xe0"


class _DeflatedError(Exception):
    """What follows ``position`` is deflated."""

    def __init__(self, position: int) -> None:
        super().__init__()
        self.position = position


class _BoundedStream(io.BytesIO):
    """A stream that counts how often it is read, and inflates nothing."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._reads = 0

    @property
    def is_spent(self) -> bool:
        """Whether it was read more often than a film's header needs."""
        return self._reads > MAX_READS

    def read(self, size: int | None = -1, /) -> bytes:
        self._reads += 1
        if self.is_spent:
            raise FilmError(_TOO_MANY)
        if size is None or size < 0:  # as pydicom reads what is deflated, and nothing else
            raise _DeflatedError(self.tell())
        return super().read(size)


def read_dataset_of(data: bytes, limits: ReadLimits) -> Dataset:
    """The data set of a DICOM file, with or without preamble.

    Raises:
        FilmError: if the file is cut off, or has more elements or inflates to more than a film's could.
        Exception: whatever pydicom raises for content that it cannot read.
    """
    stream = _BoundedStream(data)
    try:
        dataset: Dataset = pydicom.dcmread(stream, force=True)
    except _DeflatedError as found:
        return _deflated(data, found.position, limits)
    except Exception as error:
        if stream.is_spent:  # which pydicom may have put into words of its own
            raise FilmError(_TOO_MANY) from error
        raise
    _check_whole(dataset, data)
    return dataset


def _deflated(data: bytes, position: int, limits: ReadLimits) -> Dataset:
    inflated = _inflate(memoryview(data)[position:], limits.max_inflated_bytes)
    head = pydicom.dcmread(io.BytesIO(data[:position]), force=True)
    stream = _BoundedStream(inflated)
    body = read_dataset(stream, is_implicit_VR=False, is_little_endian=True)
    dataset = FileDataset(stream, body, head.preamble, head.file_meta, False, True)
    dataset.set_original_encoding(False, True)
    _check_whole(dataset, inflated)
    return dataset


def _inflate(deflated: memoryview, most_bytes: int) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    inflated = inflater.decompress(deflated, most_bytes + 1)
    if len(inflated) > most_bytes:
        raise FilmError(f"the file inflates to more than the limit of {most_bytes / 2**20:.1f} MiB")
    if not inflater.eof:
        raise FilmError(_CUT_OFF)
    return inflated


def _check_whole(dataset: Dataset, data: bytes) -> None:
    """Refuse a data set with an element shorter than it says; pydicom takes what is there."""
    begin = max(data.rfind(header) for header in _ENCAPSULATED)
    if begin >= 0 and not begin <= data.rfind(_SEQUENCE_DELIMITER) <= len(data) - 8:
        raise FilmError(_CUT_OFF)
    for tag in dataset.keys():  # noqa: SIM118 - iterating the data set itself would convert every element
        element: Any = dataset.get_item(tag)
        length, value = getattr(element, "length", None), element.value
        if length not in (None, _UNDEFINED_LENGTH) and isinstance(value, bytes) and len(value) < length:
            raise FilmError(_CUT_OFF)


def transfer_syntax(dataset: Dataset) -> uid.UID:
    """The transfer syntax: stated, or for a file without meta group the encoding pydicom found."""
    stated = getattr(dataset, "file_meta", {}).get("TransferSyntaxUID")
    if stated:
        return uid.UID(str(stated))
    is_implicit, is_little_endian = dataset.original_encoding
    if dataset["PixelData"].is_undefined_length:
        raise FilmError("the DICOM file does not say how its pixels are compressed (no transfer syntax)")
    if is_implicit:
        return uid.ImplicitVRLittleEndian
    return uid.ExplicitVRLittleEndian if is_little_endian else uid.ExplicitVRBigEndian

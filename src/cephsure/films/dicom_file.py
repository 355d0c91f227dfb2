"""A DICOM file's data set, read within limits; what it says that it holds must be there."""

from __future__ import annotations

import io
import zlib
from typing import TYPE_CHECKING, Any

from pydicom import uid
from pydicom.dataset import FileDataset
from pydicom.filereader import read_dataset, read_partial

from cephsure.errors import FilmError

if TYPE_CHECKING:
    from pydicom import Dataset

    from cephsure.films.film import ReadLimits

_MOST_LOOKED_AT = 2**20  # bytes behind the pixels
MAX_READS = 50_000  # two or three an element; a film's header has some hundred elements
_TOO_MANY = "the DICOM header has more elements than any film's"
_CUT_OFF = "the DICOM file is cut off"
_UNDEFINED_LENGTH = 0xFFFFFFFF
_ENCAPSULATED = (b"\xe0\x7f\x10\x00OB\x00\x00\xff\xff\xff\xff", b"\xe0\x7f\x10\x00OW\x00\x00\xff\xff\xff\xff")
_SEQUENCE_DELIMITER = b"\xfe\xff\xdd\xe0"
_PIXEL_DATA = 0x7FE00010
# Padding and digital signatures (PS3.10 7.2, PS3.3 C.12.1.1.3) may follow, in either byte order.
_MAY_FOLLOW = (b"\xfc\xff\xfc\xff", b"\xff\xfc\xff\xfc", b"\xfa\xff\xfa\xff", b"\xff\xfa\xff\xfa")


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


def read_dataset_of(data: bytes, limits: ReadLimits) -> tuple[Dataset, tuple[str, ...]]:
    """The data set of a DICOM file, with or without preamble, up to its pixels; and notes.

    Whatever stands behind the pixels has no say. Compressed pixels need no delimiter at their end: whether
    they are whole says their own stream.

    Raises:
        FilmError: if the file is cut off, or has more elements or inflates to more than a film's could.
        Exception: whatever pydicom raises for content that it cannot read.
    """
    data = _closed(data)
    stream = _BoundedStream(data)
    try:
        dataset: Dataset = read_partial(stream, _PastPixels(), force=True)
    except _DeflatedError as found:
        return _deflated(data, found.position, limits)
    except Exception as error:
        if stream.is_spent:  # which pydicom may have put into words of its own
            raise FilmError(_TOO_MANY) from error
        raise
    _check_whole(dataset)
    return dataset, _rest_notes(memoryview(data)[stream.tell() :])


class _PastPixels:
    """Tells pydicom to stop before the element after the pixels."""

    def __init__(self) -> None:
        self._seen = False

    def __call__(self, tag: int, vr: str | None, length: int) -> bool:
        del vr, length
        if self._seen:
            return True
        self._seen = tag == _PIXEL_DATA
        return False


def _closed(data: bytes) -> bytes:
    """The file with a delimiter after its compressed pixels, where there is none: pydicom insists on it."""
    begin = max(data.rfind(header) for header in _ENCAPSULATED)
    if begin < 0:
        return data
    delimiter = data.rfind(_SEQUENCE_DELIMITER, begin)
    if delimiter < 0:
        return data + _SEQUENCE_DELIMITER + bytes(4)
    return data + bytes(max(0, delimiter + 8 - len(data)))


def _rest_notes(rest: memoryview) -> tuple[str, ...]:
    """Say what stands behind the pixels, unless it is padding or a signature."""
    if bytes(rest[:4]) in _MAY_FOLLOW or not any(rest[:_MOST_LOOKED_AT]):
        return ()
    return (f"{len(rest)} bytes after the pixels: ignored",)


def _deflated(data: bytes, position: int, limits: ReadLimits) -> tuple[Dataset, tuple[str, ...]]:
    inflated = _inflate(memoryview(data)[position:], limits.max_inflated_bytes)
    head = read_partial(io.BytesIO(data[:position]), force=True)
    stream = _BoundedStream(inflated)
    body = read_dataset(stream, is_implicit_VR=False, is_little_endian=True, stop_when=_PastPixels())
    dataset = FileDataset(stream, body, head.preamble, head.file_meta, False, True)
    dataset.set_original_encoding(False, True)
    _check_whole(dataset)
    return dataset, _rest_notes(memoryview(inflated)[stream.tell() :])


def _inflate(deflated: memoryview, most_bytes: int) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    inflated = inflater.decompress(deflated, most_bytes + 1)
    if len(inflated) > most_bytes:
        raise FilmError(f"the file inflates to more than the limit of {most_bytes / 2**20:.1f} MiB")
    if not inflater.eof:
        raise FilmError(_CUT_OFF)
    return inflated


def _check_whole(dataset: Dataset) -> None:
    """Refuse a data set with an element shorter than it says; pydicom takes what is there."""
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

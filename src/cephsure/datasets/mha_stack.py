"""Films of a MetaImage stack (``.mha``): its header, and one film of it, raw or compressed.

The format: https://itk.org/Wiki/MetaIO/Documentation. Lines ``key = value``, the last of which is
``ElementDataFile = LOCAL``; then the pixels, x fastest, colour channels beside each other.
"""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from PIL import Image

from cephsure.datasets.held_film import read_content
from cephsure.errors import AnnotationError, FilmError
from cephsure.films.film import DEFAULT_LIMITS

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from cephsure.films import Film, Spacing
    from cephsure.films.spacing import UserScale

_MOST_HEADER_BYTES, _CHUNK_BYTES = 65_536, 1 << 20
_TYPES = {"MET_UCHAR": "u1", "MET_USHORT": "u2"}


@dataclass(frozen=True, slots=True)
class StackHeader:
    """What a stack's header says: (width, height) of its films, how many they are, and their pixels."""

    path: Path
    size_px: tuple[int, int]
    count: int
    channels: int
    dtype: str  # numpy's, with the byte order
    compressed: bool
    offset_bytes: int

    @property
    def film_bytes(self) -> int:
        """Bytes of one film, unpacked."""
        return self.size_px[0] * self.size_px[1] * self.channels * np.dtype(self.dtype).itemsize


def read_header(path: Path) -> StackHeader:
    """The header of a stack; `AnnotationError` if it is none that can be read."""
    try:
        with path.open("rb") as stream:
            head = stream.read(_MOST_HEADER_BYTES)
    except OSError as error:
        raise AnnotationError(f"cannot be read: {error.strerror}", where=path) from error
    said: dict[str, str] = {}
    place = 0
    while "ElementDataFile" not in said:
        end = head.find(b"\n", place)
        key, equals, value = head[place:end].decode("latin-1").partition("=")
        if end < 0 or not equals:
            raise AnnotationError("is no MetaImage that can be read: its header is cut or odd", where=path)
        said[key.strip()] = value.strip()
        place = end + 1
    try:
        sides = [int(side) for side in said["DimSize"].split()]
        channels = int(said.get("ElementNumberOfChannels", "1"))
        kind = _TYPES[said["ElementType"]]
    except (KeyError, ValueError) as error:
        raise AnnotationError(f"is no MetaImage that can be read: {error}", where=path) from error
    if len(sides) == 2:
        sides.append(1)
    if len(sides) != 3 or min(sides) < 1 or channels not in (1, 3, 4) or said["ElementDataFile"] != "LOCAL":
        raise AnnotationError("is no stack of films in one file", where=path)
    try:
        DEFAULT_LIMITS.check_size(sides[0], sides[1])
    except FilmError as error:
        raise AnnotationError(error.what, where=path) from error
    big = said.get("BinaryDataByteOrderMSB", said.get("ElementByteOrderMSB", "False")).casefold() == "true"
    return StackHeader(
        path=path,
        size_px=(sides[0], sides[1]),
        count=sides[2],
        channels=channels,
        dtype=(">" if big else "<") + kind,
        compressed=said.get("CompressedData", "False").casefold() == "true",
        offset_bytes=place,
    )


@dataclass(frozen=True, slots=True)
class StackedFilm:
    """One film of a stack, by its place from 0."""

    header: StackHeader
    place: int

    def read(self, *, mm_per_px: UserScale | None, of_dataset: Spacing | None) -> Film:
        """The film, without the black rows and columns that fill up its lower and right edge."""
        header, name = self.header, self.header.path / str(self.place + 1)
        content = _content(header, self.place)
        width, height = header.size_px
        values = np.frombuffer(content, header.dtype).reshape(height, width, header.channels)
        values = _without_padding(values)
        if min(values.shape[:2]) < DEFAULT_LIMITS.min_side_px:
            raise FilmError("is black", where=name)
        # As a file of its own, so that it is read as every other film is.
        return read_content(_as_tiff(values), name=name, mm_per_px=mm_per_px, of_dataset=of_dataset)

    def size_px(self) -> tuple[int, int] | None:
        """Not known before it is read: the padding has to be found."""
        return None


def _without_padding(values: NDArray[np.generic]) -> NDArray[np.generic]:
    """(H, W, C) without the rows and columns at the lower and right edge in which all is 0."""
    filled = (values != 0).any(axis=2)
    rows, columns = np.flatnonzero(filled.any(axis=1)), np.flatnonzero(filled.any(axis=0))
    return values[: rows[-1] + 1 if len(rows) else 0, : columns[-1] + 1 if len(columns) else 0]


def _as_tiff(values: NDArray[np.generic]) -> bytes:
    """(H, W, C) as an uncompressed TIFF file."""
    plain = values[..., :3] if values.shape[2] >= 3 else values[..., 0]
    native = np.ascontiguousarray(plain.astype(plain.dtype.newbyteorder("=")))
    content = io.BytesIO()
    Image.fromarray(native).save(content, format="TIFF")
    return content.getvalue()


def _content(header: StackHeader, place: int) -> bytes:
    """The bytes of one film; `FilmError` if the stack is cut off or damaged."""
    try:
        if header.compressed:
            return _unpacker(header).film(place)
        with header.path.open("rb") as stream:
            stream.seek(header.offset_bytes + place * header.film_bytes)
            content = stream.read(header.film_bytes)
    except (OSError, zlib.error) as error:
        raise FilmError(f"cannot be read: {error}", where=header.path) from error
    if len(content) != header.film_bytes:
        raise FilmError("the stack is cut off", where=header.path)
    return content


class _Unpacker:
    """Unpacks a compressed stack film after film: one that was passed is reached from the beginning again."""

    def __init__(self, header: StackHeader) -> None:
        self._header = header
        self._stream: BinaryIO = header.path.open("rb")
        self._begin()

    def _begin(self) -> None:
        self._stream.seek(self._header.offset_bytes)
        self._inflate, self._next = zlib.decompressobj(), 0

    def film(self, place: int) -> bytes:
        """The bytes of one film."""
        if place < self._next:
            self._begin()
        content = b""
        while self._next <= place:
            content = self._take(self._header.film_bytes)
            self._next += 1
        return content

    def _take(self, count: int) -> bytes:
        parts: list[bytes] = []
        while count:
            packed = self._inflate.unconsumed_tail or self._stream.read(_CHUNK_BYTES)
            part = self._inflate.decompress(packed, count)
            if not packed and not part:
                raise FilmError("the stack is cut off", where=self._header.path)
            parts.append(part)
            count -= len(part)
        return b"".join(parts)


@lru_cache(maxsize=2)
def _unpacker(header: StackHeader) -> _Unpacker:
    """Kept from film to film: films come in order."""
    return _Unpacker(header)

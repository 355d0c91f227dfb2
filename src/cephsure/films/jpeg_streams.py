"""Whether a JPEG stream holds the whole picture that its header says: libjpeg fills up what is missing.

A stream may be cut and closed with its end marker, or have a hole in its middle; what is left decodes to
garbage and a flat rest, without a word. A sequential stream is watched while it is decoded: all rows must be
there with its last bytes, and not before them. Of other streams the picture must not change when bytes are
put in front of their markers: whole scans are done by then and take no notice.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import numpy as np
from PIL import JpegImagePlugin

from cephsure.errors import FilmError

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

    from cephsure.films.codestreams import Outline

_CUT = "the JPEG picture is cut off: its stream ends before the last row"
_DAMAGED = "the JPEG picture is damaged: part of its middle is missing or overwritten"
# Bytes that decode to something that is not flat, whatever the tables; none is 0xFF.
_FILLER = bytes(np.random.default_rng(20).integers(1, 255, 48, dtype=np.uint8))
_UNUSED_BYTES = 64  # that writers may leave before the end marker


class _SteppedStream(io.BytesIO):
    """A stream that is read up to some places at most at a time, so that one sees which were needed."""

    def __init__(self, data: bytes, steps: tuple[int, ...]) -> None:
        super().__init__(data)
        self._steps = steps
        self.furthest = 0

    def read(self, size: int | None = -1, /) -> bytes:
        position = self.tell()
        if size is not None and size > 0:
            size = min([size, *(step - position for step in self._steps if step > position)])
        found = super().read(size)
        self.furthest = max(self.furthest, self.tell())
        return found


def load_sequential(data: bytes, outline: Outline) -> ImageFile:
    """Decode an 8-bit JPEG of one scan, and refuse it if it is cut off or has lost part of its middle.

    Raises:
        FilmError: if it is not whole.
    """
    begun, end = outline.scans[-1]
    # What is decoded last needs some bytes to look ahead at, besides those that it uses.
    early, late = max(begun, end - _UNUSED_BYTES), end + len(_FILLER)
    stream = _SteppedStream(data[:end] + _FILLER + data[end:], (early, late))
    image: ImageFile = JpegImagePlugin.JpegImageFile(stream)
    stream.furthest = 0
    image.load()
    if stream.furthest > late:
        raise FilmError(_CUT)
    if stream.furthest <= early:
        raise FilmError(_DAMAGED)
    return image


def load_scans(data: bytes, outline: Outline) -> ImageFile:
    """Decode a JPEG of several scans, or with restart markers, and refuse it if one of them is cut off.

    Raises:
        FilmError: if it is not whole.
    """
    image = _loaded(data)
    pieces, position = [], 0
    for begun, end in outline.scans:
        pieces.append(data[position:begun])
        pieces.append(re.sub(rb"\xff[\xd0-\xd7]", lambda found: _FILLER + found[0], data[begun:end]))
        pieces.append(_FILLER)
        position = end
    again = _loaded(b"".join((*pieces, data[position:])))
    if not np.array_equal(np.asarray(again), np.asarray(image)):
        raise FilmError(_DAMAGED if outline.restart_interval else _CUT)
    return image


def load_whole(data: bytes, outline: Outline) -> ImageFile:
    """Decode an 8-bit JPEG by the way that shows whether it is whole.

    Raises:
        FilmError: if it is not.
    """
    if not outline.complete:
        raise FilmError("the file is cut off")
    if outline.fault is not None:
        raise FilmError(outline.fault)
    if not outline.is_sequential:
        return load_scans(data, outline)
    if outline.restart_interval:
        load_scans(data, outline)
    return load_sequential(data, outline)


def _loaded(data: bytes) -> ImageFile:
    image: ImageFile = JpegImagePlugin.JpegImageFile(io.BytesIO(data))
    image.load()
    return image

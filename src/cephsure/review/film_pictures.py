"""What the page draws of a film: its grey values, and a small picture for the queue."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from cephsure import films

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from cephsure.films import Film

THUMBNAIL_SIDE = 240
_QUALITY = 82
_NEARLY_WHOLE = 1e-3
_SPARE_BYTES = 2 * 2**30


@dataclass(frozen=True, slots=True)
class FilmPicture:
    """A film as the page gets it.

    Attributes:
        grey: its rows one after the other, black 0; a byte a pixel, or two, the lower one first.
        bits: 8 or 16.
        sha256: of the file that was read.
        thumbnail: a JPEG, its longer side `THUMBNAIL_SIDE` px.
    """

    grey: bytes
    width_px: int
    height_px: int
    bits: int
    sha256: str
    thumbnail: bytes


@dataclass(frozen=True, slots=True)
class ReadFilm:
    """The job of reading a film's file for the page."""

    path: Path

    def run(self, _desk: object, _tell: Callable[[str, int, int], None]) -> FilmPicture:
        """Read it; `FilmError` where it cannot be read."""
        film = films.read(self.path)
        grey, bits = grey_values(film.pixels)
        return FilmPicture(
            grey=grey.tobytes(),
            width_px=film.width_px,
            height_px=film.height_px,
            bits=bits,
            sha256=film.sha256 or "",
            thumbnail=thumbnail(film),
        )


def reading_desk() -> object:
    """What a process that reads films keeps: nothing but a limit on its memory."""
    try:
        import resource

        taken = _address_space()
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        if taken:
            resource.setrlimit(resource.RLIMIT_AS, (taken + _SPARE_BYTES, hard))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ImportError, OSError, ValueError):  # Windows, macOS: the limits of films.read hold alone
        pass
    return object()


def _address_space() -> int:
    """Bytes of address space that this process has taken; 0 where the system does not tell."""
    import os
    from pathlib import Path

    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[0]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return 0


def grey_values(pixels: NDArray[np.float32]) -> tuple[NDArray[np.uint8] | NDArray[np.uint16], int]:
    """Whole grey values of pixels (H, W) in [0, 1]: as many bits as they need, 8 or 16.

    >>> grey_values(np.array([[0.0, 1.0]], dtype=np.float32))
    (array([[  0, 255]], dtype=uint8), 8)
    """
    in_bytes = pixels * np.float32(255.0)
    whole = np.rint(in_bytes)
    if np.abs(in_bytes - whole).max() < _NEARLY_WHOLE:
        return whole.astype(np.uint8), 8
    return np.rint(pixels * np.float32(65535.0)).astype("<u2"), 16


def thumbnail(film: Film) -> bytes:
    """A small JPEG of a film, its pixels made square, its darkest 1 % black and its brightest 1 % white."""
    height, width = film.height_px * film.pixel_aspect, float(film.width_px)
    factor = THUMBNAIL_SIDE / max(height, width)
    size = max(1, round(width * factor)), max(1, round(height * factor))
    small = np.asarray(Image.fromarray(film.pixels).resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0))
    low, high = np.quantile(small, (0.01, 0.99))
    shown = np.clip((small - low) / max(float(high - low), 1e-6), 0.0, 1.0)
    jpeg = io.BytesIO()
    Image.fromarray(np.rint(255 * shown).astype(np.uint8)).save(jpeg, "JPEG", quality=_QUALITY)
    return jpeg.getvalue()

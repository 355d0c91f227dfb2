"""A film, the picture that its file holds, and the limits on what is read."""

from __future__ import annotations

import math
import signal
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

from cephsure.errors import FilmError, InputError
from cephsure.films.spacing import StatedScales

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from cephsure.films.spacing import Spacing


WAITING = 12.0  # times by the clock what a process may compute: as with so many others on one processor
_BITS_OF_ONE = 0x3F800000  # of the float32 number 1


@dataclass(frozen=True, slots=True)
class Film:
    """A lateral skull radiograph as given.

    Its ``pixels`` are (height, width) float32 in [0, 1]; larger is brighter, for MONOCHROME1 too. Its
    ``spacing`` is None when the millimetre scale is not known: it is never guessed. Both are checked: a film
    made in memory that is not so is a `FilmError`.
    """

    pixels: NDArray[np.float32]
    spacing: Spacing | None = None
    path: Path | None = None  # None for a film made in memory
    notes: tuple[str, ...] = ()  # for the user (an ignored resolution tag, a dropped alpha channel, ...)
    sha256: str | None = None  # of the file's content; None for a film made in memory
    stated_aspect: float = (
        1.0  # a pixel's height in its widths by the file; its spacing says so too, if known
    )

    def __post_init__(self) -> None:
        _check_pixels(self.pixels)
        spacing = self.spacing
        lengths = (1.0, 1.0) if spacing is None else (spacing.x_mm_per_px, spacing.y_mm_per_px)
        if not all(math.isfinite(length) and length > 0 for length in (*lengths, self.stated_aspect)):
            raise FilmError(f"a film's spacing is positive and finite, not {lengths[0]} x {lengths[1]} mm")

    @property
    def pixel_aspect(self) -> float:
        """A pixel's height in its widths: 1 where it is square, or nobody says that it is not."""
        if self.spacing is None:
            return self.stated_aspect
        return self.spacing.y_mm_per_px / self.spacing.x_mm_per_px

    @property
    def width_px(self) -> int:
        """Width in pixels."""
        return int(self.pixels.shape[1])

    @property
    def height_px(self) -> int:
        """Height in pixels."""
        return int(self.pixels.shape[0])


def _check_pixels(pixels: NDArray[np.float32]) -> None:
    """Raise `FilmError` unless they are two-dimensional float32 in [0, 1], which NaN is not."""
    if getattr(pixels, "ndim", None) != 2 or 0 in pixels.shape:
        shape = " x ".join(map(str, getattr(pixels, "shape", ()))) or type(pixels).__name__
        raise FilmError(f"a film's pixels have two dimensions, height and width, not {shape}")
    if pixels.dtype.name != "float32" or not _is_within_0_and_1(pixels):
        raise FilmError(
            f"a film's pixels are finite float32 from 0 to 1, not {pixels.dtype.name} from {pixels.min():g} "
            f"to {pixels.max():g}",
            remedy="films.read takes arrays of other types",
        )


def _is_within_0_and_1(pixels: NDArray[np.float32]) -> bool:
    # As whole numbers the bits of 0 to 1 are the smallest: one pass over a film instead of two.
    within = pixels.dtype.isnative and pixels.view("uint32").max() <= _BITS_OF_ONE
    return bool(within or (pixels.min() >= 0 and pixels.max() <= 1))


@dataclass(frozen=True, slots=True)
class FilmFacts:
    """What is known of a film without its pixels: the scale that `read` gives it, its file's checksum.

    ``pixel_aspect`` is a pixel's height in its widths, as of `Film`.
    """

    spacing: Spacing | None
    sha256: str
    pixel_aspect: float = 1.0


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded file before its scale is decided; pixels and notes are those of `Film`."""

    pixels: NDArray[np.float32]
    stated: StatedScales = field(default_factory=StatedScales)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """What a film may be at most and at least; checked before anything large is decoded.

    By default a film is read within 5 s of computing time and 1 GiB, or refused. `InputError` if a limit is
    not positive.
    """

    max_file_bytes: int = 200 * 1024 * 1024
    max_pixels: int = 42_000_000  # a cephalogram has about 5 million, 24 x 30 cm at 600 dpi 40 million
    min_side_px: int = 64  # below that landmarks cannot be told apart
    max_decoding_s: float = 4.5  # computing time of what is decoded in a process of its own
    max_decoding_bytes: int = 800 * 1024 * 1024  # the same, beside what its libraries take

    def __post_init__(self) -> None:
        if not min(getattr(self, limit.name) for limit in fields(self)) > 0:
            raise InputError("limits on reading must be positive")

    @property
    def max_waiting_s(self) -> float:
        """How long that process may take by the clock.

        Longer than it computes, since a busy machine costs no film; on Windows, which has no timer of
        computing time, the same.
        """
        return self.max_decoding_s * (WAITING if hasattr(signal, "ITIMER_PROF") else 1.0)

    @property
    def max_inflated_bytes(self) -> int:
        """What a deflated DICOM file may inflate to: three bytes a pixel, and a header."""
        return min(3 * self.max_pixels + 2**24, self.max_file_bytes)

    def check_file_size(self, size_bytes: int) -> None:
        """Raise `FilmError` if a file of ``size_bytes`` is empty or too large."""
        if size_bytes == 0:
            raise FilmError("the file is empty")
        if size_bytes > self.max_file_bytes:
            raise FilmError(
                f"the file has {size_bytes / 2**20:.1f} MiB, more than the limit of "
                f"{self.max_file_bytes / 2**20:.1f} MiB"
            )

    def check_size(self, width_px: int, height_px: int) -> None:
        """Raise `FilmError` if an image of ``width_px`` x ``height_px`` is too large or too small."""
        size = f"the image has {width_px} x {height_px} pixels"
        if width_px * height_px > self.max_pixels:
            raise FilmError(f"{size}, more than the limit of {self.max_pixels}")
        if min(width_px, height_px) < self.min_side_px:
            raise FilmError(f"{size}: too small for a film, at least {self.min_side_px} a side are needed")


DEFAULT_LIMITS = ReadLimits()

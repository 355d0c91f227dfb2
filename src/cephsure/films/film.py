"""A film, the picture that its file holds, and the limits on what is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cephsure.errors import FilmError, InputError
from cephsure.films.spacing import StatedScales

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from cephsure.films.spacing import Spacing


@dataclass(frozen=True, slots=True)
class Film:
    """A lateral skull radiograph as given.

    Its ``pixels`` are (height, width) in [0, 1]; larger is brighter, for MONOCHROME1 too. Its ``spacing`` is
    None when the millimetre scale is not known: it is never guessed.
    """

    pixels: NDArray[np.float32]
    spacing: Spacing | None = None
    path: Path | None = None  # None for a film made in memory
    notes: tuple[str, ...] = ()  # for the user (an ignored resolution tag, a dropped alpha channel, ...)
    sha256: str | None = None  # of the file's content; None for a film made in memory

    @property
    def width_px(self) -> int:
        """Width in pixels."""
        return int(self.pixels.shape[1])

    @property
    def height_px(self) -> int:
        """Height in pixels."""
        return int(self.pixels.shape[0])


@dataclass(frozen=True, slots=True)
class FilmFacts:
    """What is known of a film without its pixels: the scale that `read` gives it, its file's checksum."""

    spacing: Spacing | None
    sha256: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded file before its scale is decided; pixels and notes are those of `Film`."""

    pixels: NDArray[np.float32]
    stated: StatedScales = field(default_factory=StatedScales)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """What a film may be at most and at least; checked before anything large is decoded.

    `InputError` if a limit is not positive.
    """

    max_file_bytes: int = 512 * 1024 * 1024
    max_pixels: int = 100_000_000  # a cephalogram has about 5 million
    min_side_px: int = 64  # below that landmarks cannot be told apart

    def __post_init__(self) -> None:
        if min(self.max_file_bytes, self.max_pixels, self.min_side_px) < 1:
            raise InputError("limits on reading must be positive")

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

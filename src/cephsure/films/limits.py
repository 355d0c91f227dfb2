"""Limits on what is read: size of the file, number of pixels, smallest side."""

from __future__ import annotations

from dataclasses import dataclass

from cephsure.errors import FilmError, InputError


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """What a film may be at most and at least; checked before anything large is decoded.

    Attributes:
        max_file_bytes: largest file, in bytes (512 MiB).
        max_pixels: largest width x height (100 million; a cephalogram has about 5 million).
        min_side_px: smallest width and height (64 px: below that landmarks cannot be told apart).

    Raises:
        InputError: if a limit is not positive.
    """

    max_file_bytes: int = 512 * 1024 * 1024
    max_pixels: int = 100_000_000
    min_side_px: int = 64

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
        if width_px * height_px > self.max_pixels:
            raise FilmError(
                f"the image has {width_px} x {height_px} pixels, more than the limit of {self.max_pixels}"
            )
        if min(width_px, height_px) < self.min_side_px:
            raise FilmError(
                f"the image has {width_px} x {height_px} pixels: too small for a film, "
                f"at least {self.min_side_px} a side are needed"
            )


DEFAULT_LIMITS = ReadLimits()

"""A film: its pixels, its scale in mm and where that scale comes from."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray


class SpacingSource(StrEnum):
    """Where a film's millimetre scale comes from, the most trustworthy first."""

    CALIBRATED = "dicom_calibrated"
    IMAGER_MAGNIFICATION = "dicom_imager_over_magnification"
    IMAGER = "dicom_imager_plane"
    NOMINAL_SCANNED = "dicom_nominal_scanned"
    UNVERIFIED = "dicom_pixel_spacing_unverified"
    DATASET = "dataset"
    USER = "user"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Spacing:
    """Millimetres a pixel along x and y, and where they come from."""

    x_mm_per_px: float
    y_mm_per_px: float
    source: SpacingSource


@dataclass(frozen=True, slots=True)
class Film:
    """A lateral skull radiograph as given.

    Attributes:
        pixels: (height, width) float32 in [0, 1]; for MONOCHROME1 already turned so that a larger value is
            brighter.
        spacing: the millimetre scale, or None when it is not known. It is never guessed.
        path: the file, or None for a film made in memory.
        notes: remarks for the user (an ignored resolution tag, a dropped alpha channel, ...).
    """

    pixels: NDArray[np.float32]
    spacing: Spacing | None = None
    path: Path | None = None
    notes: tuple[str, ...] = field(default=())

    @property
    def width_px(self) -> int:
        """Width in pixels."""
        return int(self.pixels.shape[1])

    @property
    def height_px(self) -> int:
        """Height in pixels."""
        return int(self.pixels.shape[0])

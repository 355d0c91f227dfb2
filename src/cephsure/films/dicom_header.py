"""The header of a DICOM image: how its pixels are laid out, and which scales it states."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cephsure.errors import FilmError
from cephsure.films.spacing import StatedScales
from cephsure.films.third_party import printable

if TYPE_CHECKING:
    from pydicom import Dataset

_PHOTOMETRIC = frozenset(
    {"MONOCHROME1", "MONOCHROME2", "PALETTE COLOR", "RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT"}
)


@dataclass(frozen=True, slots=True)
class PixelLayout:
    """How a DICOM image stores its pixels; ``notes`` say what the header left open and what was taken."""

    rows: int
    columns: int
    samples: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    is_signed: bool
    photometric: str
    planar: int = 0
    notes: tuple[str, ...] = field(default=(), compare=False)

    @property
    def is_grey(self) -> bool:
        """Whether a pixel is one grey value."""
        return self.photometric in ("MONOCHROME1", "MONOCHROME2")


def pixel_layout(dataset: Dataset) -> PixelLayout:
    """Read and check the Image Pixel module (PS3.3 C.7.6.3).

    What is missing is taken from another attribute or is what it usually is; that is noted.

    Raises:
        FilmError: if it is incomplete or contradicts itself, or if there is more than one frame.
    """
    if (frames := _integer(dataset, "NumberOfFrames", default=1)) > 1:
        raise FilmError(
            f"the DICOM file holds {frames} frames", remedy="export the one frame that is the film"
        )
    notes: list[str] = []

    def filled(keyword: str, value: int, source: str) -> int:
        if dataset.get(keyword) in (None, ""):
            notes.append(f"{keyword} is missing in the header: taken as {value} ({source})")
        return _integer(dataset, keyword, default=value)

    photometric = text(dataset, "PhotometricInterpretation")
    usual = 3 if photometric.startswith(("RGB", "YBR")) else 1
    samples = filled(
        "SamplesPerPixel", usual, f"by {photometric}" if photometric else "as in every grey film"
    )
    stated_bits = _integer(dataset, "BitsStored", default=0)
    if stated_bits and dataset.get("BitsAllocated") in (None, ""):
        allocated = filled("BitsAllocated", 8 if stated_bits <= 8 else 16, "from BitsStored")
    else:
        allocated = _integer(dataset, "BitsAllocated")
    stored = filled("BitsStored", allocated, "BitsAllocated")
    high_bit = filled("HighBit", stored - 1, "from BitsStored")
    is_signed = filled("PixelRepresentation", 0, "unsigned, the usual") == 1
    if not photometric:
        photometric = "RGB" if samples == 3 else "MONOCHROME2"
        notes.append(f"PhotometricInterpretation is missing in the header: taken as {photometric}")
    layout = PixelLayout(
        rows=_integer(dataset, "Rows"),
        columns=_integer(dataset, "Columns"),
        samples=samples,
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=high_bit,
        is_signed=is_signed,
        photometric=photometric,
        planar=filled("PlanarConfiguration", 0, "colour by pixel") if samples == 3 else 0,
        notes=tuple(notes),
    )
    _check_consistent(layout)
    return layout


def _check_consistent(layout: PixelLayout) -> None:
    if (
        layout.bits_allocated not in (1, 8, 16, 32)
        or not 0 < layout.bits_stored <= layout.high_bit + 1 <= layout.bits_allocated
    ):
        raise FilmError(
            f"the DICOM header contradicts itself: {layout.bits_stored} bits stored, highest bit "
            f"{layout.high_bit}, of {layout.bits_allocated} allocated"
        )
    if layout.photometric not in _PHOTOMETRIC:
        raise FilmError(f"the photometric interpretation {layout.photometric} is not known")
    if layout.samples != (1 if layout.is_grey or layout.photometric == "PALETTE COLOR" else 3):
        raise FilmError(
            f"the DICOM header contradicts itself: {layout.samples} samples a pixel, {layout.photometric}"
        )
    if layout.planar not in (0, 1):
        raise FilmError(f"the DICOM header contradicts itself: planar configuration {layout.planar}")


def stated_scales(dataset: Dataset) -> tuple[StatedScales, tuple[str, ...]]:
    """The attributes that `decide_spacing` weighs, and notes on malformed ones, which are left out."""
    notes: list[str] = []

    def pair(keyword: str) -> tuple[float, float] | None:
        values = numbers(dataset, keyword, 2, notes)
        return None if values is None else (values[0], values[1])

    def number(keyword: str) -> float | None:
        return (numbers(dataset, keyword, 1, notes) or (None,))[0]

    calibration_type = text(dataset, "PixelSpacingCalibrationType") or None
    if calibration_type not in (None, "GEOMETRY", "FIDUCIAL"):
        notes.append(f"PixelSpacingCalibrationType {calibration_type} is unknown: ignored")
    scales = StatedScales(
        pixel_mm=pair("PixelSpacing"),
        imager_mm=pair("ImagerPixelSpacing"),
        nominal_mm=pair("NominalScannedPixelSpacing"),
        calibration_type=calibration_type,
        magnification=number("EstimatedRadiographicMagnificationFactor"),
        source_to_detector_mm=number("DistanceSourceToDetector"),
        source_to_patient_mm=number("DistanceSourceToPatient"),
        aspect=pair("PixelAspectRatio"),
    )
    return scales, tuple(notes)


def numbers(dataset: Dataset, keyword: str, count: int, notes: list[str]) -> tuple[float, ...] | None:
    """The ``count`` finite numbers of an attribute; None if it is absent, empty or malformed (then noted)."""
    try:
        value = dataset.get(keyword)
        values = [value] if isinstance(value, (int, float)) else list(value or ())
        found = tuple(float(item) for item in values)
    except Exception:  # noqa: BLE001 - pydicom converts on access and raises whatever the value provokes
        found = (math.nan,)
    if not found:
        return None
    if len(found) != count or not all(math.isfinite(number) for number in found):
        notes.append(f"{keyword} is malformed: ignored")
        return None
    return found


def text(dataset: Dataset, keyword: str) -> str:
    """The text of an attribute in capitals, fit to be printed; empty if it is absent or malformed."""
    value: Any = dataset.get(keyword)
    return printable(value.strip().upper(), longest=40) if isinstance(value, str) else ""


def _integer(dataset: Dataset, keyword: str, *, default: int | None = None) -> int:
    value: Any = dataset.get(keyword)
    if (value is None or value == "") and default is not None:
        return default
    try:
        return int(value)
    except (TypeError, ValueError):
        state = "missing" if value is None else "malformed"
        raise FilmError(f"{keyword} is {state} in the DICOM header") from None

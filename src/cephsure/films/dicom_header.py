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
    gaps = _Gaps(dataset)
    photometric = text(dataset, "PhotometricInterpretation")
    usual = 3 if photometric.startswith(("RGB", "YBR")) else 1
    samples = gaps.filled(
        "SamplesPerPixel", usual, f"by {photometric}" if photometric else "as in every grey film"
    )
    allocated, stored, high_bit = _bits(dataset, gaps, samples)
    is_signed = gaps.filled("PixelRepresentation", 0, "unsigned, the usual") == 1
    if not photometric:
        photometric = "RGB" if samples == 3 else "MONOCHROME2"
        gaps.notes.append(f"PhotometricInterpretation is missing in the header: taken as {photometric}")
    layout = PixelLayout(
        rows=_integer(dataset, "Rows"),
        columns=_integer(dataset, "Columns"),
        samples=samples,
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=high_bit,
        is_signed=is_signed,
        photometric=photometric,
        planar=gaps.filled("PlanarConfiguration", 0, "colour by pixel") if samples == 3 else 0,
        notes=tuple(gaps.notes),
    )
    _check_consistent(layout)
    return layout


@dataclass(slots=True)
class _Gaps:
    """What a header leaves open, filled in and noted."""

    dataset: Dataset
    notes: list[str] = field(default_factory=list)

    def has(self, keyword: str) -> bool:
        """Whether an attribute has a value."""
        return self.dataset.get(keyword) not in (None, "")

    def filled(self, keyword: str, value: int, source: str) -> int:
        """A whole number of the header, or else ``value``, which comes from ``source``."""
        if not self.has(keyword):
            self.notes.append(f"{keyword} is missing in the header: taken as {value} ({source})")
        return _integer(self.dataset, keyword, default=value)


def _bits(dataset: Dataset, gaps: _Gaps, samples: int) -> tuple[int, int, int]:
    """Bits allocated and stored, and the highest bit: what is missing follows from the others."""
    known = next((name for name in ("BitsStored", "HighBit") if gaps.has(name)), None)
    if gaps.has("BitsAllocated"):
        allocated = _integer(dataset, "BitsAllocated")
    elif known is not None:
        used = _integer(dataset, known) + (known == "HighBit")
        allocated = gaps.filled("BitsAllocated", 8 if used <= 8 else 16, f"from {known}")
    else:
        allocated = gaps.filled(
            "BitsAllocated", _bits_by_length(dataset, samples), "by the length of the pixel data"
        )
    if gaps.has("HighBit") and not gaps.has("BitsStored"):
        stored = gaps.filled("BitsStored", _integer(dataset, "HighBit") + 1, "from HighBit")
    else:
        stored = gaps.filled("BitsStored", allocated, "BitsAllocated")
    return allocated, stored, gaps.filled("HighBit", stored - 1, "from BitsStored")


def _bits_by_length(dataset: Dataset, samples: int) -> int:
    """8 or 16, by how many bytes the pixels take.

    Raises:
        FilmError: if it is neither.
    """
    pixels = _integer(dataset, "Rows") * _integer(dataset, "Columns") * samples
    data = dataset.get("PixelData")
    length = len(data) if isinstance(data, bytes) and not dataset["PixelData"].is_undefined_length else 0
    for size in (1, 2):
        if pixels > 0 and size * pixels <= length <= size * pixels + 1:
            return 8 * size
    raise FilmError("BitsAllocated is missing in the DICOM header")


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

"""The millimetre scale of a film, and which of several statements about it is believed.

Follows DICOM PS3.3 section 10.7.1 (Basic Pixel Spacing Calibration Macro):

- *Pixel Spacing* is a distance in the patient, but only if the image was calibrated. It was if Pixel
  Spacing Calibration Type says so (GEOMETRY or FIDUCIAL), or if the values differ from Imager Pixel Spacing
  or Nominal Scanned Pixel Spacing. Where they are the same, nothing was corrected; where it stands alone,
  nobody can tell.
- *Imager Pixel Spacing* is a distance on the detector. Divided by the magnification (Estimated Radiographic
  Magnification Factor, or else distance source to detector over distance source to patient) it is one in
  the patient.
- *Nominal Scanned Pixel Spacing* is a distance on the digitised film, hence as magnified as the film.
- Pairs are spacing of rows, then of columns: (y, x).

What the user says comes first, then what the file states, then what a data set states of its films. Where the
user and the file disagree, that is noted and logged. Nothing is ever assumed.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from numbers import Real

from cephsure.errors import InputError

logger = logging.getLogger(__name__)

UserScale = float | tuple[float, float]
"""Millimetres a pixel as the user gives them: along x, the pixels' shape giving y; or along x and along y."""

# What a skull film can have; whatever is outside is a mistake, as is a scale that makes it larger.
MM_PER_PX_RANGE = (0.01, 2.0)
MAX_FILM_MM = 1000.0  # its longer side
MAGNIFICATION_RANGE = (1.0, 3.0)  # cephalostats: 1.05 to 1.2

ASPECT_RANGE = (0.1, 10.0)  # of a pixel's height and width

AGREEMENT = 0.02  # relative difference between two scales, or magnifications, up to which they agree
_SAME = 0.005  # two spacings that differ by less were written with other rounding, not calibrated


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
class StatedScales:
    """What a DICOM file states about its scale; pairs are of rows, then of columns, that is (y, x)."""

    pixel_mm: tuple[float, float] | None = None  # Pixel Spacing
    imager_mm: tuple[float, float] | None = None  # Imager Pixel Spacing
    nominal_mm: tuple[float, float] | None = None  # Nominal Scanned Pixel Spacing
    calibration_type: str | None = None  # Pixel Spacing Calibration Type
    magnification: float | None = None  # Estimated Radiographic Magnification Factor
    source_to_detector_mm: float | None = None
    source_to_patient_mm: float | None = None
    aspect: tuple[float, float] | None = None  # Pixel Aspect Ratio: vertical, horizontal


@dataclass(frozen=True, slots=True)
class Scale:
    """What is decided about a film's scale, which may not be known."""

    spacing: Spacing | None
    notes: tuple[str, ...] = ()  # remarks for the user, a disagreement among them
    disagreement: str | None = None  # how the file contradicts the user's scale


def check_mm_per_px(mm_per_px: UserScale | None) -> None:
    """Raise `InputError` if a scale given by the user is not within `MM_PER_PX_RANGE`."""
    if mm_per_px is None:
        return
    low, high = MM_PER_PX_RANGE
    for value in mm_per_px if isinstance(mm_per_px, tuple) else (mm_per_px,):
        is_number = isinstance(value, Real) and not isinstance(value, bool)
        if not is_number or not low <= value <= high:  # NaN compares false
            raise InputError(
                f"a scale of {value} mm per pixel is not possible for a skull film",
                remedy=f"give the millimetres of one pixel, {low} to {high}",
            )


def decide_spacing(
    stated: StatedScales,
    *,
    size_px: tuple[int, int],
    mm_per_px: UserScale | None = None,
    of_dataset: Spacing | None = None,
) -> Scale:
    """Decide on the scale of a film: the one place that does.

    The order is: the user's; the file's calibrated pixel spacing, imager spacing over magnification, imager
    spacing of unknown magnification, nominal scanned spacing, pixel spacing of unknown calibration; the data
    set's; none.

    ``size_px`` is (width, height), ``mm_per_px`` the user's scale, ``of_dataset`` what the film's data set
    states.

    Raises:
        InputError: if ``mm_per_px`` is not a possible scale.

    Examples:
        >>> stated = StatedScales(imager_mm=(0.11, 0.11), magnification=1.1)
        >>> spacing = decide_spacing(stated, size_px=(1935, 2400)).spacing
        >>> round(spacing.x_mm_per_px, 6), spacing.source.value
        (0.1, 'dicom_imager_over_magnification')
    """
    check_mm_per_px(mm_per_px)
    notes: list[str] = []
    found = _spacing_of_file(stated, size_px, notes)
    if mm_per_px is not None:
        return scale_of_user(mm_per_px, found, _height_to_width(stated, found))
    if found is None and not math.isclose(ratio := _height_to_width(stated, None), 1.0):
        notes.append(_not_square(ratio, "PixelAspectRatio"))
    return Scale(found or of_dataset, tuple(notes))


def pixel_aspect(stated: StatedScales) -> float:
    """How high a pixel is in its widths by PixelAspectRatio alone; 1 where it says nothing that can be."""
    ratio = _height_to_width(stated, None)
    low, high = ASPECT_RANGE
    return ratio if low <= ratio <= high else 1.0


@cache
def say_once(line: str) -> None:
    """Log a warning; the same line only once in a process, however often a film is read."""
    logger.warning("%s", line)


def scale_of_user(mm_per_px: UserScale, found: Spacing | None, aspect: float) -> Scale:
    """The user's scale of a film whose own is ``found``, its pixels ``aspect`` times as high as wide.

    Doubts about the film's own scale are none of the user's then, a contradiction is.

    Raises:
        InputError: if ``mm_per_px`` is not a possible scale.
    """
    check_mm_per_px(mm_per_px)
    notes: list[str] = []
    if isinstance(mm_per_px, tuple):
        x, y = map(float, mm_per_px)
    else:
        x, y = float(mm_per_px), float(mm_per_px) * aspect
        if not math.isclose(aspect, 1.0):
            notes.append(_not_square(aspect, "PixelAspectRatio" if found is None else "the file's spacing"))
    spacing, disagreement = Spacing(x, y, SpacingSource.USER), None
    if found is not None and not _agree((y, x), (found.y_mm_per_px, found.x_mm_per_px), AGREEMENT):
        given = f"{x:g}" if x == y else f"{x:.4g} x {y:.4g}"
        disagreement = (
            f"the given {given} mm per pixel is used: the file states "
            f"{found.x_mm_per_px:.4g} x {found.y_mm_per_px:.4g} ({found.source.value})"
        )
        notes.append(disagreement)
    return Scale(spacing, tuple(notes), disagreement)


def _height_to_width(stated: StatedScales, found: Spacing | None) -> float:
    """How high a pixel is in its widths, by the file's spacing or its aspect ratio; 1 unless told."""
    if found is not None:
        ratio = found.y_mm_per_px / found.x_mm_per_px
        return ratio if abs(ratio - 1) > _SAME else 1.0
    if stated.aspect is not None and all(math.isfinite(v) and v > 0 for v in stated.aspect):
        return stated.aspect[0] / stated.aspect[1]
    return 1.0


def _not_square(ratio: float, by: str) -> str:
    return f"pixels are not square ({by}: height {ratio:.4g} of the width)"


def _spacing_of_file(stated: StatedScales, size_px: tuple[int, int], notes: list[str]) -> Spacing | None:
    pixel = _usable(stated.pixel_mm, "PixelSpacing", size_px, notes)
    imager = _usable(stated.imager_mm, "ImagerPixelSpacing", size_px, notes)
    nominal = _usable(stated.nominal_mm, "NominalScannedPixelSpacing", size_px, notes)
    others = [other for other in (imager, nominal) if other is not None]
    is_said = stated.calibration_type in ("GEOMETRY", "FIDUCIAL")
    if pixel is not None and (is_said or (others and not any(_agree(pixel, o, _SAME) for o in others))):
        if imager is not None and pixel[1] > imager[1] * (1 + _SAME):
            notes.append("PixelSpacing is larger than ImagerPixelSpacing, which no magnification explains")
        return _spacing(pixel, SpacingSource.CALIBRATED)
    if imager is not None:
        magnification = _magnification(stated, notes)
        if magnification is None:
            notes.append(
                "the scale is that of the detector plane (ImagerPixelSpacing without a magnification factor)"
                ": true sizes are smaller by the unknown magnification"
            )
            return _spacing(imager, SpacingSource.IMAGER)
        if magnification == 1.0:
            notes.append("the file states a magnification of 1, which may be a default of the device")
        true_mm = (imager[0] / magnification, imager[1] / magnification)
        return _spacing(true_mm, SpacingSource.IMAGER_MAGNIFICATION)
    if nominal is not None:
        notes.append("the scale is that of the scanned film: not corrected for radiographic magnification")
        return _spacing(nominal, SpacingSource.NOMINAL_SCANNED)
    if pixel is not None:
        notes.append("the file does not say whether its PixelSpacing is calibrated: used as it is")
        return _spacing(pixel, SpacingSource.UNVERIFIED)
    return None


def _magnification(stated: StatedScales, notes: list[str]) -> float | None:
    """The magnification the file states or implies, None if it does neither."""
    candidates: dict[str, float] = {}
    if stated.magnification is not None:
        candidates["EstimatedRadiographicMagnificationFactor"] = stated.magnification
    detector, patient = stated.source_to_detector_mm, stated.source_to_patient_mm
    # Zero is how many devices write "not known".
    if detector and patient:
        candidates["DistanceSourceToDetector / DistanceSourceToPatient"] = detector / patient
    for name, value in list(candidates.items()):
        if not MAGNIFICATION_RANGE[0] <= value <= MAGNIFICATION_RANGE[1]:
            notes.append(f"a magnification of {value:.4g} ({name}) is not possible: ignored")
            del candidates[name]
    values = list(candidates.values())
    if len(values) == 2 and abs(values[0] / values[1] - 1) > AGREEMENT:
        notes.append(
            f"the stated magnification factor {values[0]:.4g} is used; the distances give {values[1]:.4g}"
        )
    return values[0] if values else None


def _usable(
    pair_mm: tuple[float, float] | None, name: str, size_px: tuple[int, int], notes: list[str]
) -> tuple[float, float] | None:
    """The pair if a skull film can have it. 1 mm, a default of some writers, makes most films too large."""
    if pair_mm is None:
        return None
    low, high = MM_PER_PX_RANGE
    height_mm, width_mm = size_px[1] * pair_mm[0], size_px[0] * pair_mm[1]
    if all(low <= value <= high for value in pair_mm) and max(height_mm, width_mm) <= MAX_FILM_MM:
        return pair_mm
    notes.append(
        f"{name} of {pair_mm[0]:g} x {pair_mm[1]:g} mm is not possible for a skull film "
        f"of {size_px[0]} x {size_px[1]} pixels: ignored"
    )
    return None


def _spacing(pair_mm: tuple[float, float], source: SpacingSource) -> Spacing:
    return Spacing(x_mm_per_px=pair_mm[1], y_mm_per_px=pair_mm[0], source=source)


def _agree(first: tuple[float, float], second: tuple[float, float], tolerance: float) -> bool:
    return all(abs(a - b) <= tolerance * b for a, b in zip(first, second, strict=True))

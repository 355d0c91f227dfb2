from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from cephsure.errors import InputError
from cephsure.films import Spacing, SpacingSource
from cephsure.films.spacing import StatedScales, check_mm_per_px, decide_spacing

SIZE = (1935, 2400)


def decide(mm_per_px: float | None = None, **stated: Any) -> tuple[Spacing | None, tuple[str, ...]]:
    scale = decide_spacing(StatedScales(**stated), size_px=SIZE, mm_per_px=mm_per_px)
    return scale.spacing, scale.notes


def test_nothing_stated_is_nothing_known() -> None:
    assert decide() == (None, ())


@pytest.mark.parametrize("kind", ["GEOMETRY", "FIDUCIAL"])
def test_a_calibration_type_makes_pixel_spacing_calibrated(kind: str) -> None:
    spacing, notes = decide(pixel_mm=(0.09, 0.09), calibration_type=kind)
    assert spacing == Spacing(0.09, 0.09, SpacingSource.CALIBRATED)
    assert notes == ()


def test_first_comes_the_spacing_of_rows_which_is_y() -> None:
    spacing, _ = decide(pixel_mm=(0.3, 0.25), calibration_type="FIDUCIAL")
    assert spacing == Spacing(x_mm_per_px=0.25, y_mm_per_px=0.3, source=SpacingSource.CALIBRATED)


def test_pixel_spacing_other_than_the_imager_s_was_calibrated() -> None:
    spacing, notes = decide(pixel_mm=(0.09, 0.09), imager_mm=(0.1, 0.1), magnification=1.2)
    assert spacing == Spacing(0.09, 0.09, SpacingSource.CALIBRATED)
    assert notes == ()


def test_pixel_spacing_larger_than_the_imager_s_is_doubted() -> None:
    spacing, notes = decide(pixel_mm=(0.12, 0.12), imager_mm=(0.1, 0.1))
    assert spacing == Spacing(0.12, 0.12, SpacingSource.CALIBRATED)
    assert len(notes) == 1
    assert "no magnification explains" in notes[0]


@pytest.mark.parametrize("pixel", [(0.1, 0.1), (0.1001, 0.0999)])
def test_pixel_spacing_equal_to_the_imager_s_was_not_calibrated(pixel: tuple[float, float]) -> None:
    spacing, notes = decide(pixel_mm=pixel, imager_mm=(0.1, 0.1))
    assert spacing == Spacing(0.1, 0.1, SpacingSource.IMAGER)
    assert len(notes) == 1
    assert "unknown magnification" in notes[0]


def test_imager_spacing_is_divided_by_the_magnification_factor() -> None:
    spacing, notes = decide(imager_mm=(0.132, 0.11), magnification=1.1)
    assert spacing is not None
    assert spacing.source is SpacingSource.IMAGER_MAGNIFICATION
    assert spacing.x_mm_per_px == pytest.approx(0.1)
    assert spacing.y_mm_per_px == pytest.approx(0.12)
    assert notes == ()


def test_equal_pixel_spacing_does_not_stand_in_the_way_of_the_magnification() -> None:
    spacing, _ = decide(pixel_mm=(0.11, 0.11), imager_mm=(0.11, 0.11), magnification=1.1)
    assert spacing is not None
    assert spacing.source is SpacingSource.IMAGER_MAGNIFICATION


def test_distances_give_the_magnification_where_no_factor_is_stated() -> None:
    # 1650 mm to the detector, 1500 mm to the midsagittal plane: 1.1.
    spacing, notes = decide(imager_mm=(0.11, 0.11), source_to_detector_mm=1650, source_to_patient_mm=1500)
    assert spacing is not None
    assert spacing.x_mm_per_px == pytest.approx(0.1)
    assert spacing.source is SpacingSource.IMAGER_MAGNIFICATION
    assert notes == ()


@pytest.mark.parametrize(("detector", "patient"), [(1650, None), (None, 1500), (0.0, 1500.0), (1650.0, 0.0)])
def test_one_distance_gives_no_magnification(detector: float | None, patient: float | None) -> None:
    spacing, _ = decide(imager_mm=(0.1, 0.1), source_to_detector_mm=detector, source_to_patient_mm=patient)
    assert spacing == Spacing(0.1, 0.1, SpacingSource.IMAGER)


def test_the_stated_factor_wins_over_other_distances_and_that_is_said() -> None:
    spacing, notes = decide(
        imager_mm=(0.11, 0.11), magnification=1.1, source_to_detector_mm=1800, source_to_patient_mm=1500
    )
    assert spacing is not None
    assert spacing.x_mm_per_px == pytest.approx(0.1)
    assert notes == ("the stated magnification factor 1.1 is used; the distances give 1.2",)


@pytest.mark.parametrize("magnification", [0.9, -1.1, 0.0, 10.0])
def test_impossible_magnifications_are_ignored(magnification: float) -> None:
    spacing, notes = decide(imager_mm=(0.1, 0.1), magnification=magnification)
    assert spacing == Spacing(0.1, 0.1, SpacingSource.IMAGER)
    assert any("is not possible: ignored" in note for note in notes)


def test_a_magnification_of_one_is_taken_and_doubted() -> None:
    spacing, notes = decide(imager_mm=(0.1, 0.1), magnification=1.0)
    assert spacing == Spacing(0.1, 0.1, SpacingSource.IMAGER_MAGNIFICATION)
    assert len(notes) == 1
    assert "default" in notes[0]


def test_nominal_scanned_spacing() -> None:
    for pixel in (None, (0.127, 0.127)):
        spacing, notes = decide(nominal_mm=(0.127, 0.127), pixel_mm=pixel)
        assert spacing == Spacing(0.127, 0.127, SpacingSource.NOMINAL_SCANNED)
        assert len(notes) == 1
        assert "not corrected" in notes[0]


def test_pixel_spacing_other_than_the_nominal_one_was_calibrated() -> None:
    spacing, _ = decide(nominal_mm=(0.127, 0.127), pixel_mm=(0.115, 0.115))
    assert spacing == Spacing(0.115, 0.115, SpacingSource.CALIBRATED)


def test_the_imager_comes_before_the_scanner() -> None:
    spacing, _ = decide(nominal_mm=(0.127, 0.127), imager_mm=(0.1, 0.1), pixel_mm=(0.127, 0.127))
    assert spacing == Spacing(0.1, 0.1, SpacingSource.IMAGER)


def test_pixel_spacing_alone_is_used_and_called_unverified() -> None:
    spacing, notes = decide(pixel_mm=(0.1, 0.1))
    assert spacing == Spacing(0.1, 0.1, SpacingSource.UNVERIFIED)
    assert notes == ("the file does not say whether its PixelSpacing is calibrated: used as it is",)


@pytest.mark.parametrize("pair", [(0.0, 0.0), (-0.1, 0.1), (5.0, 5.0), (0.001, 0.1), (1.0, 1.0)])
def test_impossible_spacings_are_ignored(pair: tuple[float, float]) -> None:
    # 1 mm is a default of some writers; on this film it would mean a height of 2.4 m.
    for keyword in ("pixel_mm", "imager_mm", "nominal_mm"):
        spacing, notes = decide(**{keyword: pair}, calibration_type="FIDUCIAL")
        assert spacing is None
        assert len(notes) == 1
        assert "not possible" in notes[0]


def test_the_user_s_scale_is_used_where_the_file_states_none() -> None:
    assert decide(0.1) == (Spacing(0.1, 0.1, SpacingSource.USER), ())
    assert decide(0.1, pixel_mm=(0.0, 0.0))[0] == Spacing(0.1, 0.1, SpacingSource.USER)


@pytest.mark.parametrize(
    "stated",
    [
        {"pixel_mm": (0.1, 0.1), "calibration_type": "FIDUCIAL"},
        {"imager_mm": (0.11, 0.11), "magnification": 1.1},
        {"nominal_mm": (0.1, 0.1)},
        {"imager_mm": (0.1, 0.1)},
        {"pixel_mm": (0.1, 0.1)},
    ],
)
def test_the_user_comes_first_and_disagreement_over_two_percent_is_noted(stated: dict[str, Any]) -> None:
    # What the file leaves in doubt is no concern of someone who knows better.
    assert decide(0.1019, **stated) == (Spacing(0.1019, 0.1019, SpacingSource.USER), ())
    scale = decide_spacing(StatedScales(**stated), size_px=SIZE, mm_per_px=0.125)
    assert scale.spacing == Spacing(0.125, 0.125, SpacingSource.USER)
    assert scale.notes == (scale.disagreement,)
    assert str(scale.disagreement).startswith(
        "the given 0.125 mm per pixel is used: the file states 0.1 x 0.1 (dicom_"
    )


def test_the_data_sets_scale_comes_last() -> None:
    of_dataset = Spacing(0.3, 0.3, SpacingSource.DATASET)
    assert decide_spacing(StatedScales(), size_px=SIZE, of_dataset=of_dataset).spacing == of_dataset
    stated = StatedScales(pixel_mm=(0.1, 0.1))
    found = decide_spacing(stated, size_px=SIZE, of_dataset=of_dataset).spacing
    assert found == Spacing(0.1, 0.1, SpacingSource.UNVERIFIED)
    found = decide_spacing(StatedScales(), size_px=SIZE, mm_per_px=0.2, of_dataset=of_dataset).spacing
    assert found == Spacing(0.2, 0.2, SpacingSource.USER)


def test_one_number_is_along_x_and_the_files_spacing_tells_the_pixels_shape() -> None:
    stated: dict[str, Any] = {"imager_mm": (0.12, 0.1)}
    spacing, notes = decide(0.1, **stated)
    assert spacing is not None
    assert (spacing.x_mm_per_px, spacing.y_mm_per_px) == (0.1, pytest.approx(0.12))
    assert notes == ("pixels are not square (the file's spacing: height 1.2 of the width)",)
    scale = decide_spacing(StatedScales(**stated), size_px=SIZE, mm_per_px=(0.1, 0.1))
    assert scale.spacing == Spacing(0.1, 0.1, SpacingSource.USER)
    assert scale.notes == (
        "the given 0.1 mm per pixel is used: the file states 0.1 x 0.12 (dicom_imager_plane)",
    )


def test_pixels_that_are_not_square_are_noted_and_heeded() -> None:
    spacing, notes = decide(aspect=(6.0, 5.0))
    assert spacing is None
    assert notes == ("pixels are not square (PixelAspectRatio: height 1.2 of the width)",)
    spacing, _ = decide(0.1, aspect=(6.0, 5.0))
    assert spacing is not None
    assert (spacing.x_mm_per_px, spacing.y_mm_per_px) == (0.1, pytest.approx(0.12))
    assert decide(0.1, aspect=(1.0, 1.0))[1] == ()
    assert decide(0.1, aspect=(0.0, 1.0))[1] == ()


@pytest.mark.parametrize("mm", [0.01, 0.1, 2, 2.0, np.float32(0.1)])
def test_possible_scales(mm: float) -> None:
    check_mm_per_px(mm)
    spacing = decide_spacing(StatedScales(), size_px=SIZE, mm_per_px=mm).spacing
    assert spacing is not None
    assert type(spacing.x_mm_per_px) is float


@pytest.mark.parametrize(
    "mm", [0.0, -0.1, 0.0099, 2.01, math.nan, math.inf, -math.inf, True, "0.1", (0.1, 0.0)]
)
def test_impossible_scales(mm: Any) -> None:
    with pytest.raises(InputError, match=r"0\.01 to 2"):
        check_mm_per_px(mm)
    with pytest.raises(InputError):
        decide(mm)

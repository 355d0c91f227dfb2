from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from cephsure.errors import FilmError
from cephsure.films.dicom_header import numbers, pixel_layout, stated_scales, text
from cephsure.films.spacing import StatedScales
from cephsure.films.third_party import captured_warnings

if TYPE_CHECKING:
    from collections.abc import Callable

VALUES = np.arange(6400, dtype=np.uint16).reshape(80, 80)


def test_layout(dataset_of: Callable[..., Dataset]) -> None:
    layout = pixel_layout(dataset_of(VALUES, 13))
    assert (layout.rows, layout.columns, layout.bits_stored, layout.high_bit) == (80, 80, 13, 12)
    assert layout.is_grey
    assert not layout.is_signed


def test_what_is_silent_has_its_usual_value(dataset_of: Callable[..., Dataset]) -> None:
    dataset = dataset_of(VALUES, 16)
    for keyword in ("SamplesPerPixel", "BitsStored", "HighBit", "PixelRepresentation"):
        delattr(dataset, keyword)
    dataset.PhotometricInterpretation = ""
    layout = pixel_layout(dataset)
    assert (layout.samples, layout.bits_stored, layout.high_bit) == (1, 16, 15)
    assert layout.photometric == "MONOCHROME2"
    named = ["SamplesPerPixel", "BitsStored", "HighBit", "PixelRepresentation", "PhotometricInterpretation"]
    assert [note.split(" is missing in the header: taken as ")[0] for note in layout.notes] == named


def test_bits_allocated_are_known_from_those_stored(dataset_of: Callable[..., Dataset]) -> None:
    dataset = dataset_of(VALUES, 12)
    del dataset.BitsAllocated
    layout = pixel_layout(dataset)
    assert layout.bits_allocated == 16
    assert layout.notes == ("BitsAllocated is missing in the header: taken as 16 (from BitsStored)",)
    del dataset.BitsStored
    assert pixel_layout(dataset).bits_stored == 12
    del dataset.HighBit
    layout = pixel_layout(dataset)
    assert (layout.bits_allocated, layout.bits_stored, layout.high_bit) == (16, 16, 15)
    assert layout.notes[0] == (
        "BitsAllocated is missing in the header: taken as 16 (by the length of the pixel data)"
    )
    dataset.PixelData = dataset.PixelData[:10]
    with pytest.raises(FilmError, match="BitsAllocated is missing"):
        pixel_layout(dataset)


def test_bits_stored_are_known_from_the_highest_bit(dataset_of: Callable[..., Dataset]) -> None:
    dataset = dataset_of(VALUES, 12)
    del dataset.BitsStored
    layout = pixel_layout(dataset)
    assert (layout.bits_stored, layout.high_bit) == (12, 11)
    assert layout.notes == ("BitsStored is missing in the header: taken as 12 (from HighBit)",)


@pytest.mark.parametrize("keyword", ["Rows", "Columns"])
def test_what_cannot_be_guessed_is_asked_for(keyword: str, dataset_of: Callable[..., Dataset]) -> None:
    dataset = dataset_of(VALUES, 16)
    delattr(dataset, keyword)
    with pytest.raises(FilmError, match=f"{keyword} is missing"):
        pixel_layout(dataset)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"NumberOfFrames": 7}, "holds 7 frames"),
        ({"BitsStored": 17, "HighBit": 16}, "contradicts itself"),
        ({"BitsAllocated": 12}, "contradicts itself"),
        ({"BitsStored": 0}, "contradicts itself"),
        ({"SamplesPerPixel": 3}, "contradicts itself: 3 samples"),
        ({"PhotometricInterpretation": "HSV"}, "interpretation HSV is not known"),
        ({"Rows": [80, 80]}, "Rows is malformed"),
    ],
)
def test_headers_that_cannot_be_right(
    changes: dict[str, Any], words: str, dataset_of: Callable[..., Dataset]
) -> None:
    with pytest.raises(FilmError, match=words):
        pixel_layout(dataset_of(VALUES, 16, **changes))


def test_all_scales_are_collected_in_the_order_of_dicom() -> None:
    dataset = Dataset()
    dataset.PixelSpacing = [0.2, 0.1]
    dataset.ImagerPixelSpacing = ["0.22", "0.11"]
    dataset.NominalScannedPixelSpacing = [0.3, 0.4]
    dataset.PixelSpacingCalibrationType = "FIDUCIAL "
    dataset.EstimatedRadiographicMagnificationFactor = "1.1"
    dataset.DistanceSourceToDetector = 1650
    dataset.DistanceSourceToPatient = 1500
    dataset.PixelAspectRatio = ["6", "5"]
    assert stated_scales(dataset) == (
        StatedScales((0.2, 0.1), (0.22, 0.11), (0.3, 0.4), "FIDUCIAL", 1.1, 1650.0, 1500.0, (6.0, 5.0)),
        (),
    )
    assert stated_scales(Dataset()) == (StatedScales(), ())


def test_malformed_scales_are_left_out_with_a_note() -> None:
    dataset = Dataset()
    dataset.PixelSpacing = "0.1"
    dataset.ImagerPixelSpacing = []
    with captured_warnings():
        dataset.PixelSpacingCalibrationType = "NO\x1b[31mNE"
        raw = pydicom.dataelem.RawDataElement(
            pydicom.tag.Tag("NominalScannedPixelSpacing"), "DS", 8, b"nonsense", 0, False, True
        )
        dataset[raw.tag] = raw
        scales, notes = stated_scales(dataset)
    assert (scales.pixel_mm, scales.imager_mm, scales.nominal_mm) == (None, None, None)
    assert notes == (
        "PixelSpacingCalibrationType NO?[31MNE is unknown: ignored",
        "PixelSpacing is malformed: ignored",
        "NominalScannedPixelSpacing is malformed: ignored",
    )


def test_numbers_and_text_of_what_is_absent() -> None:
    notes: list[str] = []
    assert numbers(Dataset(), "RescaleSlope", 1, notes) is None
    assert notes == []
    assert text(Dataset(), "Modality") == ""

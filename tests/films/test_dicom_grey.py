from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from cephsure.errors import FilmError
from cephsure.films import read
from cephsure.films.dicom import read_dicom
from cephsure.films.film import DEFAULT_LIMITS, Picture

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Make = Callable[..., Dataset]
    Write = Callable[[Dataset], bytes]

# A made film of 12 bits, in a part of the range.
FILM = (500 + np.linspace(0, 3000, 100 * 100)).round().astype(np.uint16).reshape(100, 100)
UNIT = (FILM - 500) / 3000.0


@pytest.fixture
def grey(dataset_of: Make, dicom_bytes: Write) -> Callable[..., Picture]:
    """Give ``grey(values, bits, photometric, **attributes)``: what is read of such a file."""

    def read(
        values: NDArray[Any] = FILM, bits: int = 16, photometric: str = "MONOCHROME2", **attributes: Any
    ) -> Picture:
        dataset = dataset_of(values, bits, photometric, **attributes)
        return read_dicom(dicom_bytes(dataset), DEFAULT_LIMITS)

    return read


def lut(entries: NDArray[Any], *, first: int = 0, bits: int = 16) -> Sequence:
    item = Dataset()
    item.LUTDescriptor = [len(entries) % 65_536, first, bits]
    item.LUTData = entries.astype("<u2").tobytes()
    return Sequence([item])


def with_mark(share: float = 0.02, value: int = 65_535) -> NDArray[np.uint16]:
    values = FILM.copy()
    values.ravel()[: int(share * values.size)] = value
    return values


def test_a_window_that_holds_all_changes_nothing(grey: Callable[..., Picture]) -> None:
    picture = grey(WindowCenter=2048, WindowWidth=4096)
    np.testing.assert_allclose(picture.pixels, UNIT, atol=1e-6)
    assert picture.notes == ()


def test_a_window_leaves_a_burnt_in_mark_out(grey: Callable[..., Picture]) -> None:
    picture = grey(with_mark(), WindowCenter=2048, WindowWidth=4096)
    # From the smallest value that is left to the window's upper end.
    low = float(with_mark().min())
    np.testing.assert_allclose(picture.pixels[5:], ((FILM - low) / (4095 - low))[5:], atol=2e-3)
    assert picture.notes[0] == (
        "the header's window (centre 2048, width 4096) was applied: 2.0% of the film lie outside"
    )


def test_without_a_window_the_mark_is_left_out_too(grey: Callable[..., Picture]) -> None:
    picture = grey(with_mark())
    assert picture.pixels[2:].min() < 0.001
    assert np.median(picture.pixels) > 0.4
    assert "2.0% of the pixels have values far above all others" in picture.notes[0]


@pytest.mark.parametrize(("centre", "width"), [(128, 256), (40_000, 100), (2048, 1)])
def test_a_window_that_does_not_fit_is_not_applied(
    centre: int, width: int, grey: Callable[..., Picture]
) -> None:
    picture = grey(WindowCenter=centre, WindowWidth=width)
    np.testing.assert_allclose(picture.pixels, UNIT, atol=1e-6)
    name = f"centre {centre}, width {width}"
    words = f"the header's window ({name}) does not fit the film's grey values: not applied"
    assert picture.notes == (words,)


def test_of_several_windows_the_first_that_fits(grey: Callable[..., Picture]) -> None:
    picture = grey(WindowCenter=[20_000, 1900], WindowWidth=[10, 2600])
    assert [("not applied" in note, "was applied" in note) for note in picture.notes] == [
        (True, False),
        (False, True),
    ]


def test_a_window_is_stated_in_rescaled_values(grey: Callable[..., Picture]) -> None:
    plain = grey(with_mark(), WindowCenter=2048, WindowWidth=4096)
    moved = grey(
        with_mark(),
        WindowCenter=str(2 * 2048 - 1000),
        WindowWidth="8192",
        RescaleSlope="2",
        RescaleIntercept="-1000",
    )
    np.testing.assert_allclose(moved.pixels, plain.pixels, atol=2e-3)


def test_a_sigmoid_window_bends(grey: Callable[..., Picture]) -> None:
    picture = grey(WindowCenter=2000, WindowWidth=2000, VOILUTFunction="SIGMOID")
    bent = 1 / (1 + np.exp(-4 * (FILM - 2000.0) / 2000))
    expected = (bent - bent.min()) / (bent.max() - bent.min())
    np.testing.assert_allclose(picture.pixels, expected, atol=1e-3)
    assert "sigmoid window" in picture.notes[0]


def test_a_voi_table_is_applied(grey: Callable[..., Picture]) -> None:
    entries = np.sqrt(np.arange(4096) / 4095) * 65_535
    picture = grey(VOILUTSequence=lut(entries))
    mapped = entries.astype(np.uint16).astype(float)[FILM]
    expected = (mapped - mapped.min()) / (mapped.max() - mapped.min())
    np.testing.assert_allclose(picture.pixels, expected, atol=1e-5)
    assert picture.notes == ("the header's VOI table (LUT) was applied, as for display",)


def test_a_voi_table_goes_before_a_window_and_a_malformed_one_does_not(
    grey: Callable[..., Picture],
) -> None:
    entries = np.arange(4096) * 16
    both = grey(with_mark(), VOILUTSequence=lut(entries), WindowCenter=2048, WindowWidth=4096)
    assert "VOI table (LUT) was applied" in both.notes[0]
    wrong = lut(entries)
    wrong[0].LUTDescriptor = [9999, 0, 16]
    picture = grey(with_mark(), VOILUTSequence=wrong, WindowCenter=2048, WindowWidth=4096)
    assert picture.notes[0] == "the header's VOI table is malformed: not applied"
    assert "window" in picture.notes[1]


def test_a_voi_table_that_would_drop_the_film_is_not_applied(grey: Callable[..., Picture]) -> None:
    entries = np.clip(np.arange(4096) - 4000, 0, 50)
    picture = grey(VOILUTSequence=lut(entries))
    np.testing.assert_allclose(picture.pixels, UNIT, atol=1e-6)
    assert "would drop" in picture.notes[0]


def test_a_modality_table_is_applied(grey: Callable[..., Picture]) -> None:
    entries = 65_535 - np.arange(4096) * 16
    picture = grey(ModalityLUTSequence=lut(entries))
    np.testing.assert_allclose(picture.pixels, 1 - UNIT, atol=1e-5)


def test_an_inverse_presentation_is_turned_and_not_twice(grey: Callable[..., Picture]) -> None:
    inverse = grey(PresentationLUTShape="INVERSE")
    np.testing.assert_allclose(inverse.pixels, 1 - UNIT, atol=1e-6)
    assert inverse.notes == ("to be shown as a negative (PresentationLUTShape INVERSE): turned",)
    both = grey(FILM, 16, "MONOCHROME1", PresentationLUTShape="INVERSE")
    np.testing.assert_allclose(both.pixels, 1 - UNIT, atol=1e-6)
    same = grey(PresentationLUTShape="IDENTITY")
    np.testing.assert_allclose(same.pixels, UNIT, atol=1e-6)


@pytest.mark.parametrize("padding", [-2000, 63_536])
def test_padding_is_known_whatever_its_sign(padding: int, grey: Callable[..., Picture]) -> None:
    values = FILM.astype(np.int16)
    values[:20] = -2000
    dataset_padding = padding if padding < 0 else padding - 65_536
    picture = grey(values, 16, PixelPaddingValue=dataset_padding)
    np.testing.assert_allclose(picture.pixels[20:], (FILM[20:] - 1100) / 2400, atol=1e-3)
    assert picture.pixels[:20].max() == 0


def test_raw_detector_values_are_said_to_be_such(grey: Callable[..., Picture]) -> None:
    assert "raw detector values" in grey(PresentationIntentType="FOR PROCESSING").notes[0]


@pytest.mark.parametrize("little", [True, False])
@pytest.mark.parametrize("bits", [8, 16])
def test_a_grey_palette_in_either_byte_order(
    bits: int, little: bool, grey8: NDArray[np.uint8], dataset_of: Make
) -> None:
    entries = np.arange(256) * (257 if bits == 16 else 1)
    data = entries.astype(("<" if little else ">") + "u2").tobytes()
    if bits == 8:
        packed = entries.astype(np.uint8)
        data = (packed if little else packed.reshape(-1, 2)[:, ::-1]).tobytes()
    dataset = dataset_of(grey8, 8, "PALETTE COLOR")
    for colour in ("Red", "Green", "Blue"):
        setattr(dataset, f"{colour}PaletteColorLookupTableDescriptor", [256, 0, bits])
        setattr(dataset, f"{colour}PaletteColorLookupTableData", data)
    del dataset.file_meta
    dataset["PixelData"].VR = "OB"
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, dataset, implicit_vr=False, little_endian=little, enforce_file_format=False)
    picture = read_dicom(buffer.getvalue(), DEFAULT_LIMITS)
    np.testing.assert_allclose(picture.pixels, grey8 / 255, atol=1e-6)


def test_a_palette_that_is_missing_is_said(grey8: NDArray[np.uint8], grey: Callable[..., Picture]) -> None:
    with pytest.raises(FilmError, match="palette in the DICOM header is missing or malformed"):
        grey(grey8, 8, "PALETTE COLOR")


def test_colour_of_16_bits_keeps_its_depth(grey: Callable[..., Picture]) -> None:
    picture = grey(np.repeat(FILM[..., None], 3, axis=2), 12, "RGB")
    np.testing.assert_allclose(picture.pixels, UNIT, atol=1e-6)


def test_padding_of_a_negative_is_black_whatever_its_value(
    grey12: NDArray[np.uint16], dataset_of: Callable[..., Dataset], dicom_bytes: Callable[[Dataset], bytes]
) -> None:
    padded = grey12.copy()
    padded[:10] = 0
    dataset = dataset_of(padded, 12)
    dataset.PhotometricInterpretation, dataset.PixelPaddingValue = "MONOCHROME1", 0
    assert read(dicom_bytes(dataset)).pixels[:10].max() == 0


def test_a_slope_of_nothing_is_noted(
    grey12: NDArray[np.uint16], dataset_of: Callable[..., Dataset], dicom_bytes: Callable[[Dataset], bytes]
) -> None:
    dataset = dataset_of(grey12, 12)
    dataset.RescaleSlope, dataset.RescaleIntercept = 0, 0
    film = read(dicom_bytes(dataset))
    assert film.notes == ("RescaleSlope is 0, which is not possible: ignored",)

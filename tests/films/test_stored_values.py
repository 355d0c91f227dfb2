from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from cephsure.films import read
from cephsure.films.dicom_header import PixelLayout
from cephsure.films.stored_values import stored_values

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from pydicom.dataset import Dataset


def layout(
    bits: int, *, is_signed: bool = False, allocated: int = 16, high_bit: int | None = None
) -> PixelLayout:
    highest = bits - 1 if high_bit is None else high_bit
    return PixelLayout(120, 160, 1, allocated, bits, highest, is_signed, "MONOCHROME2")


def head(seed: int = 0) -> NDArray[np.float64]:
    """A smooth picture with some grain, from 0 to 1, that crosses every level."""
    y, x = np.mgrid[:120, :160] / 120
    waves = 0.5 + 0.4 * np.sin(7 * x + 2 * y) * np.cos(5 * y)
    return np.asarray((waves + np.random.default_rng(seed).normal(0, 0.004, waves.shape)).clip(0, 1))


SIGNED = np.rint(head() * 4095 - 2048).astype(np.int16)
UNSIGNED = np.rint(head() * 4095).astype(np.uint16)


@pytest.mark.parametrize(
    ("samples", "said", "wanted"),
    [
        (UNSIGNED, layout(12), UNSIGNED),
        (UNSIGNED | 0x8000, layout(12), UNSIGNED),
        (UNSIGNED << 4, layout(12, high_bit=15), UNSIGNED),
        (SIGNED.view(np.uint16), layout(12, is_signed=True), SIGNED),
        (SIGNED.view(np.uint16) & 0x0FFF, layout(12, is_signed=True), SIGNED),
        (SIGNED.view(np.uint16), layout(16, is_signed=True), SIGNED),
    ],
)
def test_the_header_is_believed(samples: NDArray[Any], said: PixelLayout, wanted: NDArray[Any]) -> None:
    values, notes = stored_values(samples, said)
    np.testing.assert_array_equal(values, wanted)
    assert notes == ()


@pytest.mark.parametrize(
    ("samples", "said", "wanted", "words"),
    [
        (UNSIGNED, layout(12, is_signed=True), UNSIGNED, "12 bits with a sign"),
        (UNSIGNED << 4, layout(16, is_signed=True), UNSIGNED << 4, "16 bits with a sign"),
        (SIGNED.view(np.uint16), layout(16), SIGNED, "16 bits without a sign"),
        (SIGNED.view(np.uint16), layout(12), SIGNED, "12 bits without a sign"),
        (UNSIGNED, layout(10), UNSIGNED, "10 bits without a sign"),
        (UNSIGNED, layout(8), UNSIGNED, "8 bits without a sign"),
    ],
)
def test_a_header_that_tears_the_film_apart_is_not(
    samples: NDArray[Any], said: PixelLayout, wanted: NDArray[Any], words: str
) -> None:
    values, notes = stored_values(samples, said)
    np.testing.assert_array_equal(values, wanted)
    assert len(notes) == 1
    assert notes[0].startswith(f"the header says {words}, which tears the film apart: read as ")


def test_of_a_stream_all_bits_count() -> None:
    values, notes = stored_values(UNSIGNED, layout(10), stream_bits=12)
    np.testing.assert_array_equal(values, UNSIGNED)
    assert notes == ()
    values, _ = stored_values(UNSIGNED, layout(10, is_signed=True), stream_bits=12)
    np.testing.assert_array_equal(values, UNSIGNED)


def odd_films() -> dict[str, NDArray[np.uint16]]:
    rng = np.random.default_rng(5)
    bright = np.rint(2100 + head() * 1900)
    collimated = bright.copy()
    collimated[:30] = rng.integers(0, 40, (30, 160))
    labelled = np.rint(head() * 1500)
    labelled[10:40:2, 20:90] = 4095
    return {
        "noise": rng.integers(0, 4096, (120, 160)).astype(np.uint16),
        "black and white": np.where(rng.random((120, 160)) < 0.5, 0, 4095).astype(np.uint16),
        "a noisy border": collimated.astype(np.uint16),
        "letters": labelled.astype(np.uint16),
        "bits that mean nothing": UNSIGNED | (rng.integers(0, 16, UNSIGNED.shape) << 12).astype(np.uint16),
        "an overlay": UNSIGNED | (np.mgrid[:120, :160][0] < 40).astype(np.uint16) << 15,
        "saturated": (head() * 9000 - 2000).clip(0, 4095).astype(np.uint16),
    }


@pytest.mark.parametrize("kind", odd_films())
def test_odd_films_raise_no_false_alarm(kind: str) -> None:
    film = odd_films()[kind]
    values, notes = stored_values(film, layout(12))
    np.testing.assert_array_equal(values, film & 0x0FFF)
    assert notes == ()


def test_a_film_in_a_file(
    dataset_of: Callable[..., Dataset], dicom_bytes: Callable[[Dataset], bytes]
) -> None:
    dataset = dataset_of(UNSIGNED, 12)
    plain = read(dicom_bytes(dataset))
    dataset.PixelRepresentation = 1
    film = read(dicom_bytes(dataset))
    np.testing.assert_array_equal(film.pixels, plain.pixels)
    assert "tears the film apart" in " ".join(film.notes)

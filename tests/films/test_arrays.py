from __future__ import annotations

import numpy as np
import pytest

from cephsure.errors import FilmError
from cephsure.films.arrays import picture_of_array
from cephsure.films.film import DEFAULT_LIMITS, Picture, ReadLimits


def picture(values: object) -> Picture:
    return picture_of_array(values, DEFAULT_LIMITS)


RAMP = np.arange(6400).reshape(80, 80)


def test_eight_bits_are_value_over_255() -> None:
    values = (RAMP % 256).astype(np.uint8)
    np.testing.assert_allclose(picture(values).pixels, values / 255, atol=1e-7)
    np.testing.assert_array_equal(picture(values > 100).pixels, values > 100)


@pytest.mark.parametrize("kind", ["<u2", ">u2", "i2", "i4", "u4", "i8", "f4", "f8", ">f4"])
def test_deeper_numbers_are_scaled_by_the_range_they_use(kind: str) -> None:
    found = picture((RAMP + 100).astype(kind))
    np.testing.assert_allclose(found.pixels, RAMP / 6399, atol=1e-6)
    assert found.pixels.dtype == np.float32
    expected = ("floating-point values from 100 to 6499: scaled to 0 to 1 by the range they use",)
    assert found.notes == (expected if "f" in kind else ())


def test_floating_point_grey_within_0_and_1_stays_as_it_is() -> None:
    values = 0.25 + RAMP / 20_000
    found = picture(values)
    np.testing.assert_allclose(found.pixels, values, atol=1e-7)
    same = values.astype(np.float32)
    assert not np.shares_memory(picture(same).pixels, same)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.zeros((80, 80, 3)), "two dimensions, height and width, not 80 x 80 x 3"),
        (np.float64(3), "two dimensions, height and width, not a single number"),
        (RAMP[:10].astype(float), "80 x 10 pixels: too small"),
        (np.full((80, 80), 0.5), "blank"),
        (np.full((80, 80), np.nan), "not finite"),
        (np.full((80, 80), 1j), "an array of complex128 is no film"),
        (np.full((80, 80), "a"), "an array of <U1 is no film"),
        (np.full((80, 80), None), "an array of object is no film"),
    ],
)
def test_other_arrays_are_refused(values: object, words: str) -> None:
    with pytest.raises(FilmError, match=words):
        picture(values)


def test_an_array_is_held_to_the_limits() -> None:
    with pytest.raises(FilmError, match="more than the limit"):
        picture_of_array(RAMP.astype(float), ReadLimits(max_pixels=6399))

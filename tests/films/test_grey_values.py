from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from cephsure.errors import FilmError
from cephsure.films.grey_values import MAX_MEAN_CHROMA, grey_of_colour, mean_chroma, scale_bits, scale_range

DTYPES = st.sampled_from([np.uint16, np.int16, np.uint32, np.int32, np.float32])


@st.composite
def pictures(draw: st.DrawFn) -> np.ndarray:
    dtype = np.dtype(draw(DTYPES))
    elements = (
        st.floats(-1e6, 1e6, width=32)
        if dtype.kind == "f"
        else st.integers(int(np.iinfo(dtype).min), int(np.iinfo(dtype).max))
    )
    return draw(hnp.arrays(dtype, (8, 9), elements=elements))


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(pictures())
def test_scaling_by_range_keeps_order_and_stays_within_0_and_1(values: np.ndarray) -> None:
    if values.min() == values.max():
        with pytest.raises(FilmError, match="blank"):
            scale_range(values)
        return
    scaled, _ = scale_range(values)
    assert scaled.dtype == np.float32
    assert scaled.shape == values.shape
    assert (scaled.min(), scaled.max()) == (0.0, 1.0)
    ordered = scaled.ravel()[np.argsort(values.ravel(), kind="stable")]
    assert (np.diff(ordered) >= 0).all()
    again, _ = scale_range(values.copy())
    np.testing.assert_array_equal(again, scaled)


@settings(max_examples=50, deadline=None)
@given(bits=st.integers(1, 8), data=st.data())
def test_scaling_by_bits_is_value_over_white(bits: int, data: st.DataObject) -> None:
    values = data.draw(hnp.arrays(np.uint8, (5, 6), elements=st.integers(0, 2**bits - 1)))
    values[0, :2] = 0, 1
    scaled = scale_bits(values, bits=bits)
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled, values / (2.0**bits - 1), atol=1e-7)


def test_twelve_bits_in_sixteen_span_the_whole_range() -> None:
    values = np.array([[0, 1365], [2730, 4095]], np.uint16)
    scaled, notes = scale_range(values)
    np.testing.assert_allclose(scaled, [[0, 1 / 3], [2 / 3, 1]], atol=1e-7)
    assert notes == ()


def test_the_sixteen_bit_twin_of_a_full_range_film_is_equal_to_it() -> None:
    values = np.arange(256, dtype=np.uint8).reshape(16, 16)
    twin, _ = scale_range(values.astype(np.uint16) * 257)
    np.testing.assert_allclose(twin, scale_bits(values, bits=8), atol=1e-7)


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float32])
def test_a_few_stray_pixels_do_not_squash_the_film(dtype: type) -> None:
    values = np.linspace(1000, 2000, 10_000).round().astype(dtype).reshape(100, 100)
    values[50, 50:55] = 60_000
    scaled, notes = scale_range(values)
    # By the definition: ranks 9 and 9990 of the 10000 values; five strays push the upper rank down by five.
    ordered = np.sort(values.ravel())
    low, high = float(ordered[9]), float(ordered[9990])
    assert 1000 <= low < 1003
    assert 1997 < high <= 2000
    np.testing.assert_allclose(scaled, np.clip((values - low) / (high - low), 0, 1), atol=1e-6)
    assert len(notes) == 1
    assert "clipped" in notes[0]


def test_padding_has_no_say_in_the_range() -> None:
    values = np.array([[-2000, 10], [20, 30]], np.int16)
    scaled, _ = scale_range(values, ignored=values == -2000)
    np.testing.assert_allclose(scaled, [[0, 0], [0.5, 1]])
    with pytest.raises(FilmError, match="blank"):
        scale_range(values, ignored=np.ones_like(values, bool))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(bad: float) -> None:
    with pytest.raises(FilmError, match="not finite"):
        scale_range(np.array([[0.0, bad]], np.float32))


def test_a_blank_film_is_refused() -> None:
    with pytest.raises(FilmError, match="blank"):
        scale_bits(np.full((4, 4), 7, np.uint8), bits=8)


def test_equal_channels_are_exactly_the_grey_they_hold() -> None:
    values = np.arange(256, dtype=np.uint8).reshape(16, 16)
    grey, notes = grey_of_colour(Image.fromarray(values).convert("RGB"))
    np.testing.assert_array_equal(grey, values)
    assert notes == ()


def test_mean_chroma_by_hand() -> None:
    pixels = np.array([[[255, 0, 0], [10, 10, 10]], [[0, 51, 102], [7, 7, 58]]], np.uint8)
    # 255, 0, 102 and 51 over 255: 1, 0, 0.4 and 0.2.
    assert mean_chroma(Image.fromarray(pixels)) == pytest.approx(1.6 / 4)


def test_a_slight_tint_is_dropped_with_a_note_and_colour_is_refused() -> None:
    tinted = np.full((10, 10, 3), 100, np.uint8)
    tinted[..., 2] += 12  # 12 / 255 = 0.047
    grey, notes = grey_of_colour(Image.fromarray(tinted))
    assert notes == ("slight colour (mean chroma 0.047) was dropped",)
    assert set(np.unique(grey)) == {101}  # 100 + 0.114 x 12
    tinted[..., 2] += 1  # 13 / 255 = 0.051
    assert mean_chroma(Image.fromarray(tinted)) > MAX_MEAN_CHROMA
    with pytest.raises(FilmError, match="in colour"):
        grey_of_colour(Image.fromarray(tinted))

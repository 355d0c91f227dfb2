from __future__ import annotations

import numpy as np
import pytest

from cephsure.errors import InputError
from cephsure.studies.shifts import TONE_CURVE, to_cephalogram


def disc(height: int = 120, width: int = 100) -> np.ndarray:
    """A ring of bone round a brain, in air."""
    y, x = np.indices((height, width))
    radius = np.hypot(x - 44, y - 57)
    return (3.2 * (radius < 35) + 0.9 * ((radius > 31) & (radius < 35))).astype(np.float32)


@pytest.mark.parametrize(("integral", "grey"), TONE_CURVE)
def test_an_even_image_gets_the_grey_of_the_tone_curve(integral, grey):
    even = np.full((40, 30), integral, dtype=np.float32)
    np.testing.assert_allclose(to_cephalogram(even, mm_per_px=0.5), grey / 255, atol=1e-5)


def test_the_tone_curve_rises():
    at, grey = np.array(TONE_CURVE).T
    assert (np.diff(at) > 0).all()
    assert (np.diff(grey) > 0).all()


def test_bone_is_brighter_than_brain_than_air_and_nothing_moves():
    pixels = to_cephalogram(disc(), mm_per_px=1.0)
    assert pixels.dtype == np.float32
    assert pixels.min() >= 0
    assert pixels.max() <= 1
    assert pixels[57, 44 + 33] > pixels[57, 44] + 0.1 > pixels[5, 90] + 0.5
    np.testing.assert_allclose(
        pixels[:, ::-1], to_cephalogram(disc()[:, ::-1].copy(), mm_per_px=1.0), atol=1e-5
    )


def test_detail_and_sharpening_raise_contrast():
    fine = 3 + 0.1 * np.sin(np.arange(100) * 2 * np.pi / 5)
    image = np.tile(fine, (60, 1)).astype(np.float32)
    plain = to_cephalogram(image, mm_per_px=1.0, detail_gain=1, sharpening=0).std()
    assert to_cephalogram(image, mm_per_px=1.0, detail_gain=2, sharpening=0).std() > 1.5 * plain
    assert to_cephalogram(image, mm_per_px=1.0, detail_gain=1, sharpening=1).std() > 1.2 * plain


def test_grain_is_seeded_and_of_the_given_strength():
    even = np.full((200, 200), 3.0, dtype=np.float32)
    one, again, other = (to_cephalogram(even, mm_per_px=0.25, grain=0.02, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)
    assert one.std() == pytest.approx(0.02, rel=1e-3)


def test_what_is_not_an_image_is_refused():
    with pytest.raises(InputError):
        to_cephalogram(np.zeros((3, 4, 5), dtype=np.float32), mm_per_px=1.0)
    with pytest.raises(InputError):
        to_cephalogram(np.full((3, 4), np.nan, dtype=np.float32), mm_per_px=1.0)

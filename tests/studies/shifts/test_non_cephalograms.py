from __future__ import annotations

import numpy as np
import pytest

from cephsure.studies.shifts.non_cephalograms import NON_CEPHALOGRAMS, non_cephalogram


@pytest.mark.slow
@pytest.mark.parametrize("name", NON_CEPHALOGRAMS)
def test_each_seed_draws_another_picture_of_a_films_size(name):
    first, again, other = (non_cephalogram(name, seed=seed) for seed in (1, 1, 2))
    assert first.pixels.dtype == np.float32
    assert 0 <= first.pixels.min() <= first.pixels.max() <= 1
    np.testing.assert_array_equal(first.pixels, again.pixels)
    assert np.abs(first.pixels - other.pixels).max() > 0.02
    assert first.width_px * first.spacing.x_mm_per_px == pytest.approx(193.6)
    assert first.height_px * first.spacing.y_mm_per_px == pytest.approx(240.0)


def test_kinds_differ_under_one_seed():
    pictures = [non_cephalogram(name, seed=4).pixels for name in NON_CEPHALOGRAMS]
    for index, picture in enumerate(pictures):
        assert all(np.abs(picture - other).max() > 0.1 for other in pictures[:index])


def test_photograph_falls_as_one_over_f():
    """Power along a row, of amplitudes 1/f in the plane, falls about with the square of the frequency."""
    pixels = non_cephalogram("photograph", seed=0).pixels
    power = np.mean(np.abs(np.fft.rfft(pixels - pixels.mean(axis=1, keepdims=True), axis=1)) ** 2, axis=0)
    slope = np.polyfit(np.log(np.arange(4, 200)), np.log(power[4:200]), 1)[0]
    assert -3.0 < slope < -1.0


def test_empty_film_holds_no_object():
    pixels = non_cephalogram("nothing", seed=0).pixels
    coarse = pixels.reshape(24, 50, 44, 22).mean(axis=(1, 3))
    assert np.ptp(coarse) < 0.12
    assert 0 < pixels.std() < 0.05


def test_chessboard_has_two_greys():
    assert len(np.unique(non_cephalogram("chessboard", seed=0).pixels)) == 2

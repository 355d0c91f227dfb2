from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cephsure.preprocessing import orient, standardise, stretch_grey

IMAGE = np.array([[0.0, 0.25], [0.5, 1.0]], np.float32)


def ramp(low, high):
    return np.linspace(low, high, 80 * 96, dtype=np.float32).reshape(80, 96)


def test_the_percentiles_come_to_lie_at_0_and_1():
    # On every eighth pixel of every eighth row, as its description says.
    pixels = np.random.default_rng(0).uniform(0.2, 0.6, (160, 240)).astype(np.float32)
    stretched = stretch_grey(pixels)
    low, high = np.percentile(stretched[::8, ::8], (0.5, 99.5))
    assert low == pytest.approx(0.0, abs=2e-3)
    assert high == pytest.approx(1.0, abs=2e-3)
    assert (stretched.min(), stretched.max()) == (0.0, 1.0)


@settings(deadline=None)
@given(
    gain=st.floats(0.05, 50, allow_nan=False),
    lift=st.floats(-5, 5, allow_nan=False),
)
def test_gain_and_lift_of_a_scanner_do_not_matter(gain, lift):
    pixels = ramp(0, 1)
    assert np.allclose(
        stretch_grey((gain * pixels + lift).astype(np.float32)), stretch_grey(pixels), atol=2e-3
    )


def test_the_film_itself_is_left_as_it_is():
    pixels = ramp(0.3, 0.9)
    before = pixels.copy()
    stretch_grey(pixels)
    assert np.array_equal(pixels, before)


def test_a_negative_stretches_to_the_negative():
    pixels = ramp(0.1, 0.7)
    assert np.allclose(stretch_grey(1 - pixels), 1 - stretch_grey(pixels), atol=1e-5)


def test_a_film_of_one_grey_gives_no_nan():
    assert np.isfinite(stretch_grey(np.full((32, 32), 0.4, np.float32))).all()
    assert np.abs(standardise(np.full((2, 8, 8), 0.4, np.float32))).max() < 1e-4


def test_standardise_works_on_each_image_alone():
    images = np.stack([ramp(0, 1), ramp(5, 9)])
    done = standardise(images)
    assert np.allclose(done.mean(axis=(1, 2)), 0, atol=1e-4)
    # A ramp's standard deviation is its range over the root of 12; 0.01 is added to it.
    spread = np.array([1, 4]) / np.sqrt(12)
    assert np.allclose(done.std(axis=(1, 2)), spread / (spread + 0.01), atol=1e-3)
    assert np.array_equal(done[0], standardise(images[0]))


@pytest.mark.parametrize(
    ("left", "negative", "expected"),
    [
        (False, False, [[0.0, 0.25], [0.5, 1.0]]),
        (True, False, [[0.25, 0.0], [1.0, 0.5]]),
        (False, True, [[1.0, 0.75], [0.5, 0.0]]),
        (True, True, [[0.75, 1.0], [0.0, 0.5]]),
    ],
)
def test_the_four_orientations(left, negative, expected):
    assert orient(IMAGE, left=left, negative=negative).tolist() == expected


@pytest.mark.parametrize(("left", "negative"), list(itertools.product([False, True], repeat=2)))
def test_each_is_its_own_inverse(left, negative):
    there = orient(IMAGE[None], left=left, negative=negative)
    assert np.array_equal(orient(there, left=left, negative=negative), IMAGE[None])

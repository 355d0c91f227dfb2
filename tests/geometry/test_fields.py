from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cephsure.geometry import Affine, Warp, WaveField, linear

seeds = st.integers(0, 2**32 - 1)


def test_a_wave_by_hand():
    # A quarter period of 8 px along x: sin(2 pi 2 / 8) = 1, and at 6 px -1; phase 0, moves y only.
    field = WaveField(np.array([[0.0, 3.0]]), np.array([[2 * np.pi / 8, 0.0]]), np.zeros(1))
    found = field.at(np.array([[2.0, 5.0], [6.0, 1.0], [0.0, 9.0]]))
    np.testing.assert_allclose(found, [[0, 3], [0, -3], [0, 0]], atol=1e-12)


@given(seeds)
def test_waves_add_up(seed):
    rng = np.random.default_rng(seed)
    field = WaveField.random(rng, amplitude=2.0, wavelength=40.0, terms=4)
    point = rng.uniform(-100, 100, 2)
    expected = sum(
        amplitude * np.sin(wave @ point + phase)
        for amplitude, wave, phase in zip(field.amplitudes, field.waves, field.phases, strict=True)
    )
    np.testing.assert_allclose(field.at(point), expected, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_shape_and_precision_are_kept(dtype):
    rng = np.random.default_rng(0)
    points = rng.uniform(-100, 100, (3, 4, 5, 2)).astype(dtype)
    warp = Warp(Affine.identity(), WaveField.random(rng, amplitude=2.0, wavelength=40.0))
    assert warp.source(points).shape == points.shape
    assert warp.source(points).dtype == dtype


@given(seeds, st.floats(0, 1000), st.floats(1, 100))
def test_no_random_field_is_so_steep_that_it_folds(seed, amplitude, wavelength):
    field = WaveField.random(np.random.default_rng(seed), amplitude=amplitude, wavelength=wavelength)
    steepest = np.linalg.norm(field.amplitudes, axis=1) @ np.linalg.norm(field.waves, axis=1)
    assert steepest <= 0.6 + 1e-9


def test_small_fields_have_the_amplitude_asked_for():
    rng = np.random.default_rng(0)
    points = rng.uniform(-1e4, 1e4, (50, 2))
    found = [WaveField.random(rng, amplitude=1.0, wavelength=1000.0).at(points) for _ in range(400)]
    assert np.std(found) == pytest.approx(1.0, rel=0.05)


def test_the_same_generator_state_gives_the_same_field():
    first, two = (
        WaveField.random(np.random.default_rng(5), amplitude=1.5, wavelength=40.0).at(np.ones(2))
        for _ in range(2)
    )
    assert first.tolist() == two.tolist()


# The largest of training: 1.5 of 40 frame units, 2 % of half the side of a grid of 160 px; and far beyond.
@settings(max_examples=50)
@given(seeds, st.sampled_from([(1.5, 40.0), (3.2, 80.0), (500.0, 30.0)]))
def test_output_is_the_inverse_of_source(seed, size):
    rng = np.random.default_rng(seed)
    amplitude, wavelength = size
    field = WaveField.random(rng, amplitude=amplitude, wavelength=wavelength)
    matrix = linear(rotation_deg=rng.uniform(-180, 180), scale=rng.uniform(0.1, 20), shear=0.1)
    warp = Warp(Affine(matrix, rng.uniform(-2000, 2000, 2)), field)
    points = rng.uniform(-200, 200, (50, 2))
    np.testing.assert_allclose(warp.output(warp.source(points)), points, atol=1e-6)
    np.testing.assert_allclose(warp.source(warp.output(points)), points, atol=1e-5)


def test_without_a_field_a_warp_is_its_affine_map():
    affine = Affine(linear(scale=2), np.array([1.0, 2.0]))
    assert Warp(affine).source(np.array([3.0, 4.0])).tolist() == [7.0, 10.0]
    assert Warp(affine).output(np.array([7.0, 10.0])).tolist() == [3.0, 4.0]


def test_missing_points_stay_missing():
    warp = Warp(Affine.identity(), WaveField.random(np.random.default_rng(0), amplitude=1, wavelength=40))
    found = warp.output(np.array([[1.0, 2.0], [np.nan, np.nan]]))
    assert np.isfinite(found[0]).all()
    assert np.isnan(found[1]).all()

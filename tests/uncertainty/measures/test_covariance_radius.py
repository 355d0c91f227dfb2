from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cephsure.inference.samples import Samples
from cephsure.uncertainty.measures.covariance_radius import COVARIANCE_RADIUS
from cephsure.uncertainty.measures.spread import SPREAD


def samples_at(*clouds_px):
    """Samples of as many landmarks as there are clouds (T, 2)."""
    positions = np.stack([np.asarray(cloud, dtype=np.float64) for cloud in clouds_px], axis=1)
    blank = np.zeros(positions.shape[:2])
    return Samples(positions, blank, blank, blank)


def test_a_cross_by_hand():
    # About (5, 7): variances (16 + 16) / 4 = 8 and (1 + 1) / 4 = 1/2, product 4, fourth root of it sqrt 2.
    cross = [[9, 7], [1, 7], [5, 8], [5, 6]]
    assert COVARIANCE_RADIUS.compute(samples_at(cross)) == pytest.approx([np.sqrt(2)])


def test_a_triangle_by_hand_with_correlated_axes():
    # About (1, 1): variances 6/3 = 2 each, covariance -3/3 = -1; determinant 4 - 1 = 3.
    triangle = [[0, 3], [0, 0], [3, 0]]
    assert COVARIANCE_RADIUS.compute(samples_at(triangle)) == pytest.approx([3**0.25])


def test_of_a_round_cloud_it_is_the_standard_deviation_along_an_axis():
    drawn = np.random.default_rng(2).normal(0, 3.0, (20_000, 2))
    assert COVARIANCE_RADIUS.compute(samples_at(drawn)) == pytest.approx([3.0], rel=0.02)


@pytest.mark.parametrize("count", [1, 2])
def test_fewer_than_three_samples_have_no_area(count):
    # Of two samples the determinant is 0 but for rounding, whose fourth root would show.
    cloud = np.random.default_rng(0).normal(1000, 300, (count, 2))
    found = COVARIANCE_RADIUS.compute(samples_at(cloud, cloud + 7))
    assert found.tolist() == [0.0, 0.0]


def test_samples_on_a_line_have_next_to_none():
    line = 900.0 + np.arange(5)[:, np.newaxis] * [3.0, 1.0]
    samples = samples_at(line)
    assert COVARIANCE_RADIUS.compute(samples) < 1e-2 * SPREAD.compute(samples)


@given(
    seed=st.integers(0, 2**16),
    count=st.integers(3, 15),
    angle=st.floats(-np.pi, np.pi),
    shift=st.floats(-500, 500),
)
def test_turning_and_moving_the_film_changes_nothing(seed, count, angle, shift):
    cloud = np.random.default_rng(seed).normal(0, [5.0, 2.0], (count, 2))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    given_one, turned = COVARIANCE_RADIUS.compute(samples_at(cloud, cloud @ turn.T + shift))
    assert turned == pytest.approx(given_one, rel=1e-5, abs=1e-4)


@given(seed=st.integers(0, 2**16), along_x=st.floats(0.05, 20), along_y=st.floats(0.05, 20))
def test_scales_with_the_root_of_the_area(seed, along_x, along_y):
    """A length: pixels to mm by one scale, and by the geometric mean where pixels are not square."""
    cloud = np.random.default_rng(seed).normal(0, 4.0, (6, 2))
    given_one, scaled = COVARIANCE_RADIUS.compute(samples_at(cloud, cloud * [along_x, along_y]))
    assert scaled == pytest.approx(given_one * np.sqrt(along_x * along_y))


def test_each_landmark_is_on_its_own():
    rng = np.random.default_rng(1)
    clouds = [rng.normal(0, size, (7, 2)) for size in (1.0, 4.0, 9.0)]
    alone = [float(COVARIANCE_RADIUS.compute(samples_at(cloud))[0]) for cloud in clouds]
    assert COVARIANCE_RADIUS.compute(samples_at(*clouds)) == pytest.approx(alone)

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cephsure.inference.samples import Samples
from cephsure.uncertainty.measures.mean_point import mean_distance, mean_position


def samples_at(positions_px):
    positions_px = np.asarray(positions_px, dtype=np.float64)
    blank = np.zeros(positions_px.shape[:2])
    return Samples(positions_px, blank, blank, blank)


def test_mean_and_mean_distance_by_hand():
    # Corners of a 3-4-5 rectangle about (1.5, 2): each corner is 2.5 from the centre.
    samples = samples_at([[[0, 0]], [[3, 0]], [[3, 4]], [[0, 4]]])
    assert mean_position(samples) == pytest.approx(np.array([[1.5, 2.0]]))
    assert mean_distance(samples) == pytest.approx([2.5])


def test_it_is_the_mean_distance_and_not_the_root_mean_square():
    # Positions 0, 0, 3 on a line: mean 1, distances 1, 1, 2. The root mean square would be sqrt(2).
    samples = samples_at([[[0, 0]], [[0, 0]], [[3, 0]]])
    assert mean_distance(samples) == pytest.approx([4 / 3])


def test_one_sample_does_not_spread():
    samples = samples_at([[[12.25, 7.5], [3.0, 4.0]]])
    assert mean_position(samples) == pytest.approx(np.array([[12.25, 7.5], [3.0, 4.0]]))
    assert np.array_equal(mean_distance(samples), [0.0, 0.0])


@given(
    angle=st.floats(-np.pi, np.pi),
    shift=st.tuples(st.floats(-500, 500), st.floats(-500, 500)),
    scale=st.floats(0.01, 100),
    seed=st.integers(0, 2**16),
)
def test_moves_with_the_film_and_scales_with_it(angle, shift, scale, seed):
    positions = np.random.default_rng(seed).normal(0, 10, (5, 3, 2))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = samples_at(scale * positions @ turn.T + np.array(shift))
    still = samples_at(positions)
    assert mean_distance(moved) == pytest.approx(scale * mean_distance(still), rel=1e-6, abs=1e-9)
    assert mean_position(moved) == pytest.approx(
        scale * mean_position(still) @ turn.T + np.array(shift), rel=1e-6, abs=1e-6
    )

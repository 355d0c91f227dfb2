from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from cephsure.studies.panel import distance_to_the_others, spread_of_observers, without_offsets

NAN = float("nan")
coordinates = st.floats(-100, 100, allow_subnormal=False)


def at(*points):
    """Observers' points of one film and landmark."""
    return np.array(points, dtype=np.float64).reshape(len(points), 1, 1, 2)


def test_spread_by_hand():
    # The mean is (0, 0); distances 5, 5 and 0.
    assert spread_of_observers(at((3, 4), (-3, -4), (0, 0)))[0, 0] == pytest.approx(10 / 3)


def test_two_observers_spread_is_half_their_distance():
    assert spread_of_observers(at((0, 0), (6, 8)))[0, 0] == pytest.approx(5)


def test_who_did_not_mark_does_not_count_and_one_alone_has_no_spread():
    assert spread_of_observers(at((0, 0), (NAN, NAN), (6, 8)))[0, 0] == pytest.approx(5)
    assert np.isnan(spread_of_observers(at((0, 0), (NAN, NAN)))[0, 0])


def test_distance_to_the_others_by_hand():
    found = distance_to_the_others(at((0, 0), (2, 0), (4, 0)))[:, 0, 0]
    np.testing.assert_allclose(found, [3, 0, 3])
    assert np.isnan(distance_to_the_others(at((0, 0), (NAN, NAN)))).all()


@given(
    points=arrays.arrays(np.float64, (3, 4, 2, 2), elements=coordinates),
    habits=arrays.arrays(np.float64, (3, 1, 2, 2), elements=coordinates),
)
def test_habits_are_taken_off_whatever_they_are(points, habits):
    plain, shifted = (spread_of_observers(without_offsets(of)) for of in (points, points + habits))
    np.testing.assert_allclose(shifted, plain, atol=1e-9)


@given(points=arrays.arrays(np.float64, (3, 4, 2, 2), elements=coordinates))
def test_taking_habits_off_leaves_every_observer_with_the_same_mean(points):
    corrected = without_offsets(points).mean(axis=1)
    np.testing.assert_allclose(corrected, np.broadcast_to(corrected.mean(axis=0), corrected.shape), atol=1e-9)


def test_pure_habits_leave_no_spread():
    rng = np.random.default_rng(0)
    truth = rng.uniform(0, 100, (1, 10, 3, 2))
    habits = rng.normal(0, 5, (4, 1, 3, 2))
    assert spread_of_observers(truth + habits).min() > 1
    assert spread_of_observers(without_offsets(truth + habits)).max() < 1e-9

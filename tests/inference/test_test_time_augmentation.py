from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cephsure.inference.test_time_augmentation import (
    MAX_ANGLE_DEG,
    MAX_LOG_GAMMA,
    MAX_SHIFT_SHARE,
    Augmentation,
    augmentations,
)


@given(seed=st.integers(0, 2**32 - 1))
def test_all_are_within_the_bounds_and_the_first_are_those_of_fewer(seed):
    six, two = augmentations(6, seed), augmentations(2, seed)
    assert [way.angle_deg for way in six[:2]] == [way.angle_deg for way in two]
    for way in six:
        assert abs(way.angle_deg) <= MAX_ANGLE_DEG
        assert (np.abs(way.shift_share) <= MAX_SHIFT_SHARE).all()
        assert abs(np.log(way.gamma)) <= MAX_LOG_GAMMA + 1e-12


def test_a_quarter_turn_and_a_shift_by_hand():
    # About the middle (4, 9) of a film 9 x 19; x goes to y; then 0.1 and 0.2 of 19 px.
    way = Augmentation(90.0, np.array([0.1, 0.2]), 1.0)
    moved = way.move((9, 19)).apply(np.array([[4.0, 9.0], [6.0, 9.0]]))
    assert moved == pytest.approx(np.array([[5.9, 12.8], [5.9, 14.8]]))


def test_greys_are_bent_and_stay_between_black_and_white():
    greys = np.array([-0.1, 0.0, 0.25, 1.0, 1.1], dtype=np.float32)
    assert Augmentation(0.0, np.zeros(2), 0.5).bend(greys).tolist() == [0.0, 0.0, 0.5, 1.0, 1.0]

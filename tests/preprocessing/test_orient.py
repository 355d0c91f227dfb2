from __future__ import annotations

import itertools

import numpy as np
import pytest

from cephsure.preprocessing import orient

IMAGE = np.array([[0.0, 0.25], [0.5, 1.0]], np.float32)


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

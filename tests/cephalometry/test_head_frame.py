from __future__ import annotations

import numpy as np
import pytest

from cephsure.cephalometry.head_frame import head_points, of_film


def test_scaled_by_axis_and_mirrored():
    points = np.array([[10.0, 20.0], [30.0, 20.0]])
    assert head_points(points, mirrored=False, mm_per_px=None).tolist() == points.tolist()
    assert head_points(points, mirrored=False, mm_per_px=(0.1, 0.2)) == pytest.approx(
        np.array([[1.0, 4.0], [3.0, 4.0]])
    )
    left = head_points(points, mirrored=True, mm_per_px=(0.1, 0.2))
    assert left[1] - left[0] == pytest.approx([-2.0, 0.0])


def test_a_film_brings_its_own_facing_and_scale(make_prediction, head):
    prediction = make_prediction(head, mm_per_px=(0.1, 0.3), facing="left")
    assert of_film(head, prediction.film) == pytest.approx(head * (-0.1, 0.3))

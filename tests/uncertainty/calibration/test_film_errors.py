from __future__ import annotations

import numpy as np
import pytest

from cephsure.uncertainty.calibration.film_errors import film_errors
from cephsure.uncertainty.calibration.landmark import LandmarkCalibration

ONE = LandmarkCalibration(
    number=1,
    films=10,
    log_intercept=np.log(2.0),
    slopes={},
    offset_mm=(0.3, -0.1),
    relative_covariance=((1.0, 0.25), (0.25, 0.5)),
)


def errors_of(*, left):
    scale = np.array([-0.1 if left else 0.1, 0.2])
    return film_errors([ONE], {}, points_px=np.array([[50.0, 60.0]]), upright_mm_per_px=scale)


def test_by_hand():
    film = errors_of(left=False)
    assert film.expected_mm == pytest.approx([2.0])
    assert film.covariances_mm2[0] == pytest.approx(np.array([[4.0, 1.0], [1.0, 2.0]]))
    # Found minus true is 0.3 mm to the right and 0.1 mm up: the truth lies 3 px left and half a px down.
    assert film.centres_px[0] == pytest.approx([47.0, 60.5])
    assert film.second_moments_mm2[0] == pytest.approx(np.array([[4.09, 0.97], [0.97, 2.01]]))


def test_on_a_film_that_faces_left_x_is_turned():
    film = errors_of(left=True)
    assert film.centres_px[0] == pytest.approx([53.0, 60.5])
    assert film.second_moments_mm2[0] == pytest.approx(np.array([[4.09, -0.97], [-0.97, 2.01]]))

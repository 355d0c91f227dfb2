from __future__ import annotations

import numpy as np
import pytest

from cephsure.uncertainty.calibration.film_errors import LandmarkCalibration, expected_errors_mm, film_errors


def parameters(number, intercept, **slopes):
    return LandmarkCalibration(
        number=number,
        films=10,
        log_intercept=intercept,
        slopes=slopes,
        offset_mm=(0.0, 0.0),
        relative_covariance=((1.0, 0.0), (0.0, 1.0)),
    )


def test_expected_errors_by_hand():
    landmarks = [
        parameters(1, 0.0, spread_mm=1.0),
        parameters(2, np.log(2.0), spread_mm=0.5, expected_error_mm=1.0),
    ]
    measures = {"spread_mm": np.array([[3.0, 4.0]]), "expected_error_mm": np.array([[9.0, 5.0]])}
    # exp(0) 3 = 3, and 2 x sqrt(4) x 5 = 20.
    assert expected_errors_mm(landmarks, measures) == pytest.approx(np.array([[3.0, 20.0]]))


def test_a_measure_of_zero_is_no_certainty_and_an_unknown_one_no_number():
    landmarks = [parameters(1, 0.0, spread_mm=1.0)]
    assert expected_errors_mm(landmarks, {"spread_mm": np.array([0.0])}) == pytest.approx([0.01])
    assert np.isnan(expected_errors_mm(landmarks, {"spread_mm": np.array([np.nan])})).all()


def test_without_measures_it_is_the_intercept():
    assert expected_errors_mm([parameters(1, np.log(1.5))], {}) == pytest.approx([1.5])


LANDMARK = LandmarkCalibration(
    number=1,
    films=10,
    log_intercept=np.log(2.0),
    slopes={},
    offset_mm=(0.3, -0.1),
    relative_covariance=((1.0, 0.25), (0.25, 0.5)),
)


def errors_of(*, left):
    scale = np.array([-0.1 if left else 0.1, 0.2])
    return film_errors([LANDMARK], {}, points_px=np.array([[50.0, 60.0]]), upright_mm_per_px=scale)


def test_film_errors_by_hand():
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

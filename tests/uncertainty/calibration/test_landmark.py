from __future__ import annotations

import numpy as np
import pytest

from cephsure.uncertainty.calibration.landmark import LandmarkCalibration, expected_errors_mm


def one(number, intercept, **slopes):
    return LandmarkCalibration(
        number=number,
        films=10,
        log_intercept=intercept,
        slopes=slopes,
        offset_mm=(0.0, 0.0),
        relative_covariance=((1.0, 0.0), (0.0, 1.0)),
    )


def test_by_hand():
    landmarks = [one(1, 0.0, spread_mm=1.0), one(2, np.log(2.0), spread_mm=0.5, expected_error_mm=1.0)]
    measures = {"spread_mm": np.array([[3.0, 4.0]]), "expected_error_mm": np.array([[9.0, 5.0]])}
    # exp(0) 3 = 3, and 2 x sqrt(4) x 5 = 20.
    assert expected_errors_mm(landmarks, measures) == pytest.approx(np.array([[3.0, 20.0]]))


def test_a_measure_of_zero_is_no_certainty_and_an_unknown_one_no_number():
    landmarks = [one(1, 0.0, spread_mm=1.0)]
    assert expected_errors_mm(landmarks, {"spread_mm": np.array([0.0])}) == pytest.approx([0.01])
    assert np.isnan(expected_errors_mm(landmarks, {"spread_mm": np.array([np.nan])})).all()


def test_without_measures_it_is_the_intercept():
    assert expected_errors_mm([one(1, np.log(1.5))], {}) == pytest.approx([1.5])

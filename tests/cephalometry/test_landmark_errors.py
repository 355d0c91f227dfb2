from __future__ import annotations

import numpy as np
import pytest

from cephsure.cephalometry import landmark_errors
from cephsure.cephalometry.landmark_errors import NO_SCALE_FOR_ERRORS, NOT_CALIBRATED, ONE_SAMPLE


@pytest.fixture
def samples(head):
    return head + np.random.default_rng(0).normal(0, 3.0, (15, 19, 2))


def test_calibrated_errors_are_brought_to_pixels_axis_by_axis(make_prediction, head, samples):
    given = np.tile([[4.0, 1.0], [1.0, 9.0]], (19, 1, 1))
    errors = landmark_errors(
        make_prediction(head, mm_per_px=(0.1, 0.2), samples=samples, covariances_mm2=given)
    )
    assert errors.source == "calibration"
    # 4 mm² at 0.1 mm a pixel are 400 px²; 1 mm² across both axes 1 / (0.1 * 0.2); 9 mm² at 0.2 mm 225 px².
    assert errors.covariances_px[0] == pytest.approx(np.array([[400.0, 50.0], [50.0, 225.0]]))
    assert errors.correlation.shape == (38, 38)
    assert errors.reason is None


def test_an_uncalibrated_model_has_no_errors_unless_asked_for(make_prediction, head, samples):
    prediction = make_prediction(head, samples=samples)
    errors = landmark_errors(prediction)
    assert (errors.source, errors.covariances_px, errors.reason) == ("none", None, NOT_CALIBRATED)
    raw = landmark_errors(prediction, uncalibrated=True)
    assert raw.source == "raw sample spread"
    assert raw.covariances_px[0] == pytest.approx(np.cov(samples[:, 0].T))


def test_calibration_goes_before_the_raw_spread(make_prediction, head, samples):
    calibrated = make_prediction(head, samples=samples, covariances_mm2=np.tile(np.eye(2), (19, 1, 1)))
    assert landmark_errors(calibrated, uncalibrated=True).source == "calibration"


def test_reasons_why_there_are_none(make_prediction, head):
    one = make_prediction(head)
    assert landmark_errors(one, uncalibrated=True).reason == ONE_SAMPLE
    for covariances in (None, np.tile(np.eye(2), (19, 1, 1))):
        without_scale = make_prediction(head, mm_per_px=None, covariances_mm2=covariances)
        assert landmark_errors(without_scale).reason == NO_SCALE_FOR_ERRORS


def test_one_sample_says_nothing_of_correlation(make_prediction, head):
    errors = landmark_errors(make_prediction(head, covariances_mm2=np.tile(np.eye(2), (19, 1, 1))))
    assert errors.correlation is None

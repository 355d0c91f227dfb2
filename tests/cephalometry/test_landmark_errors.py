from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cephsure.cephalometry import landmark_errors
from cephsure.cephalometry.landmark_errors import (
    NO_SCALE_FOR_ERRORS,
    NOT_CALIBRATED,
    ONE_SAMPLE,
    joint_covariance,
    sample_points,
    spread_correlation,
    spread_covariances,
)


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
    prediction = make_prediction(head)
    assert landmark_errors(prediction, uncalibrated=True).reason == ONE_SAMPLE
    for covariances in (None, np.tile(np.eye(2), (19, 1, 1))):
        without_scale = make_prediction(head, mm_per_px=None, covariances_mm2=covariances)
        assert landmark_errors(without_scale).reason == NO_SCALE_FOR_ERRORS


def test_one_sample_says_nothing_of_correlation(make_prediction, head):
    errors = landmark_errors(make_prediction(head, covariances_mm2=np.tile(np.eye(2), (19, 1, 1))))
    assert errors.correlation is None


COUNT = 19


@pytest.fixture
def prediction(make_prediction, head):
    return make_prediction(head)


def covariances(rng):
    """Symmetric positive definite 2 x 2 matrices, one a landmark."""
    roots = rng.normal(size=(COUNT, 2, 2))
    return roots @ roots.transpose(0, 2, 1) + 0.1 * np.eye(2)


def moving_together(share):
    """Every x with every other x, every y with every other y."""
    across = share * np.kron(np.ones((COUNT, COUNT)), np.eye(2))
    return across + (1 - share) * np.eye(2 * COUNT)


def test_each_landmark_has_its_own_covariance_whatever_the_correlation(prediction, head):
    wanted = covariances(np.random.default_rng(1))
    for correlation in (None, moving_together(0.7)):
        drawn = sample_points(prediction, wanted, correlation, 20_000, 5)
        assert drawn.shape == (20_000, COUNT, 2)
        # Of 20000 draws the mean is known to 1 %, a variance to 1 % of itself (one SD).
        scale = np.sqrt(np.trace(wanted, axis1=1, axis2=2))
        assert (np.hypot(*(drawn.mean(axis=0) - head).T) < 0.05 * scale).all()
        found = np.array([np.cov(drawn[:, i].T) for i in range(COUNT)])
        assert np.abs(found - wanted).max(axis=(1, 2)) / scale**2 == pytest.approx(0.0, abs=0.05)


def test_landmarks_hang_together_as_the_correlation_says(prediction):
    same = np.tile(4.0 * np.eye(2), (COUNT, 1, 1))
    drawn = sample_points(prediction, same, moving_together(0.7), 20_000, 5)
    x = np.corrcoef(drawn[:, :, 0].T)
    assert x[~np.eye(COUNT, dtype=bool)] == pytest.approx(0.7, abs=0.03)
    alone = np.corrcoef(sample_points(prediction, same, None, 20_000, 5)[:, :, 0].T)
    assert alone[~np.eye(COUNT, dtype=bool)] == pytest.approx(0.0, abs=0.04)


def test_the_joint_covariance_is_that_of_the_draws(prediction):
    wanted, correlation = covariances(np.random.default_rng(1)), moving_together(0.6)
    joint = joint_covariance(wanted, correlation)
    drawn = sample_points(prediction, wanted, correlation, 20_000, 5)
    spread = np.cov(drawn.reshape(len(drawn), -1).T)
    np.testing.assert_allclose(joint, spread, atol=0.05 * np.abs(joint).max())
    wanted[3] = np.nan
    assert np.isnan(joint_covariance(wanted, None)[6:8, 6:8]).all()
    assert np.isfinite(joint_covariance(wanted, None)[:6, :6]).all()


def test_full_correlation_moves_the_head_as_one(prediction, head):
    same = np.tile(4.0 * np.eye(2), (COUNT, 1, 1))
    shifts = sample_points(prediction, same, moving_together(1.0), 50, 5) - head
    assert shifts == pytest.approx(np.broadcast_to(shifts[:, :1], shifts.shape), abs=1e-6)


def test_no_error_no_spread_and_a_line_stays_a_line(prediction, head):
    flat = np.zeros((COUNT, 2, 2))
    flat[3, 0, 0] = 9.0
    drawn = sample_points(prediction, flat, None, 100, 0)
    assert drawn[:, 3, 1] == pytest.approx(head[3, 1])
    assert drawn[:, 3, 0].std() == pytest.approx(3.0, rel=0.3)
    assert np.delete(drawn, 3, axis=1) == pytest.approx(
        np.broadcast_to(np.delete(head, 3, axis=0), (100, 18, 2))
    )


def test_landmarks_without_a_covariance_have_no_positions(prediction):
    some = covariances(np.random.default_rng(1))
    some[7] = np.nan
    missing = np.isnan(sample_points(prediction, some, moving_together(0.5), 10, 0)).all(axis=(0, 2))
    assert missing.tolist() == [index == 7 for index in range(COUNT)]


def test_a_seed_gives_the_same_draws_another_one_others(prediction):
    some = covariances(np.random.default_rng(1))
    first = sample_points(prediction, some, None, 10, 3)
    assert (sample_points(prediction, some, None, 10, 3) == first).all()
    assert (sample_points(prediction, some, None, 10, 4) != first).all()


def test_without_covariances_the_samples_own_spread_is_taken(make_prediction, head):
    rng = np.random.default_rng(2)
    samples = head + rng.normal(0, 3.0, (15, COUNT, 2))
    prediction = make_prediction(head, samples=samples)
    spread = spread_covariances(prediction)
    assert spread[4] == pytest.approx(np.cov(samples[:, 4].T))
    assert sample_points(prediction, None, None, 5, 0) == pytest.approx(
        sample_points(prediction, spread, None, 5, 0)
    )
    assert np.isnan(spread_covariances(make_prediction(head))).all()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda c: c[:5], "shape"),
        (lambda c: c + np.array([[0.0, 1.0], [0.0, 0.0]]), "not symmetric"),
        (lambda c: -c, "negative variance"),
    ],
)
def test_what_is_no_covariance_is_refused(prediction, change, complaint):
    with pytest.raises(ValueError, match=complaint):
        sample_points(prediction, change(np.tile(np.eye(2), (COUNT, 1, 1))), None, 5, 0)


@pytest.mark.parametrize(
    ("correlation", "complaint"),
    [
        (np.eye(5), "shape"),
        (2 * np.eye(2 * COUNT), "unit 2 x 2 blocks"),
        (np.eye(2 * COUNT) + np.triu(np.full((2 * COUNT, 2 * COUNT), 0.1), 2), "not symmetric"),
        (moving_together(-0.5), "negative eigenvalue"),
    ],
)
def test_what_is_no_correlation_is_refused(prediction, correlation, complaint):
    with pytest.raises(ValueError, match=complaint):
        sample_points(prediction, np.tile(np.eye(2), (COUNT, 1, 1)), correlation, 5, 0)


def test_members_that_move_together_are_seen_to(make_prediction, head):
    rng = np.random.default_rng(4)
    common, own = rng.normal(0, 3.0, (15, 1, 2)), rng.normal(0, 0.3, (15, COUNT, 2))
    found = spread_correlation(make_prediction(head, samples=head + common + own))
    x_with_x = found[0::2, 0::2][~np.eye(COUNT, dtype=bool)]
    assert x_with_x.mean() > 0.8


def test_independent_members_are_shrunk_to_next_to_nothing(make_prediction, head):
    samples = head + np.random.default_rng(4).normal(0, 3.0, (15, COUNT, 2))
    found = spread_correlation(make_prediction(head, samples=samples))
    # Unshrunk, coefficients of 15 samples scatter by 1 / sqrt(14) = 0.27.
    across = found[~np.kron(np.eye(COUNT, dtype=bool), np.ones((2, 2), dtype=bool))]
    assert across.std() < 0.1


@settings(max_examples=20)
@given(st.integers(4, 40), st.integers(0, 2**32 - 1))
def test_the_members_correlation_is_one_that_can_be_sampled(make_prediction, head, members, seed):
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(2 * COUNT, 2 * COUNT))
    samples = head + (rng.normal(size=(members, 2 * COUNT)) @ mixing).reshape(members, COUNT, 2)
    prediction = make_prediction(head, samples=samples)
    correlation = spread_correlation(prediction)
    assert np.linalg.eigvalsh(correlation)[0] > -1e-9
    assert np.isfinite(sample_points(prediction, None, correlation, 3, 0)).all()


def test_too_few_or_flat_samples_tell_nothing(make_prediction, head):
    rng = np.random.default_rng(0)
    samples = head + rng.normal(0, 3.0, (15, COUNT, 2))
    assert spread_correlation(make_prediction(head)) is None
    assert spread_correlation(make_prediction(head, samples=samples[:3])) is None
    samples[:, 2, 1] = 7.0
    assert spread_correlation(make_prediction(head, samples=samples)) is None

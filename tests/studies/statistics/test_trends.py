from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from cephsure.evaluation.bootstrap import film_weights
from cephsure.evaluation.quality import spearman
from cephsure.studies.statistics.trends import trend, within_landmark

STRENGTHS = np.array([0.0, 1.0, 2.0, 3.0])


def test_means_and_coefficients_by_hand():
    values = np.array([[[1.0, 3.0], [2.0, 4.0], [9.0, 5.0], [6.0, 4.0]]])  # one film: means 2, 3, 7, 5
    found = trend(STRENGTHS, values, film_weights(1, n_resamples=10))
    np.testing.assert_array_equal(found.means, [2, 3, 7, 5])
    # d = strength - 1.5 and mean - 4.25: sum of products 6.5, of squares 5 and 14.75.
    assert found.pearson == pytest.approx(6.5 / np.sqrt(5 * 14.75))
    assert found.spearman == pytest.approx(0.8)  # one swap of neighbours: 1 - 6 * 2 / (4 * 15)
    assert np.isnan(found.pearson_ci95).all()  # a single film has no interval
    assert np.isnan(found.low).all()


def test_a_film_with_fewer_points_weighs_less():
    values = np.array([[[1.0, 1.0, 1.0]], [[5.0, np.nan, np.nan]]])
    assert trend(STRENGTHS[:1], values, film_weights(2)).means == pytest.approx(2.0)


def test_intervals_come_from_resampled_films():
    rng = np.random.default_rng(0)
    films = rng.normal(0, 1, (40, 1, 1))
    values = films + STRENGTHS[:, None] + rng.normal(0, 0.1, (40, 4, 3))
    found = trend(STRENGTHS, values, film_weights(40, n_resamples=2000))
    # A film's offset is in all its points: the mean's standard error is that of 40 offsets.
    error = values.mean(axis=2)[:, 0].std(ddof=1) / np.sqrt(40)
    assert found.high[0] - found.low[0] == pytest.approx(2 * 1.96 * error, rel=0.1)
    assert found.pearson_ci95[0] > 0.99
    assert found.spearman_ci95 == (1, 1)


def test_missing_strengths_are_left_out_and_a_constant_has_no_coefficient():
    values = np.stack([np.column_stack([STRENGTHS, STRENGTHS])] * 3)
    values[:, 2] = np.nan
    found = trend(STRENGTHS, values, film_weights(3))
    assert np.isnan(found.means[2])
    assert np.isnan(found.low[2])
    assert found.pearson == pytest.approx(1)
    assert np.isnan(trend(STRENGTHS, np.zeros((3, 4, 2)), film_weights(3)).pearson)
    nothing = trend(STRENGTHS, np.full((3, 4, 2), np.nan), film_weights(3))
    assert np.isnan([nothing.pearson, nothing.spearman, *nothing.pearson_ci95]).all()
    assert np.isnan([nothing.means, nothing.low, nothing.high]).all()


NAN = float("nan")


@pytest.fixture(scope="module")
def points():
    rng = np.random.default_rng(0)
    errors = rng.gamma(2.0, 1.0, (40, 5))
    return errors, errors + rng.normal(0, 1.5, (40, 5))


def test_mean_of_each_landmarks_coefficient_by_scipy(points):
    errors, values = points
    found = within_landmark(errors, values, film_weights(40, n_resamples=50))
    each = [stats.spearmanr(errors[:, mark], values[:, mark]).statistic for mark in range(5)]
    np.testing.assert_allclose(found.per_landmark, each)
    assert found.spearman == pytest.approx(np.mean(each))
    assert found.between == pytest.approx(stats.spearmanr(errors.mean(axis=0), values.mean(axis=0)).statistic)


def test_a_measure_that_only_knows_which_landmarks_are_hard_follows_pooled_but_not_within():
    rng = np.random.default_rng(1)
    hard = np.array([1.0, 4.0, 16.0])
    errors = hard * rng.uniform(0.5, 1.5, (200, 3))
    values = hard * rng.uniform(0.5, 1.5, (200, 3))
    found = within_landmark(errors, values, film_weights(200, n_resamples=200))
    assert spearman(errors, values) > 0.8
    assert abs(found.spearman) < 0.1
    low, high = found.spearman_ci95
    assert low < 0 < high
    assert found.between == 1.0


def test_missing_points_and_constant_landmarks_are_left_out(points):
    errors, values = points[0].copy(), points[1].copy()
    values[:, 0] = 7.0
    errors[:38, 1] = NAN
    errors[3, 2] = NAN
    found = within_landmark(errors, values, film_weights(40, n_resamples=50))
    assert np.isnan(found.per_landmark[:2]).all()
    there = np.arange(40) != 3
    expected = stats.spearmanr(errors[there, 2], values[there, 2]).statistic
    assert found.per_landmark[2] == pytest.approx(expected)
    assert found.spearman == pytest.approx(found.per_landmark[2:].mean())


def test_nothing_known_is_none():
    found = within_landmark(np.full((5, 2), NAN), np.ones((5, 2)), film_weights(5, n_resamples=20))
    assert found.spearman is None
    assert found.spearman_ci95 is None
    assert found.between is None


def test_interval_covers_the_true_coefficient_about_as_often_as_it_says():
    """120 studies of 60 films and 4 landmarks, normal with r = 0.5 within each: (6 / pi) asin(r / 2)."""
    rng = np.random.default_rng(3)
    truth = 6 / np.pi * np.arcsin(0.25)
    covered = 0
    for number in range(120):
        x = rng.normal(size=(60, 4))
        y = 0.5 * x + np.sqrt(0.75) * rng.normal(size=(60, 4))
        found = within_landmark(
            x + np.array([0, 5, 10, 15]), y, film_weights(60, n_resamples=150, seed=number)
        )
        covered += found.spearman_ci95[0] <= truth <= found.spearman_ci95[1]
    assert 0.87 <= covered / 120 <= 0.99

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from cephsure.evaluation.bootstrap import film_weights
from cephsure.evaluation.quality import measure_quality


@pytest.fixture(scope="module")
def study():
    """60 films of 8 points; a measure that follows the error with noise."""
    generator = np.random.default_rng(0)
    scale = generator.gamma(2.0, 0.7, (60, 8))
    return scale * generator.exponential(1.0, (60, 8)), scale + generator.normal(0, 0.3, (60, 8))


def test_figures_agree_with_scipy(study):
    errors, values = study
    found = measure_quality(errors, values, 1, film_weights(60, n_resamples=50), in_mm=True)
    assert found.n_points == 480
    assert found.pearson == pytest.approx(stats.pearsonr(errors.ravel(), values.ravel()).statistic)
    assert found.spearman == pytest.approx(stats.spearmanr(errors.ravel(), values.ravel()).statistic)
    large = errors > 2
    wins = stats.mannwhitneyu(values[large], values[~large]).statistic
    assert found.auc_2mm == pytest.approx(wins / (large.sum() * (~large).sum()))


def test_a_falling_measure_keeps_its_sign_in_correlations_and_is_turned_for_the_area(study):
    errors, values = study
    weights = film_weights(60, n_resamples=50)
    rising = measure_quality(errors, values, 1, weights, in_mm=True)
    falling = measure_quality(errors, -values, -1, weights, in_mm=True)
    assert falling.pearson == pytest.approx(-rising.pearson)
    assert falling.spearman == pytest.approx(-rising.spearman)
    assert falling.auc_2mm == pytest.approx(rising.auc_2mm)
    assert falling.auc_4mm_ci95 == pytest.approx(rising.auc_4mm_ci95)


def test_intervals_hold_the_figures(study):
    errors, values = study
    found = measure_quality(errors, values, 1, film_weights(60, n_resamples=200), in_mm=True)
    for name in ("pearson", "spearman", "auc_2mm", "auc_4mm"):
        low, high = getattr(found, f"{name}_ci95")
        assert low < getattr(found, name) < high


def test_spearman_interval_covers_the_true_correlation_about_as_often_as_it_says():
    """150 studies of 50 films, two points each, normal with r = 0.6: Spearman's is (6 / pi) asin(r / 2)."""
    generator = np.random.default_rng(8)
    truth = 6 / np.pi * np.arcsin(0.3)
    covered = 0
    for study_number in range(150):
        x = generator.normal(size=(50, 2))
        y = 0.6 * x + 0.8 * generator.normal(size=(50, 2))
        weights = film_weights(50, n_resamples=200, seed=study_number)
        low, high = measure_quality(x, y, 1, weights, in_mm=False).spearman_ci95
        covered += low <= truth <= high
    assert 0.87 <= covered / 150 <= 0.99


def test_points_without_error_or_value_are_left_out(study):
    errors, values = (part.copy() for part in study)
    errors[0], values[1] = np.nan, np.nan
    found = measure_quality(errors, values, 1, film_weights(60, n_resamples=20), in_mm=True)
    expected = measure_quality(errors[2:], values[2:], 1, film_weights(58, n_resamples=20), in_mm=True)
    assert found.n_points == 464
    assert (found.pearson, found.auc_2mm) == pytest.approx((expected.pearson, expected.auc_2mm))


def test_what_is_not_defined_is_none(study):
    errors, values = study
    weights = film_weights(60, n_resamples=20)
    constant = measure_quality(errors, np.zeros_like(values), 1, weights, in_mm=True)
    assert (constant.pearson, constant.spearman, constant.spearman_ci95) == (None, None, None)
    assert constant.auc_2mm == 0.5
    in_px = measure_quality(errors, values, 1, weights, in_mm=False)
    assert (in_px.auc_2mm, in_px.auc_4mm, in_px.auc_2mm_ci95) == (None, None, None)
    assert in_px.pearson is not None
    small = measure_quality(errors * 0.001, values, 1, weights, in_mm=True)
    assert (small.auc_4mm, small.auc_4mm_ci95) == (None, None)


def test_an_error_of_exactly_two_millimetres_is_not_over_two():
    errors = np.array([[2.0000000000000004], [3.0], [1.0]])
    found = measure_quality(errors, np.array([[1.0], [3.0], [2.0]]), 1, film_weights(3), in_mm=True)
    assert found.auc_2mm == 1.0

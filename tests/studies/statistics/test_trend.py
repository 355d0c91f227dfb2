from __future__ import annotations

import numpy as np
import pytest

from cephsure.evaluation.bootstrap import film_weights
from cephsure.studies.statistics.trends import trend

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

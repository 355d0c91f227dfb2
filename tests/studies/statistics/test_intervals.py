from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from cephsure.evaluation.bootstrap import film_weights
from cephsure.evaluation.errors import summarize
from cephsure.studies.statistics.intervals import equal_bins, mean_of_known, success_curve

NAN = float("nan")


def test_what_is_missing_does_not_count():
    values = np.array([[1.0, NAN, 4.0], [3.0, NAN, NAN]])
    np.testing.assert_array_equal(mean_of_known(values, axis=0), [2.0, NAN, 4.0])
    np.testing.assert_array_equal(mean_of_known(values, axis=1), [2.5, 3.0])


def test_nothing_at_all_gives_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(mean_of_known(np.full((2, 3), NAN), axis=0)).all()


@given(arrays.arrays(np.float64, (4, 3), elements=st.one_of(st.just(NAN), st.floats(-100, 100))))
def test_agrees_with_numpy(values):
    known = np.isfinite(values).any(axis=0)
    np.testing.assert_allclose(
        mean_of_known(values, axis=0)[known], np.nanmean(values[:, known], axis=0), atol=1e-12
    )


def test_success_curve_by_hand():
    errors = np.array([[0.5, 1.0], [2.0, NAN]])
    curve = success_curve(errors, np.array([0.0, 0.5, 1.0, 2.0]), film_weights(2, n_resamples=10))
    np.testing.assert_allclose(curve.percent, [0, 100 / 3, 200 / 3, 100])


def test_at_the_thresholds_it_is_the_success_detection_rate():
    errors = np.random.default_rng(0).gamma(2, 1, (30, 5))
    rates = summarize(errors).success_percent
    curve = success_curve(errors, np.array(list(rates)), film_weights(30, n_resamples=200))
    np.testing.assert_allclose(curve.percent, list(rates.values()))
    assert (curve.low <= curve.percent).all()
    assert (curve.percent <= curve.high).all()
    assert (curve.high - curve.low > 0).all()


def test_it_rises_and_its_band_is_that_of_films_not_of_points():
    rng = np.random.default_rng(1)
    alike = np.repeat(rng.gamma(2, 1, (20, 1)), 10, axis=1)
    curve = success_curve(alike, np.linspace(0, 10, 41), film_weights(20, n_resamples=300))
    assert (np.diff(curve.percent) >= 0).all()
    half = int(np.argmin(abs(curve.percent - 50)))
    # Twenty films at 50 %: 1.96 sqrt(0.25 / 20) = 22 points of a percentage to either side.
    assert curve.high[half] - curve.low[half] == pytest.approx(44, abs=8)


def test_without_a_point_there_is_no_curve():
    curve = success_curve(np.full((2, 3), NAN), np.array([1.0]), film_weights(2, n_resamples=10))
    assert np.isnan(curve.percent).all()


def test_bins_by_hand():
    scores = np.array([[4.0, 1.0], [3.0, 2.0], [NAN, 9.0]])
    values = np.array([[40.0, 10.0], [30.0, 20.0], [99.0, NAN]])
    bins = equal_bins(values, scores, film_weights(3, n_resamples=50), bins=2)
    np.testing.assert_array_equal(bins.scores, [1.5, 3.5])
    np.testing.assert_array_equal(bins.means, [15.0, 35.0])


def test_bins_hold_equally_many_and_their_mean_is_the_mean():
    rng = np.random.default_rng(0)
    values, scores = rng.normal(size=(30, 4)), rng.normal(size=(30, 4))
    bins = equal_bins(values, scores, film_weights(30, n_resamples=100), bins=8)
    assert len(bins.means) == 8
    assert bins.means.mean() == pytest.approx(values.mean())  # 120 points, 15 a bin
    assert (np.diff(bins.scores) > 0).all()
    assert ((bins.low < bins.means) & (bins.means < bins.high)).all()


def test_fewer_points_than_bins():
    bins = equal_bins(np.array([[1.0], [2.0]]), np.array([[1.0], [2.0]]), film_weights(2, n_resamples=20))
    np.testing.assert_array_equal(bins.means, [1.0, 2.0])


def test_nothing_gives_nothing():
    bins = equal_bins(np.full((3, 1), NAN), np.ones((3, 1)), film_weights(3, n_resamples=20))
    assert bins.means.size == bins.low.size == 0

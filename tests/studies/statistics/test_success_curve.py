from __future__ import annotations

import numpy as np
import pytest

from cephsure.evaluation.bootstrap import film_weights
from cephsure.evaluation.errors import summarize
from cephsure.studies.statistics.intervals import success_curve

NAN = float("nan")


def test_by_hand():
    errors = np.array([[0.5, 1.0], [2.0, NAN]])
    curve = success_curve(errors, np.array([0.0, 0.5, 1.0, 2.0]), film_weights(2, n_resamples=10))
    np.testing.assert_allclose(curve.percent, [0, 100 / 3, 200 / 3, 100])
    assert curve.n_points == 3


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
    half = np.argmin(abs(curve.percent - 50))
    # Twenty films at 50 %: 1.96 sqrt(0.25 / 20) = 22 points of a percentage to either side.
    assert curve.high[half] - curve.low[half] == pytest.approx(44, abs=8)


def test_without_a_point_there_is_no_curve():
    curve = success_curve(np.full((2, 3), NAN), np.array([1.0]), film_weights(2, n_resamples=10))
    assert curve.n_points == 0
    assert np.isnan(curve.percent).all()

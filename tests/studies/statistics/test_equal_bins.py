from __future__ import annotations

import numpy as np
import pytest

from cephsure.evaluation.bootstrap import film_weights
from cephsure.studies.statistics.intervals import equal_bins

NAN = float("nan")


def test_by_hand():
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

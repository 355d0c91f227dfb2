from __future__ import annotations

import numpy as np
import pytest

from cephsure.evaluation.correlation import weighted_pearson
from cephsure.studies.statistics.trends import block_weights, steadiness


def test_a_value_that_always_rises_never_falls():
    angles = np.arange(-45, 46)
    assert steadiness(angles, np.abs(angles) ** 1.5) == (1.0, 0.0)
    share, fall = steadiness(angles, -np.abs(angles))
    assert (share, fall) == (0.0, pytest.approx(1 / 45))


def test_each_side_is_followed_from_zero():
    # To the right 0 -> 4 -> 2, to the left 0 -> 1 -> 1: rise, fall of 2, rise, step on the level.
    share, fall = steadiness([2, -1, 0, 1, -2], [2.0, 1.0, 0.0, 4.0, 1.0])
    assert share == 0.5
    assert fall == pytest.approx(2 / 4)


def test_what_is_unknown_is_left_out_and_a_constant_has_no_steadiness():
    assert steadiness([0, 1, 2], [0.0, np.nan, 1.0]) == (1.0, 0.0)
    assert np.isnan(steadiness([0, 1], [2.0, 2.0])).all()
    assert np.isnan(steadiness([0], [2.0])).all()
    assert np.isnan(steadiness([0, 1], [np.nan, np.nan])).all()


def test_blocks_keep_neighbours_together():
    weights = block_weights(20, length=5, n_resamples=50, seed=3)
    assert weights.shape == (50, 20)
    assert (weights.sum(axis=1) == 20).all()
    for row in weights:
        # As a sum of four windows of five places, the row's cumulative differences are starts and ends.
        ends = np.diff(np.concatenate([[0], row, [0]]))
        assert np.abs(ends).sum() <= 8
    np.testing.assert_array_equal(weights, block_weights(20, length=5, n_resamples=50, seed=3))
    assert (block_weights(3, length=9, n_resamples=4) == 1).all()


def test_the_block_interval_covers_the_slope_of_a_series_with_correlated_noise():
    # A trend with an AR(1) disturbance: blocks must give a wider interval than single places.
    rng = np.random.default_rng(1)
    x = np.abs(np.arange(-45, 46)).astype(float)
    noise = np.zeros(len(x))
    for place in range(1, len(x)):
        noise[place] = 0.9 * noise[place - 1] + rng.normal(0, 5)
    y = x + noise
    widths = []
    for length in (1, 10):
        drawn = weighted_pearson(x, y, block_weights(len(x), length=length, seed=0))
        widths.append(np.ptp(np.quantile(drawn, (0.025, 0.975))))
    assert widths[1] > widths[0]

from __future__ import annotations

import math

import numpy as np
import pytest

from cephsure.evaluation.bootstrap import film_weights, mean_interval, percentile_interval

NAN = float("nan")


def test_weights_are_resamples_of_the_films():
    weights = film_weights(7, n_resamples=500, seed=3)
    assert weights.shape == (500, 7)
    assert (weights.sum(axis=1) == 7).all()
    # A film is missing from a resample with probability (1 - 1/7)^7 = 0.340.
    assert (weights == 0).mean() == pytest.approx((6 / 7) ** 7, abs=0.03)


def test_the_same_seed_gives_the_same_resamples():
    assert np.array_equal(film_weights(9, seed=1), film_weights(9, seed=1))
    assert not np.array_equal(film_weights(9, seed=1), film_weights(9, seed=2))


def test_interval_of_two_films_by_hand():
    # Resamples hold films 0-0, 0-1 (twice as often), 1-1: means 1, 2, 3 with chances 1/4, 1/2, 1/4.
    weights = film_weights(2, n_resamples=400)
    assert mean_interval([[1.0], [3.0]], weights) == (1.0, 3.0)
    assert mean_interval([[1.0], [3.0]], weights, level=0.2) == (2.0, 2.0)


def test_a_film_with_missing_points_weighs_less():
    # Three points of 1 on film 0, one point of 5 on film 1: the resample 0-1 has mean (3 + 5) / 4 = 2.
    weights = np.array([[1.0, 1.0]] * 10)
    assert mean_interval([[1, 1, 1], [5, NAN, NAN]], weights) == (2.0, 2.0)


def test_one_film_or_a_statistic_that_is_rarely_defined_has_no_interval():
    assert all(map(math.isnan, mean_interval([[1.0, 2.0]], film_weights(1))))
    found = percentile_interval(lambda block: np.full(len(block), np.nan), film_weights(5))
    assert all(map(math.isnan, found))


def test_resamples_without_a_value_are_left_out():
    weights = film_weights(4, n_resamples=300)

    def sometimes(block):
        return np.where(block[:, 0] > 0, 2.0, np.nan)

    assert percentile_interval(sometimes, weights) == (2.0, 2.0)


def test_blocks_do_not_change_the_interval():
    weights = film_weights(6, n_resamples=1001)
    values = np.arange(6.0)
    expected = np.quantile(weights @ values / 6, [0.05, 0.95])
    assert percentile_interval(lambda block: block @ values / 6, weights, level=0.9) == pytest.approx(
        expected
    )


@pytest.mark.parametrize("spread_between_films", [0.0, 1.0])
def test_interval_covers_the_true_mean_about_as_often_as_it_says(spread_between_films):
    """200 studies of 40 films with 5 points each, the films unlike each other or not; nominal 95 %."""
    generator = np.random.default_rng(11)
    covered = 0
    for study in range(200):
        films = generator.normal(0, spread_between_films, (40, 1))
        errors = 2.0 + films + generator.exponential(1.0, (40, 5)) - 1.0
        low, high = mean_interval(errors, film_weights(40, n_resamples=400, seed=study))
        covered += low <= 2.0 <= high
    assert 0.88 <= covered / 200 <= 0.99


def test_resampling_points_instead_of_films_would_be_too_sure():
    """The reason for resampling films: with points as units the interval is far too narrow."""
    generator = np.random.default_rng(12)
    errors = generator.normal(0, 1, (40, 1)) + generator.normal(0, 0.1, (40, 19))
    by_film = np.diff(mean_interval(errors, film_weights(40)))[0]
    by_point = np.diff(mean_interval(errors.reshape(-1, 1), film_weights(errors.size)))[0]
    assert by_film > 3 * by_point

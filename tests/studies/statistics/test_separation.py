from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm

from cephsure.studies.statistics.separation import separation

NAN = float("nan")


def test_area_by_hand():
    # Pairs: 2.5 beats 1 and 2; 4 beats all three: 5 of 6.
    assert separation([1.0, 2.0, 3.0], [2.5, 4.0])[0] == pytest.approx(5 / 6)


def test_perfect_separation_has_no_width():
    area, interval = separation([1.0, 2.0], [3.0, 4.0], n_resamples=100)
    assert (area, interval) == (1.0, (1.0, 1.0))


def test_films_without_a_score_are_left_out():
    assert separation([1.0, NAN, 2.0, 3.0], [NAN, 2.5, 4.0])[0] == pytest.approx(5 / 6)


@pytest.mark.parametrize(("usual", "shifted"), [([], [1.0, 2.0]), ([1.0, 2.0], []), ([NAN], [1.0])])
def test_an_empty_group_has_no_area(usual, shifted):
    area, interval = separation(usual, shifted)
    assert math.isnan(area)
    assert math.isnan(interval[0])


def test_a_single_film_has_an_area_but_no_interval():
    area, interval = separation([1.0, 2.0, 3.0], [2.5])
    assert area == pytest.approx(2 / 3)
    assert math.isnan(interval[0])


def test_same_seed_same_interval():
    rng = np.random.default_rng(0)
    usual, shifted = rng.normal(size=30), rng.normal(1, 1, 20)
    assert separation(usual, shifted, seed=4) == separation(usual, shifted, seed=4)
    assert separation(usual, shifted, seed=4)[1] != separation(usual, shifted, seed=5)[1]


def test_interval_covers_the_true_area_about_as_often_as_it_says():
    """150 studies, normal scores a standard deviation apart: the area is Phi(1 / sqrt 2)."""
    rng = np.random.default_rng(1)
    truth = norm.cdf(1 / np.sqrt(2))
    covered = 0
    for number in range(150):
        usual, shifted = rng.normal(size=60), rng.normal(1, 1, 40)
        low, high = separation(usual, shifted, n_resamples=200, seed=number)[1]
        covered += low <= truth <= high
    assert 0.88 <= covered / 150 <= 0.99

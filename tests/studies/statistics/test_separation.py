from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm

from cephsure.studies.statistics.separation import alarm_threshold, detection_quality, separation

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


@pytest.mark.slow
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


def test_area_and_share_found_by_hand():
    # 20 usual films 0 ... 19: one false alarm is allowed, so the threshold lies just above 18.
    usual = np.arange(20.0)
    quality = detection_quality(usual, np.array([18.5, 18.0, 30.0, -1.0]), n_resamples=50)
    assert quality.found == pytest.approx(0.5)
    assert quality.auc == pytest.approx((19 + 18.5 + 20 + 0) / 80)
    assert (quality.n_usual, quality.n_shifted) == (20, 4)


def test_tied_scores_are_found_together_or_not_at_all():
    usual = np.array([0.0] * 18 + [1.0, 1.0])
    quality = detection_quality(usual, np.array([1.0, 2.0]), n_resamples=20)
    assert quality.found == pytest.approx(0.5)


def test_threshold_lets_one_in_twenty_raise_an_alarm():
    rng = np.random.default_rng(0)
    for count in (1, 19, 20, 130):
        usual = rng.normal(size=count)
        alarms = (usual > alarm_threshold(usual)).sum()
        assert alarms == int(0.05 * count)
    assert (np.ones(30) > alarm_threshold(np.ones(30))).sum() == 0
    assert alarm_threshold(np.array([np.nan])) == np.inf


def test_nan_is_left_out_and_infinity_is_the_most_suspicious():
    quality = detection_quality(np.array([1.0, np.nan, 2]), np.array([np.inf, np.nan]), n_resamples=20)
    assert (quality.n_usual, quality.n_shifted, quality.auc) == (2, 1, 1.0)
    assert quality.found == 1.0


def test_without_films_there_is_nothing_to_tell():
    for usual, shifted in ((np.arange(5.0), np.array([])), (np.arange(5.0), np.array([np.nan]))):
        quality = detection_quality(usual, shifted, n_resamples=20)
        assert np.isnan(quality.auc)
        assert np.isnan(quality.found)
        assert np.isnan(quality.auc_ci95[0])


def test_versions_of_the_same_films_have_a_narrower_interval_than_others():
    """A film's own level is in both its versions: resampled together, it cancels in part."""
    rng = np.random.default_rng(0)
    level = rng.normal(size=80)
    usual, shifted = level, level + 0.6 + rng.normal(0, 0.05, 80)
    together = detection_quality(usual, shifted, source_rows=np.arange(80), n_resamples=300)
    apart = detection_quality(usual, shifted, n_resamples=300)
    assert together.auc == apart.auc
    assert np.ptp(together.auc_ci95) < 0.8 * np.ptp(apart.auc_ci95)


def test_interval_covers_the_true_area():
    """Shifted films are versions of every second usual one; the area in a large population is the truth."""
    gaps = np.random.default_rng(1).normal(size=(2, 200000))
    truth = np.mean(gaps[0] < gaps[1] * np.sqrt(1.25) + 1)
    hits = 0
    for seed in range(60):
        rng = np.random.default_rng([2, seed])
        usual = rng.normal(size=60)
        source_rows = np.arange(0, 60, 2)
        shifted = usual[source_rows] + 1 + rng.normal(0, 0.5, 30)
        low, high = detection_quality(
            usual, shifted, source_rows=source_rows, n_resamples=120, seed=seed
        ).auc_ci95
        hits += low <= truth <= high
    assert hits >= 51

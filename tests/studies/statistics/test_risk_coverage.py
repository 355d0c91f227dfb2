from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cephsure.evaluation.bootstrap import film_weights
from cephsure.studies.statistics.risk_coverage import (
    UncertaintyOrder,
    referral_quality,
    risk_coverage,
)

pairs = st.lists(
    st.tuples(st.floats(0, 50), st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=5
).filter(lambda drawn: any(weight for _, _, weight in drawn))


def aurc(errors, scores):
    """Area under the curve of all points."""
    errors, scores = np.asarray(errors, dtype=float), np.asarray(scores, dtype=float)
    return UncertaintyOrder.of(scores, np.ones((1, len(scores)))).area(errors)[0]


def expected_risks(errors: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """The definition of a random order within ties: the mean over every order that sorts by score."""
    orders = [
        order
        for order in itertools.permutations(range(len(errors)))
        if all(scores[a] <= scores[b] for a, b in itertools.pairwise(order))
    ]
    curves = [np.cumsum(errors[list(order)]) / np.arange(1, len(errors) + 1) for order in orders]
    return np.mean(curves, axis=0)


@given(drawn=pairs)
@settings(max_examples=30, deadline=None)
def test_ties_are_what_all_their_orders_give_on_average(drawn):
    errors, scores = (np.array(column, dtype=float) for column in list(zip(*drawn, strict=True))[:2])
    coverage, risk = risk_coverage(errors, scores)
    expected = expected_risks(errors, scores)
    np.testing.assert_allclose(risk, expected, atol=1e-9)
    np.testing.assert_allclose(coverage, np.arange(1, len(errors) + 1) / len(errors))
    assert aurc(errors, scores) == pytest.approx(expected.mean(), abs=1e-9)


@given(drawn=pairs)
@settings(max_examples=30, deadline=None)
def test_weights_are_copies(drawn):
    errors, scores, weights = (np.array(column, dtype=float) for column in zip(*drawn, strict=True))
    times = weights.astype(int)
    copied_errors, copied_scores = np.repeat(errors, times), np.repeat(scores, times)
    area = UncertaintyOrder.of(scores, np.stack([weights, np.ones_like(weights)])).area(errors)
    assert area[0] == pytest.approx(aurc(copied_errors, copied_scores), abs=1e-9)
    assert area[1] == pytest.approx(aurc(errors, scores), abs=1e-9)
    _, risk = risk_coverage(copied_errors, copied_scores)
    for k in range(1, times.sum() + 1):
        kept = UncertaintyOrder.of(scores, weights[None]).kept(errors, share=k / times.sum())[0]
        assert kept / k == pytest.approx(risk[k - 1], abs=1e-9)


@given(drawn=pairs)
@settings(max_examples=30, deadline=None)
def test_no_score_beats_the_oracle_and_a_constant_one_is_random(drawn):
    errors, scores = (np.array(column, dtype=float) for column in list(zip(*drawn, strict=True))[:2])
    assert aurc(errors, errors) <= aurc(errors, scores) + 1e-9
    assert aurc(errors, scores) <= aurc(errors, -errors) + 1e-9
    assert aurc(errors, np.zeros_like(errors)) == pytest.approx(errors.mean(), abs=1e-9)


def test_area_by_hand():
    # Kept 1: 2; kept 2: (2 + 1) / 2 = 1.5; kept 3: (2 + 1 + 6) / 3 = 3. Mean 6.5 / 3.
    assert aurc([1, 2, 6], [0.2, 0.1, 0.3]) == pytest.approx(6.5 / 3)


def test_pairs_with_nan_are_left_out_and_infinite_scores_are_the_most_uncertain():
    _, risk = risk_coverage(np.array([1, np.nan, 4, 9]), np.array([0.1, 0.2, np.inf, np.nan]))
    np.testing.assert_allclose(risk, [1, 2.5])
    assert np.isnan(aurc([], []))


def test_share_that_ends_within_a_point_counts_a_part_of_it():
    order = UncertaintyOrder.of(np.array([1.0, 2, 3]), np.ones((1, 3)))
    assert order.kept(np.array([1.0, 10, 100]), share=0.5)[0] == pytest.approx(1 + 0.5 * 10)
    assert order.caught(np.array([0.0, 1, 1]), share=0.5)[0] == pytest.approx(0.75)


def test_referral_by_hand():
    # Ten points; the two most uncertain are the 9 and one of the small errors; one error over 4 is kept.
    errors = np.array([[9.0, 5, 1, 1, 1], [1, 1, 1, 1, 1]])
    scores = np.array([[10.0, 1, 2, 3, 4], [9, 5, 6, 7, 8]])
    weights = film_weights(2, n_resamples=50)
    quality = referral_quality(errors, errors > 4, scores, weights)
    assert (quality.n_points, quality.n_large, quality.risk) == (10, 2, pytest.approx(2.2))
    ten, twenty, thirty = quality.referred
    assert [each.share for each in quality.referred] == [0.1, 0.2, 0.3]
    assert ten.risk_kept == pytest.approx(13 / 9)
    assert twenty.risk_kept == pytest.approx(12 / 8)
    assert thirty.risk_kept == pytest.approx(11 / 7)
    assert [each.caught for each in quality.referred] == pytest.approx([0.5, 0.5, 0.5])
    assert [each.caught_oracle for each in quality.referred] == pytest.approx([0.5, 1, 1])
    assert twenty.risk_kept_oracle == pytest.approx(1.0)
    low, high = twenty.caught_ci95
    assert low <= 0.5 <= high


def test_constant_score_catches_its_share_and_has_full_excess():
    errors = np.random.default_rng(0).exponential(2.0, (30, 19))
    quality = referral_quality(errors, errors > 4, np.zeros_like(errors), film_weights(30, n_resamples=50))
    assert quality.excess == pytest.approx(1.0)
    assert [each.caught for each in quality.referred] == pytest.approx([0.1, 0.2, 0.3])
    np.testing.assert_allclose([each.risk_kept for each in quality.referred], quality.risk)
    best = referral_quality(errors, errors > 4, errors, film_weights(30, n_resamples=50))
    assert best.excess == pytest.approx(0.0, abs=1e-12)
    assert best.aurc == best.aurc_oracle


def test_oracle_of_films_goes_by_their_large_errors():
    """The film with the largest mean need not hold the most large errors."""
    means, counts = np.array([[5.0], [4.0], [1.0], [1.0], [1.0]]), np.array([[1.0], [3], [0], [0], [0]])
    quality = referral_quality(means, counts, means, film_weights(5, n_resamples=20))
    twenty = quality.referred[1]
    assert twenty.caught == pytest.approx(1 / 4)
    assert twenty.caught_oracle == pytest.approx(3 / 4)
    assert twenty.risk_kept == twenty.risk_kept_oracle == pytest.approx(7 / 4)


def test_equal_errors_leave_the_excess_undefined_and_no_large_error_the_catch():
    errors = np.full((6, 2), 1.1)
    scores = np.arange(12.0).reshape(6, 2)
    quality = referral_quality(errors, errors > 4, scores, film_weights(6, n_resamples=20))
    assert np.isnan(quality.excess)
    assert np.isnan(quality.excess_ci95[0])
    assert np.isnan(quality.referred[0].caught)


def test_intervals_cover_the_true_catch():
    """Films with an effect of their own: the share caught in a large population lies in most intervals."""

    def draw(rng: np.random.Generator, films: int) -> tuple[np.ndarray, np.ndarray]:
        scores = rng.normal(size=(films, 5)) + rng.normal(size=(films, 1))
        return np.exp(scores + rng.normal(size=(films, 5))), scores

    errors, scores = draw(np.random.default_rng(1), 5000)
    whole = referral_quality(errors, errors > 4, scores, np.ones((1, 5000))).referred[1].caught
    hits = 0
    for seed in range(25):
        errors, scores = draw(np.random.default_rng([2, seed]), 60)
        weights = film_weights(60, n_resamples=100, seed=seed)
        low, high = referral_quality(errors, errors > 4, scores, weights).referred[1].caught_ci95
        hits += low <= whole <= high
    assert hits >= 20

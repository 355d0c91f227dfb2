from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cephsure.studies.statistics.risk_coverage import UncertaintyOrder, aurc, risk_coverage, weighted_aurc

pairs = st.lists(
    st.tuples(st.floats(0, 50), st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=5
).filter(lambda drawn: any(weight for _, _, weight in drawn))


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
    curve = risk_coverage(errors, scores)
    expected = expected_risks(errors, scores)
    np.testing.assert_allclose(curve.risk, expected, atol=1e-9)
    np.testing.assert_allclose(curve.coverage, np.arange(1, len(errors) + 1) / len(errors))
    assert aurc(errors, scores) == pytest.approx(expected.mean(), abs=1e-9)


@given(drawn=pairs)
@settings(max_examples=30, deadline=None)
def test_weights_are_copies(drawn):
    errors, scores, weights = (np.array(column, dtype=float) for column in zip(*drawn, strict=True))
    times = weights.astype(int)
    copied_errors, copied_scores = np.repeat(errors, times), np.repeat(scores, times)
    area = weighted_aurc(errors, scores, np.stack([weights, np.ones_like(weights)]))
    assert area[0] == pytest.approx(aurc(copied_errors, copied_scores), abs=1e-9)
    assert area[1] == pytest.approx(aurc(errors, scores), abs=1e-9)
    curve = risk_coverage(copied_errors, copied_scores)
    for k in range(1, times.sum() + 1):
        kept = UncertaintyOrder.of(scores, weights[None]).kept(errors, share=k / times.sum())[0]
        assert kept / k == pytest.approx(curve.risk[k - 1], abs=1e-9)


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
    curve = risk_coverage([1, np.nan, 4, 9], [0.1, 0.2, np.inf, np.nan])
    np.testing.assert_allclose(curve.risk, [1, 2.5])
    assert np.isnan(aurc([], []))
    with pytest.raises(ValueError, match="3 errors do not fit 2"):
        aurc([1, 2, 3], [1, 2])


def test_share_that_ends_within_a_point_counts_a_part_of_it():
    order = UncertaintyOrder.of(np.array([1.0, 2, 3]), np.ones((1, 3)))
    assert order.kept(np.array([1.0, 10, 100]), share=0.5)[0] == pytest.approx(1 + 0.5 * 10)
    assert order.caught(np.array([0.0, 1, 1]), share=0.5)[0] == pytest.approx(0.75)

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cephsure.evaluation.roc import auc, roc_curve, weighted_auc

NAN = float("nan")


def test_area_with_ties_by_hand():
    # Positives 2, 3; negatives 1, 2, 2. Pairs won: 2 beats 1, ties twice: 2; 3 beats all: 3. 5 of 6.
    assert auc([True, True, False, False, False], [2, 3, 1, 2, 2]) == pytest.approx((1 + 0.5 + 0.5 + 3) / 6)


def test_perfect_useless_and_reversed():
    large = [False, False, True, True]
    assert auc(large, [1, 2, 3, 4]) == 1.0
    assert auc(large, [5, 5, 5, 5]) == 0.5
    assert auc(large, [4, 3, 2, 1]) == 0.0


def test_area_agrees_with_the_mann_whitney_statistic():
    generator = np.random.default_rng(1)
    scores = generator.normal(size=300).round(1)
    large = generator.random(300) < 0.2
    statistic = stats.mannwhitneyu(scores[large], scores[~large]).statistic
    assert auc(large, scores) == pytest.approx(statistic / (large.sum() * (~large).sum()))


@pytest.mark.parametrize("large", [[True, True], [False, False], []])
def test_one_kind_alone_has_no_area(large):
    assert math.isnan(auc(large, [1.0, 2.0][: len(large)]))


def test_points_without_a_score_are_left_out():
    assert auc([True, False, True], [2, 1, NAN]) == 1.0


def test_labels_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="do not fit"):
        auc([True], [1, 2])


labelled = st.lists(st.tuples(st.booleans(), st.integers(-20, 20)), min_size=2, max_size=40).filter(
    lambda points: len({large for large, _ in points}) == 2
)


@given(points=labelled)
def test_only_the_order_of_the_scores_matters(points):
    large = [label for label, _ in points]
    scores = np.array([score for _, score in points], dtype=np.float64)
    assert auc(large, np.exp(scores / 4)) == pytest.approx(auc(large, scores))
    assert auc(large, scores**3 - 7) == pytest.approx(auc(large, scores))
    assert auc(large, -scores) == pytest.approx(1 - auc(large, scores))


@given(points=labelled)
def test_area_is_the_trapezoidal_area_under_the_curve(points):
    large = [label for label, _ in points]
    scores = [float(score) for _, score in points]
    curve = roc_curve(large, scores)
    heights = (curve.true_positive_rate[1:] + curve.true_positive_rate[:-1]) / 2
    area = (heights * np.diff(curve.false_positive_rate)).sum()
    assert area == pytest.approx(auc(large, scores))
    assert (np.diff(curve.thresholds) < 0).all()


def test_curve_by_hand():
    curve = roc_curve([True, True, False, False], [0.9, 0.4, 0.4, 0.1])
    assert curve.thresholds.tolist() == [np.inf, 0.9, 0.4, 0.1]
    assert curve.true_positive_rate.tolist() == [0.0, 0.5, 1.0, 1.0]
    assert curve.false_positive_rate.tolist() == [0.0, 0.0, 0.5, 1.0]


def test_curve_of_nothing_is_its_start_without_rates():
    curve = roc_curve([], [])
    assert len(curve.thresholds) == 1
    assert math.isnan(curve.true_positive_rate[0])


def test_weights_repeat_the_data():
    generator = np.random.default_rng(4)
    scores = generator.integers(0, 6, 30).astype(np.float64)
    large = generator.random(30) < 0.4
    times = generator.integers(0, 4, (5, 30))
    expected = [auc(np.repeat(large, row), np.repeat(scores, row)) for row in times]
    assert weighted_auc(large, scores, times.astype(np.float64)) == pytest.approx(expected)

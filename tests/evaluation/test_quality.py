from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import roc_auc_score

from cephsure.evaluation.bootstrap import film_weights
from cephsure.evaluation.quality import (
    auc,
    measure_quality,
    midranks,
    pearson,
    spearman,
    weighted_auc,
    weighted_pearson,
    weighted_spearman,
)


@pytest.fixture(scope="module")
def study():
    """60 films of 8 points; a measure that follows the error with noise."""
    generator = np.random.default_rng(0)
    scale = generator.gamma(2.0, 0.7, (60, 8))
    return scale * generator.exponential(1.0, (60, 8)), scale + generator.normal(0, 0.3, (60, 8))


def test_figures_agree_with_scipy(study):
    errors, values = study
    found = measure_quality(errors, values, 1, film_weights(60, n_resamples=50), in_mm=True)
    assert found.n_points == 480
    assert found.pearson == pytest.approx(stats.pearsonr(errors.ravel(), values.ravel()).statistic)
    assert found.spearman == pytest.approx(stats.spearmanr(errors.ravel(), values.ravel()).statistic)
    large = errors > 2
    wins = stats.mannwhitneyu(values[large], values[~large]).statistic
    assert found.auc_2mm == pytest.approx(wins / (large.sum() * (~large).sum()))


def test_a_falling_measure_keeps_its_sign_in_correlations_and_is_turned_for_the_area(study):
    errors, values = study
    weights = film_weights(60, n_resamples=50)
    rising = measure_quality(errors, values, 1, weights, in_mm=True)
    falling = measure_quality(errors, -values, -1, weights, in_mm=True)
    assert falling.pearson == pytest.approx(-rising.pearson)
    assert falling.spearman == pytest.approx(-rising.spearman)
    assert falling.auc_2mm == pytest.approx(rising.auc_2mm)
    assert falling.auc_4mm_ci95 == pytest.approx(rising.auc_4mm_ci95)


def test_intervals_hold_the_figures(study):
    errors, values = study
    found = measure_quality(errors, values, 1, film_weights(60, n_resamples=200), in_mm=True)
    for name in ("pearson", "spearman", "auc_2mm", "auc_4mm"):
        low, high = getattr(found, f"{name}_ci95")
        assert low < getattr(found, name) < high


def test_spearman_interval_covers_the_true_correlation_about_as_often_as_it_says():
    """150 studies of 50 films, two points each, normal with r = 0.6: Spearman's is (6 / pi) asin(r / 2)."""
    generator = np.random.default_rng(8)
    truth = 6 / np.pi * np.arcsin(0.3)
    covered = 0
    for study_number in range(150):
        x = generator.normal(size=(50, 2))
        y = 0.6 * x + 0.8 * generator.normal(size=(50, 2))
        weights = film_weights(50, n_resamples=200, seed=study_number)
        low, high = measure_quality(x, y, 1, weights, in_mm=False).spearman_ci95
        covered += low <= truth <= high
    assert 0.87 <= covered / 150 <= 0.99


def test_points_without_error_or_value_are_left_out(study):
    errors, values = (part.copy() for part in study)
    errors[0], values[1] = np.nan, np.nan
    found = measure_quality(errors, values, 1, film_weights(60, n_resamples=20), in_mm=True)
    expected = measure_quality(errors[2:], values[2:], 1, film_weights(58, n_resamples=20), in_mm=True)
    assert found.n_points == 464
    assert (found.pearson, found.auc_2mm) == pytest.approx((expected.pearson, expected.auc_2mm))


def test_what_is_not_defined_is_none(study):
    errors, values = study
    weights = film_weights(60, n_resamples=20)
    constant = measure_quality(errors, np.zeros_like(values), 1, weights, in_mm=True)
    assert (constant.pearson, constant.spearman, constant.spearman_ci95) == (None, None, None)
    assert constant.auc_2mm == 0.5
    in_px = measure_quality(errors, values, 1, weights, in_mm=False)
    assert (in_px.auc_2mm, in_px.auc_4mm, in_px.auc_2mm_ci95) == (None, None, None)
    assert in_px.pearson is not None
    small = measure_quality(errors * 0.001, values, 1, weights, in_mm=True)
    assert (small.auc_4mm, small.auc_4mm_ci95) == (None, None)


def test_an_error_of_exactly_two_millimetres_is_not_over_two():
    errors = np.array([[2.0000000000000004], [3.0], [1.0]])
    found = measure_quality(errors, np.array([[1.0], [3.0], [2.0]]), 1, film_weights(3), in_mm=True)
    assert found.auc_2mm == 1.0


NAN = float("nan")


def test_pearson_by_hand():
    # Deviations -1 0 1 and 1 -1 0: sum of products -1, sums of squares 2 and 2: r = -1 / 2.
    assert pearson([1, 2, 3], [3, 1, 2]) == pytest.approx(-0.5)


def test_spearman_with_ties_by_hand():
    # Ranks 1, 2.5, 2.5, 4 and 1, 3, 2, 4. Deviations -1.5 0 0 1.5 and -1.5 0.5 -0.5 1.5: sum of products 4.5,
    # sums of squares 4.5 and 5.
    assert spearman([1, 2, 2, 4], [1, 3, 2, 4]) == pytest.approx(4.5 / math.sqrt(22.5))


@pytest.mark.parametrize("seed", range(3))
def test_both_agree_with_scipy(seed):
    generator = np.random.default_rng(seed)
    x = generator.gamma(2, 1, 200).round(1)
    y = x + generator.normal(0, 2, 200).round(1)
    assert pearson(x, y) == pytest.approx(stats.pearsonr(x, y).statistic)
    assert spearman(x, y) == pytest.approx(stats.spearmanr(x, y).statistic)


def test_pairs_with_a_gap_are_left_out():
    assert pearson([[1, 2, 3, NAN]], [[3, 1, 2, 100]]) == pytest.approx(-0.5)
    assert spearman([1, NAN, 2, 2, 4], [1, 9, 3, 2, 4]) == pytest.approx(4.5 / math.sqrt(22.5))


@pytest.mark.parametrize("correlation", [pearson, spearman])
@pytest.mark.parametrize(
    ("x", "y"),
    [([0.1, 0.1, 0.1], [1, 2, 3]), ([1, 2, 3], [0.7, 0.7, 0.7]), ([1], [1]), ([], []), ([NAN], [1])],
)
def test_what_is_constant_or_too_short_has_no_correlation(correlation, x, y):
    assert math.isnan(correlation(x, y))


@pytest.mark.parametrize("correlation", [pearson, spearman])
def test_values_that_are_not_pairs_are_refused(correlation):
    with pytest.raises(ValueError, match="not pairs"):
        correlation([1, 2], [1, 2, 3])


@given(seed=st.integers(0, 2**16), scale=st.floats(0.001, 1000), shift=st.floats(-1000, 1000))
def test_units_do_not_matter(seed, scale, shift):
    x, y = np.random.default_rng(seed).normal(size=(2, 30))
    assert pearson(scale * x + shift, y) == pytest.approx(pearson(x, y), abs=1e-6)
    assert pearson(-x, y) == pytest.approx(-pearson(x, y))
    assert spearman(np.exp(x), y) == pytest.approx(spearman(x, y))


@pytest.mark.parametrize(("weighted", "plain"), [(weighted_pearson, pearson), (weighted_spearman, spearman)])
def test_weights_repeat_the_data(weighted, plain):
    generator = np.random.default_rng(2)
    x, y = generator.integers(0, 8, (2, 25)).astype(np.float64)
    times = generator.integers(0, 4, (6, 25))
    expected = [plain(np.repeat(x, row), np.repeat(y, row)) for row in times]
    assert weighted(x, y, times.astype(np.float64)) == pytest.approx(expected)


@pytest.mark.parametrize("weighted", [weighted_pearson, weighted_spearman])
def test_a_resample_that_is_constant_has_no_correlation(weighted):
    weights = np.array([[1.0, 1.0, 1.0], [0.0, 3.0, 0.0], [0.0, 0.0, 0.0]])
    found = weighted(np.array([0.1, 0.2, 0.4]), np.array([1.0, 2.0, 3.0]), weights)
    assert np.isnan(found).tolist() == [False, True, True]


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


@pytest.mark.slow
@given(points=labelled)
def test_area_is_the_one_under_the_curve(points):
    large = [label for label, _ in points]
    scores = [float(score) for _, score in points]
    assert roc_auc_score(large, scores) == pytest.approx(auc(large, scores))


def test_weights_repeat_the_points():
    generator = np.random.default_rng(4)
    scores = generator.integers(0, 6, 30).astype(np.float64)
    large = generator.random(30) < 0.4
    times = generator.integers(0, 4, (5, 30))
    expected = [auc(np.repeat(large, row), np.repeat(scores, row)) for row in times]
    assert weighted_auc(large, scores, times.astype(np.float64)) == pytest.approx(expected)


def test_ties_share_their_mean_rank():
    found = midranks(np.array([30.0, 10.0, 20.0, 20.0]), np.ones((1, 4)))
    assert found.tolist() == [[4.0, 1.0, 2.5, 2.5]]


@given(
    pairs=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), min_size=1, max_size=20),
)
def test_weighted_ranks_are_the_ranks_of_the_repeated_data(pairs):
    values = np.array([value for value, _ in pairs], dtype=np.float64)
    times = np.array([count for _, count in pairs])
    repeated = stats.rankdata(np.repeat(values, times))
    found = midranks(values, times[None].astype(np.float64))[0]
    assert np.repeat(found, times) == pytest.approx(repeated)

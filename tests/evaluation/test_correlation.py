from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cephsure.evaluation.correlation import pearson, spearman, weighted_pearson, weighted_spearman

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

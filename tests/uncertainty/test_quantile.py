"""Our quantile beside MAPIE's in one dimension, where both must give the same interval."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import betabinom, binom

from cephsure.errors import InputError
from cephsure.uncertainty.quantile import LEVELS, conformal_quantile, conformal_rank


# Worked by hand: ceil((n + 1) level).
@pytest.mark.parametrize(
    ("n", "level", "rank"),
    [
        (5, 0.5, 3),
        (5, 0.8, 5),
        (5, 0.9, 6),  # too few
        (9, 0.9, 9),
        (10, 0.9, 10),
        (19, 0.95, 19),
        (18, 0.95, 19),  # too few
        (20, 0.95, 20),
        (39, 0.95, 38),
        (19, 0.55, 11),  # 20 x 0.55 is 11.000000000000002 in binary
        (99, 0.07, 7),  # and 100 x 0.07 is 7.000000000000001
    ],
)
def test_rank(n, level, rank):
    assert conformal_rank(n, level) == rank


@given(n=st.integers(0, 2000), percent=st.integers(1, 99))
def test_rank_is_the_smallest_that_keeps_the_promise(n, percent):
    rank, level = conformal_rank(n, percent / 100), Fraction(percent, 100)
    assert Fraction(rank, n + 1) >= level
    assert Fraction(rank - 1, n + 1) < level


@pytest.mark.slow
@given(
    scores=st.lists(st.floats(0, 1e6, allow_nan=False) | st.just(math.inf), max_size=60),
    level=st.sampled_from(LEVELS),
)
def test_quantile_is_a_score_with_enough_scores_at_or_below_it(scores, level):
    bound = conformal_quantile(scores, level)
    rank = conformal_rank(len(scores), level)
    if rank > len(scores):
        assert bound == math.inf
    else:
        assert sum(score <= bound for score in scores) >= rank
        assert sum(score < bound for score in scores) < rank
        assert bound in scores


@given(
    scores=st.lists(st.floats(0, 10), min_size=1, max_size=40),
    low=st.integers(1, 98),
    data=st.data(),
)
def test_a_higher_level_never_gives_a_smaller_bound(scores, low, data):
    high = data.draw(st.integers(low, 99))
    assert conformal_quantile(scores, low / 100) <= conformal_quantile(scores, high / 100)


def test_missing_scores_are_left_out():
    assert conformal_quantile([np.nan, 2.0, 1.0, np.nan, 3.0], 0.5) == 2.0
    assert conformal_quantile([], 0.5) == math.inf


@pytest.mark.parametrize("level", [0.0, 1.0, -0.1, 1.5, math.nan])
def test_what_is_no_level_is_refused(level):
    with pytest.raises(InputError, match="level"):
        conformal_quantile([1.0], level)


def _covered(n, level, *, draws, rng):
    """How many of 50 new scores lie within the bound, for each of many calibrations on n scores."""
    calibration = rng.standard_exponential((draws, n))
    bounds = np.array([conformal_quantile(row, level) for row in calibration])
    return (rng.standard_exponential((draws, 50)) <= bounds[:, None]).sum(axis=1)


@pytest.mark.parametrize("n", [5, 10, 19, 20])
@pytest.mark.parametrize("level", LEVELS)
def test_coverage_is_what_is_promised(n, level):
    """Over calibrations the coverage is k / (n + 1), at least the level, at most 1 / (n + 1) more."""
    draws = 4000
    covered = _covered(n, level, draws=draws, rng=np.random.default_rng(int(1000 * level) + n))
    rank = conformal_rank(n, level)
    expected = rank / (n + 1)
    assert level <= expected < level + 1 / (n + 1) + 1e-12
    if rank > n:
        assert (covered == 50).all()
        return
    # Beta-binomial: the standard error of the mean over calibrations.
    error = betabinom(50, rank, n + 1 - rank).std() / 50 / np.sqrt(draws)
    assert abs(covered.mean() / 50 - expected) < 4 * error


@pytest.mark.parametrize(("n", "level"), [(5, 0.5), (10, 0.8), (19, 0.95), (20, 0.9)])
def test_coverage_given_the_calibration_has_its_law(n, level):
    """Of 50 new points the number covered is beta-binomial (k, n + 1 - k), not binomial (Vovk 2012)."""
    draws = 4000
    covered = _covered(n, level, draws=draws, rng=np.random.default_rng(7))
    rank = conformal_rank(n, level)
    law = betabinom(50, rank, n + 1 - rank)
    for count in range(0, 51, 5):
        share = (covered <= count).mean()
        assert abs(share - law.cdf(count)) < 4.5 * np.sqrt(0.25 / draws), count
    # Sharp enough to tell it from the law that forgets the calibration's own chance.
    naive = binom(50, rank / (n + 1))
    assert max(abs((covered <= c).mean() - naive.cdf(c)) for c in range(51)) > 0.1


def test_a_common_wrong_quantile_would_be_caught():
    """The plain empirical quantile undercovers by about level / (n + 1): the tests above can see that."""
    rng = np.random.default_rng(3)
    n, level, draws = 10, 0.8, 4000
    bounds = np.quantile(rng.standard_exponential((draws, n)), level, axis=1)
    coverage = (rng.standard_exponential((draws, 50)) <= bounds[:, None]).mean()
    assert coverage < level - 0.03


regression = pytest.importorskip("mapie.regression", reason="MAPIE is a test dependency")
dummy = pytest.importorskip("sklearn.dummy", reason="scikit-learn comes with MAPIE")


@pytest.mark.parametrize("n", [20, 21, 39, 100])  # MAPIE refuses 19 for 95 %
def test_half_widths_are_mapies(n):
    errors = np.random.default_rng(n).standard_normal(n)
    films = np.zeros((n, 1))
    zero = dummy.DummyRegressor(strategy="constant", constant=0.0).fit(films, errors)
    levels = [level for level in LEVELS if conformal_rank(n, level) <= n]
    mapie = regression.SplitConformalRegressor(zero, confidence_level=levels, prefit=True)
    _, intervals = mapie.conformalize(films, errors).predict_interval(films[:1])
    for index, level in enumerate(levels):
        assert intervals[0, 1, index] == pytest.approx(conformal_quantile(np.abs(errors), level))
        assert intervals[0, 0, index] == pytest.approx(-conformal_quantile(np.abs(errors), level))

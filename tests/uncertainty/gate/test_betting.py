from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cephsure.errors import InputError
from cephsure.uncertainty.gate.betting import BETS, fewest_films, wealth


def test_wealth_by_hand():
    # bound 0.2: bets 0.5 / 0.8 = 0.625 and 1 / 0.8 = 1.25; films of loss 0 and 1
    first = (1 + 0.625 * 0.2) * (1 + 0.625 * -0.8)
    assert BETS == (0.5, 1.0)
    assert wealth([0.0, 1.0], 0.2) == pytest.approx((first + 1.25 * 0.0) / 2)
    assert wealth([0.0], 0.2) == pytest.approx((1.125 + 1.25) / 2)


@given(st.lists(st.floats(0, 1), max_size=30), st.floats(0.01, 0.5), st.randoms())
def test_order_does_not_matter_and_smaller_losses_never_lessen_it(losses, bound, random):
    value = wealth(losses, bound)
    shuffled = losses[:]
    random.shuffle(shuffled)
    assert wealth(shuffled, bound) == pytest.approx(value, rel=1e-9, abs=1e-12)
    assert wealth([loss / 2 for loss in losses], bound) >= value * (1 - 1e-9)


@pytest.mark.parametrize("concentration", [0.2, 2.0, 20.0])
def test_mean_at_the_bound_is_rarely_refuted(concentration):
    # Beta losses of mean 0.1, from nearly all-or-nothing to nearly constant: valid for each.
    rng = np.random.default_rng(5)
    draws = rng.beta(0.1 * concentration, 0.9 * concentration, size=(1000, 60))
    for delta in (0.2, 0.1, 0.05):
        refuted = np.mean([wealth(losses, 0.1) >= 1 / delta for losses in draws])
        assert refuted <= delta + 3 * np.sqrt(delta / len(draws))


def test_a_film_that_loses_all_in_twenty_is_the_worst_case_and_kept_too():
    rng = np.random.default_rng(6)
    draws = (rng.random((1000, 150)) < 0.05).astype(float)
    assert np.mean([wealth(losses, 0.05) >= 10 for losses in draws]) <= 0.12


def test_power_where_losses_vary_little():
    rng = np.random.default_rng(7)
    refuted = [wealth(rng.beta(1, 79, 75), 0.05) >= 10 for _ in range(100)]  # mean 0.0125
    assert np.mean(refuted) > 0.2


@pytest.mark.parametrize(("bound", "confidence"), [(0.05, 0.9), (0.2, 0.5), (0.01, 0.99), (1e-4, 0.9)])
def test_fewest_films_is_the_first_that_suffices(bound, confidence):
    count = fewest_films(bound, confidence)
    assert wealth(np.zeros(count), bound) >= 1 / (1 - confidence) > wealth(np.zeros(count - 1), bound)


@pytest.mark.parametrize(("losses", "bound"), [([1.1], 0.1), ([-0.1], 0.1), ([0.5], 0.0), ([0.5], 1.0)])
def test_out_of_range_is_refused(losses, bound):
    with pytest.raises(InputError):
        wealth(losses, bound)


def test_no_evidence_overflows():
    assert np.isfinite(wealth(np.zeros(100_000), 0.5))

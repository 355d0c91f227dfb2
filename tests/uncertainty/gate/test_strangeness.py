from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cephsure.uncertainty.gate.strangeness import strangeness

WEIGHTS = np.array([1.0, 0.5, 0.7, 1.0])


def draw(rng, count):
    """Dependent, skewed signs, one of them constant."""
    common = rng.exponential(size=(count, 1))
    signs = np.hstack([common + rng.normal(size=(count, 1)), rng.exponential(size=(count, 2)) * common])
    return np.hstack([signs, np.zeros((count, 1))])


@pytest.mark.parametrize("n_films", [5, 19, 20, 60])
@pytest.mark.parametrize("level", [0.05, 0.2])
def test_false_alarms_keep_their_rate_for_any_number_of_films(n_films, level):
    rng = np.random.default_rng(n_films)
    repeats = 500
    alarms = 0
    for _ in range(repeats):
        films = draw(rng, n_films + 1)
        alarms += strangeness(films[-1], films[:-1], WEIGHTS).p_value <= level
    assert alarms / repeats <= level + 3 * np.sqrt(level / repeats)
    if (n_films + 1) * level < 1:
        assert alarms == 0


@given(st.integers(1, 40), st.integers(0, 10_000))
def test_p_values_are_counts_of_films(n_films, seed):
    films = draw(np.random.default_rng(seed), n_films + 1)
    found = strangeness(films[-1], films[:-1], WEIGHTS)
    count = found.p_value * (n_films + 1)
    assert count == pytest.approx(round(count))
    assert 1 <= round(count) <= n_films + 1


def test_one_extreme_sign_is_enough_and_infinite_or_missing_ones_are_extreme():
    known = draw(np.random.default_rng(0), 99)
    for value in (50.0, np.inf, np.nan):
        found = strangeness(np.array([0.0, value, 0.0, 0.0]), known, WEIGHTS)
        assert found.p_value == pytest.approx(0.01)
        assert found.strengths.argmax() == 1


def test_a_sign_that_never_varies_says_nothing():
    known = np.zeros((50, 4))
    known[:, 0] = np.arange(50)
    found = strangeness(np.array([25.0, 0.0, 0.0, 0.0]), known, WEIGHTS)
    assert np.isneginf(found.strengths[1:]).all()
    assert found.p_value > 0.3


def test_weights_decide_between_signs():
    known = np.random.default_rng(1).normal(size=(199, 2))
    new = np.array([1.0, 4.0])
    even = strangeness(new, known, np.array([1.0, 1.0])).p_value
    assert even < strangeness(new, known, np.array([1.0, 0.2])).p_value


def test_without_films_nothing_is_strange():
    assert strangeness(np.ones(4), np.empty((0, 4)), WEIGHTS).p_value == 1.0

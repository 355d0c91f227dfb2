from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cephsure.uncertainty.gate.out_of_distribution import out_of_distribution
from cephsure.uncertainty.gate.signs import Sign

TAKEN = [Sign(weight) for weight in (1.0, 0.5, 0.7, 1.0)]


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
        alarms += out_of_distribution(films[-1], films[:-1], TAKEN).p_value <= level
    assert alarms / repeats <= level + 3 * np.sqrt(level / repeats)
    if (n_films + 1) * level < 1:
        assert alarms == 0


@given(st.integers(1, 40), st.integers(0, 10_000))
def test_p_values_are_counts_of_films(n_films, seed):
    films = draw(np.random.default_rng(seed), n_films + 1)
    found = out_of_distribution(films[-1], films[:-1], TAKEN)
    count = found.p_value * (n_films + 1)
    assert count == pytest.approx(round(count))
    assert 1 <= round(count) <= n_films + 1


def test_one_extreme_sign_is_enough_and_infinite_ones_are_extreme():
    known = draw(np.random.default_rng(0), 99)
    for value in (50.0, np.inf):
        found = out_of_distribution(np.array([0.0, value, 0.0, 0.0]), known, TAKEN)
        assert found.p_value == pytest.approx(0.01)
        assert found.strengths.argmax() == 1


def test_a_sign_that_never_varies_says_nothing():
    known = np.zeros((50, 4))
    known[:, 0] = np.arange(50)
    found = out_of_distribution(np.array([25.0, 0.0, 0.0, 0.0]), known, TAKEN)
    assert np.isneginf(found.strengths[1:]).all()
    assert found.p_value > 0.3


def test_weights_decide_between_signs():
    known = np.random.default_rng(1).normal(size=(199, 2))
    new = np.array([1.0, 4.0])
    even = out_of_distribution(new, known, [Sign(1.0), Sign(1.0)]).p_value
    assert even < out_of_distribution(new, known, [Sign(1.0), Sign(0.2)]).p_value


def test_without_films_nothing_is_out_of_distribution():
    assert out_of_distribution(np.ones(4), np.empty((0, 4)), TAKEN).p_value == 1.0


def test_a_sign_that_is_not_known_says_nothing():
    known = draw(np.random.default_rng(2), 99)
    found = out_of_distribution(np.array([50.0, np.nan, 0.0, 0.0]), known, TAKEN)
    assert np.isneginf(found.strengths[1])
    assert found.p_value == pytest.approx(0.01)
    known[:, 1] = np.nan
    assert np.isneginf(out_of_distribution(np.zeros(4), known, TAKEN).strengths[1])


def test_of_a_sign_of_two_sides_too_little_is_as_strange_as_too_much():
    known = np.random.default_rng(3).normal(size=(199, 1))
    for value in (9.0, -9.0):
        assert out_of_distribution(np.array([value]), known, [Sign(1.0, two_sided=True)]).p_value == 0.005
    assert out_of_distribution(np.array([-9.0]), known, [Sign(1.0)]).p_value == 1.0


def test_films_that_are_all_alike_differ_by_the_least_spread():
    known = np.full((99, 1), 0.8)
    taken = [Sign(1.0, two_sided=True, least_spread=0.02)]
    found = out_of_distribution(np.array([0.7]), known, taken)
    assert found.deviations[0] == pytest.approx(5.0)
    assert found.p_value == 0.01


def test_signs_of_the_picture_do_not_count_for_the_head():
    known = np.random.default_rng(4).normal(size=(199, 2))
    taken = [Sign(1.0), Sign(1.0, of_head=False)]
    found = out_of_distribution(np.array([0.0, 9.0]), known, taken)
    assert found.p_value == 0.005
    assert found.p_of_head > 0.3

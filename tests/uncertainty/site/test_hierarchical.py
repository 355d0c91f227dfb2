from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cephsure.errors import InputError
from cephsure.uncertainty.conformal.quantile import conformal_quantile
from cephsure.uncertainty.site.hierarchical import pooled_quantile


@given(st.lists(st.floats(0, 9), min_size=1, max_size=40), st.sampled_from([0.5, 0.8, 0.9, 0.95]))
def test_with_one_point_a_film_it_is_split_conformal(scores, level):
    column = np.array(scores)[:, None]
    names = [str(i) for i in range(len(scores))]
    assert pooled_quantile(column, level, groups=names) == conformal_quantile(scores, level)


@pytest.mark.parametrize("n_films", [5, 10, 19, 20])
@pytest.mark.parametrize("level", [0.5, 0.8, 0.9])
def test_coverage_with_points_that_depend_on_each_other(n_films, level):
    rng = np.random.default_rng(n_films)
    held = []
    for _ in range(600):
        scores = np.exp(rng.normal(0, 1, (n_films + 1, 1)) + rng.normal(0, 0.5, (n_films + 1, 6)))
        bound = pooled_quantile(scores[:-1], level, groups=[str(i) for i in range(n_films)])
        held.append(np.mean(scores[-1] <= bound))
    assert np.mean(held) >= level - 3 * np.std(held) / math.sqrt(len(held))


def test_too_few_films_have_no_bound():
    scores = np.ones((8, 19))
    names = [str(i) for i in range(8)]
    assert math.isinf(pooled_quantile(scores, 0.9, groups=names))
    assert pooled_quantile(np.ones((9, 19)), 0.9, groups=[*names, "8"]) == 1.0


def test_copies_of_a_film_are_one_film():
    assert math.isinf(pooled_quantile(np.ones((20, 3)), 0.9, groups=["a"] * 20))


def test_missing_points_and_empty_films_do_not_count():
    scores = np.array([[1.0, np.nan], [np.nan, np.nan], [3.0, 2.0]])
    assert pooled_quantile(scores, 0.5, groups=["a", "b", "c"]) == 2.0


def test_a_level_out_of_range_is_refused():
    with pytest.raises(InputError):
        pooled_quantile(np.ones((3, 3)), 1.0, groups=["a", "b", "c"])

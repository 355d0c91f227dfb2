from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cephsure.uncertainty.calibration.shrinkage import shrink


def test_by_hand():
    # Weights 1, mean 5; excess 25 + 25 = 50, one degree of freedom; scale 2 - 2/2 = 1: t = (50 - 1) / 1 = 49.
    found = shrink(np.array([0.0, 10.0, np.nan]), np.array([1.0, 1.0, 1.0]))
    assert found == pytest.approx([5 - 5 * 49 / 50, 5 + 5 * 49 / 50, 5.0])


def test_about_a_known_centre_by_hand():
    # Weights 1 and 1/4; excess 9 + 4 = 13, expected 2, scale 1.25: t = 8.8.
    found = shrink(np.array([3.0, -4.0]), np.array([1.0, 4.0]), centre=0.0)
    assert found == pytest.approx([3 * 8.8 / 9.8, -4 * 8.8 / 12.8])


def test_what_noise_explains_is_pooled():
    found = shrink(np.array([1.0, 1.2, 0.8]), np.array([1.0, 1.0, 1.0]))
    assert found == pytest.approx([1.0, 1.0, 1.0])


def test_what_is_not_known_takes_the_pool():
    found = shrink(np.array([0.0, 10.0, np.nan, 3.0]), np.array([1.0, 1.0, 1.0, np.inf]))
    assert found[2:] == pytest.approx([5.0, 5.0])
    assert shrink(np.array([np.nan]), np.array([1.0])).tolist() == [0.0]
    assert shrink(np.array([np.nan]), np.array([1.0]), centre=2.0).tolist() == [2.0]


@given(
    st.lists(st.tuples(st.floats(-100, 100), st.floats(0.01, 100)), min_size=1, max_size=20),
    st.none() | st.floats(-10, 10),
)
def test_never_past_the_centre_nor_away_from_it(pairs, centre):
    x, v = np.array(pairs).T
    # An estimate that is not known is put into the centre.
    *found, middle = shrink(np.append(x, np.nan), np.append(v, 1.0), centre=centre)
    moved, away = np.array(found) - middle, x - middle
    assert (np.abs(moved) <= np.abs(away) + 1e-9).all()
    assert (moved * away >= -1e-9).all()


def test_it_beats_the_raw_estimates_and_the_pool():
    rng = np.random.default_rng(0)
    raw = pooled = shrunk = 0.0
    for _ in range(200):
        truth = rng.normal(3.0, 1.0, 19)
        variances = rng.uniform(0.3, 3.0, 19)
        seen = rng.normal(truth, np.sqrt(variances))
        raw += ((seen - truth) ** 2).sum()
        pooled += ((seen.mean() - truth) ** 2).sum()
        shrunk += ((shrink(seen, variances) - truth) ** 2).sum()
    assert shrunk < 0.75 * min(raw, pooled)

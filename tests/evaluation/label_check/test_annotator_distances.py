from __future__ import annotations

import numpy as np
import pytest

from cephsure.evaluation.label_check.annotator_distances import annotator_pairs


@pytest.fixture
def two():
    rng = np.random.default_rng(3)
    first = rng.uniform(0, 100, (60, 3, 2))
    return {"ann": first, "bob": first + rng.normal(0, 1, first.shape)}


def test_what_is_usual_between_two(two):
    two["bob"][:, 1] += (6, -8)
    (pair,) = annotator_pairs(two, 40.0)
    assert (pair.first, pair.second) == ("ann", "bob")
    np.testing.assert_allclose(pair.offset[1], (6, -8), atol=0.5)
    np.testing.assert_allclose(pair.spread, 1.0, atol=0.3)
    assert pair.mean[1] == pytest.approx(10, abs=0.6)
    # The mean distance of two points that differ by N(0, 1) along each axis is sqrt(pi / 2).
    assert pair.mean[0] == pytest.approx(1.25, abs=0.25)
    assert pair.habits(40.0).tolist() == [False, True, False]
    assert pair.identical == 0


def test_a_slip_stands_out_from_the_usual_offset(two):
    two["bob"][:, 1] += (6, -8)
    two["bob"][4, 1] -= (6, -8)
    (pair,) = annotator_pairs(two, 40.0)
    assert np.argwhere(pair.apart > 6).tolist() == [[4, 1]]


def test_what_happens_on_every_tenth_film_is_usual(two):
    two["bob"][::8, 2] += 9
    (pair,) = annotator_pairs(two, 40.0)
    assert (pair.apart[:, 2] < 6).all()


def test_points_that_one_left_out(two):
    two["bob"][:, 0] = np.nan
    two["ann"][5:, 1] = np.nan
    (pair,) = annotator_pairs(two, 40.0)
    assert pair.n_films.tolist() == [0, 5, 60]
    assert np.isnan(pair.mean[0])
    # Five films do not tell what is usual.
    assert np.isnan(pair.apart[:, 1]).all()
    assert np.isfinite(pair.mean[1])


def test_annotators_of_different_films_are_no_pair(two):
    two["ann"][:30], two["bob"][30:] = np.nan, np.nan
    assert annotator_pairs(two, 40.0) == []


def test_one_file_twice(two):
    two["cat"] = two["ann"].copy()
    pairs = {(pair.first, pair.second): pair.identical for pair in annotator_pairs(two, 40.0)}
    assert pairs == {("ann", "bob"): 0, ("ann", "cat"): 1, ("bob", "cat"): 0}

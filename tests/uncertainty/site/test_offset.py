from __future__ import annotations

import numpy as np
import pytest

from cephsure.uncertainty.site.offset import offsets_without_each, shrunken_offsets


def draw(rng, n_films, offsets, noise=1.0):
    return offsets + rng.normal(0, noise, (n_films, *offsets.shape))


def test_shrunken_offsets_err_less_than_means_and_than_nothing():
    rng = np.random.default_rng(0)
    squares = {"shrunken": 0.0, "mean": 0.0, "nothing": 0.0}
    for _ in range(100):
        true = rng.normal(0, 0.5, (19, 2))
        errors = draw(rng, 5, true)
        squares["shrunken"] += np.sum((shrunken_offsets(errors) - true) ** 2)
        squares["mean"] += np.sum((errors.mean(axis=0) - true) ** 2)
        squares["nothing"] += np.sum(true**2)
    assert squares["shrunken"] < 0.9 * min(squares["mean"], squares["nothing"])


def test_without_any_true_offset_hardly_anything_is_moved():
    rng = np.random.default_rng(1)
    moved = [np.abs(shrunken_offsets(draw(rng, 10, np.zeros((19, 2))))).mean() for _ in range(50)]
    assert np.mean(moved) < 0.1  # the means themselves differ by 0.25 on average


def test_many_films_give_the_mean():
    rng = np.random.default_rng(2)
    true = np.zeros((19, 2))
    true[15, 1] = 7.0
    offsets = shrunken_offsets(draw(rng, 400, true))
    assert offsets[15, 1] == pytest.approx(7.0, abs=0.2)
    assert np.abs(np.delete(offsets, 15, axis=0)).max() < 0.2


def test_one_film_or_none_moves_nothing():
    assert not shrunken_offsets(np.full((1, 4, 2), 3.0)).any()
    assert not shrunken_offsets(np.empty((0, 4, 2))).any()


def test_missing_points_count_for_nothing():
    rng = np.random.default_rng(3)
    errors = draw(rng, 20, np.full((6, 2), 2.0), noise=0.3)
    with_gap = errors.copy()
    with_gap[:, 5] = np.nan
    offsets = shrunken_offsets(with_gap)
    assert np.isfinite(offsets).all()
    assert (offsets[5] == 0).all()
    np.testing.assert_allclose(offsets[:5], 2.0, atol=0.3)


def test_a_film_has_no_part_in_its_own_offsets():
    rng = np.random.default_rng(4)
    errors = draw(rng, 6, np.ones((3, 2)))
    groups = ("a", "a", "b", "c", "d", "e")
    found = offsets_without_each(errors, groups)
    np.testing.assert_array_equal(found[0], shrunken_offsets(errors[2:]))
    np.testing.assert_array_equal(found[1], found[0])
    np.testing.assert_array_equal(found[2], shrunken_offsets(errors[[0, 1, 3, 4, 5]]))

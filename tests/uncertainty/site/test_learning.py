from __future__ import annotations

import math

import numpy as np
import pytest

from cephsure.errors import InputError
from cephsure.uncertainty.site import OwnRegions, cross_validate, fit_site
from cephsure.uncertainty.site.learning import offsets_without_each, shrunken_offsets


def test_offsets_and_radii_by_what_was_drawn(site_data):
    site = fit_site(site_data(40), name="here")
    np.testing.assert_allclose(site.offsets[1:3, 1], 2.0, atol=0.6)
    # The distance is Rayleigh of the mean that is expected: P(r <= f) = 1 - exp(-pi f^2 / 4).
    for level in (0.5, 0.8, 0.9):
        assert site.factor(level) == pytest.approx(math.sqrt(-4 / math.pi * math.log(1 - level)), rel=0.2)


def test_levels_that_few_films_cannot_have_are_the_whole_film(site_data):
    site = fit_site(site_data(9), name="here")
    assert math.isinf(site.factor(0.95))
    assert math.isfinite(site.factor(0.9))
    assert {radius.level: radius.factor for radius in site.radii}[0.95] is None


def test_coverage_of_new_films_is_close_to_the_level(site_data):
    held = []
    for seed in range(40):
        both = site_data(40, seed=seed)
        site = fit_site(both.take(range(12)), name="here")
        new = both.take(range(12, 40))
        radial = np.hypot(*np.moveaxis(new.errors_mm - site.offsets, -1, 0))
        held.append(np.mean(radial <= site.factor(0.9) * new.measures["expected_error_mm"]))
    # 12 films and the new one: the bound is beyond 90 / (12 / 13) % of their points.
    assert 0.95 < np.mean(held) < 0.99


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


def test_offsets_bring_more_with_more_films(site_data):
    rows = cross_validate(site_data(60, offset_mm=3.0), level=0.9, repeats=10)
    assert [row.films for row in rows] == [0, 5, 10, 20, 40]
    means = {row.films: row.mre_mm for row in rows}
    assert means[0] > means[5] > means[40]
    assert rows[0].coverage is None
    assert (rows[1].whole_film, rows[1].coverage, rows[1].area_mm2) == (1.0, 1.0, None)
    assert 0.86 < rows[-1].coverage < 0.95
    assert rows[-1].whole_film == 0.0
    assert rows[-1].area_mm2 > 0


def test_without_offsets_little_is_lost(site_data):
    means = {row.films: row.mre_mm for row in cross_validate(site_data(60, offset_mm=0.0), repeats=10)}
    assert means[5] < means[0] * 1.05


def test_the_bundles_own_regions_are_the_first_row(site_data):
    data = site_data(12)
    own = OwnRegions(np.tile([True, False, True, True, True, True], (12, 1)), np.full((12, 6), 7.0))
    first = cross_validate(data, steps=(0, 5), repeats=3, own=own)[0]
    assert first.coverage == pytest.approx(5 / 6)
    assert first.area_mm2 == pytest.approx(7.0)


def test_steps_beyond_the_films_are_left_out_and_draws_repeat(site_data):
    data = site_data(12)
    rows = cross_validate(data, repeats=4, seed=3)
    assert [row.films for row in rows] == [0, 5, 10]
    assert rows == cross_validate(data, repeats=4, seed=3)
    assert rows[1].test_films == 7


def test_groups_stay_together(site_data):
    data = site_data(12, groups=tuple(f"pair {i // 2}" for i in range(12)))
    assert cross_validate(data, steps=(5,), repeats=4)[0].test_films == 6


def test_one_film_is_refused(site_data):
    with pytest.raises(InputError, match="two independent films"):
        cross_validate(site_data(1))

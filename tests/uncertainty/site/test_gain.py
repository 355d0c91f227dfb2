from __future__ import annotations

import numpy as np
import pytest

from cephsure.errors import InputError
from cephsure.uncertainty.site import OwnRegions, cross_validate


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

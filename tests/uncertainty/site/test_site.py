from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from cephsure.errors import InputError
from cephsure.uncertainty.site import fit_site, read_site, write_site


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
    assert {one.level: one.factor for one in site.radii}[0.95] is None


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


def test_a_site_is_the_same_when_read(site_data, tmp_path):
    site = fit_site(site_data(9), name="here")
    path = write_site(site, tmp_path / "deep" / "here.json")
    assert read_site(path) == site


@pytest.mark.parametrize(
    "change",
    [
        {"format": "cephsure.site/2"},
        {"offsets_mm": [[0.0, 0.0]]},
        {"scale": "colour"},
        {"offsets_mm": [[0.0, float("nan")]] * 6},
        {"radii": [{"level": 2.0, "factor": 1.0}]},
        {"surprise": 1},
    ],
)
def test_damaged_files_are_refused_in_one_line(site_data, tmp_path, change):
    path = write_site(fit_site(site_data(9), name="here"), tmp_path / "here.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(InputError, match="site calibration"):
        read_site(path)


def test_files_that_are_none_are_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_site(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text("[")
    with pytest.raises(InputError, match="JSON"):
        read_site(tmp_path / "bad.json")


def test_unknown_levels_and_films_without_scale_are_refused(site_data):
    data = site_data(9)
    with pytest.raises(InputError, match="no region of level"):
        fit_site(data, name="here").factor(0.77)
    with pytest.raises(InputError, match="mm"):
        fit_site(replace(data, errors_mm=np.full(data.errors_mm.shape, np.nan)), name="here")

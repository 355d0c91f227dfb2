from __future__ import annotations

import numpy as np
import pytest

from cephsure.uncertainty.calibration import fit_calibration
from cephsure.uncertainty.calibration.cross_fit import cross_fit, judge_regions


@pytest.fixture(scope="module")
def data(made_errors):
    return made_errors.draw(np.random.default_rng(0), 80, offset_mm=(0.3, 0.0), with_maps=True, side=25)


@pytest.fixture(scope="module")
def crossed(data):
    return cross_fit(data, np.array_split(np.arange(80), 4), seed=1, levels=(0.5, 0.9))


def test_every_film_is_judged(crossed, data):
    assert set(crossed.regions) == {
        (kind, level) for kind in ("hdr", "ellipse", "disc") for level in (0.5, 0.9)
    }
    for figures in crossed.regions.values():
        assert set(np.unique(figures.covered)) <= {0.0, 1.0}
        assert (figures.areas_mm2 >= 0).all()
    assert np.isfinite(crossed.expected_mm).all()
    assert (crossed.actual_mm == data.radial_mm).all()


def test_coverage_is_near_what_is_stated_and_areas_grow_with_it(crossed):
    for kind in ("hdr", "ellipse", "disc"):
        low, high = crossed.regions[kind, 0.5], crossed.regions[kind, 0.9]
        # 320 points of 80 films: three standard errors are 8 and 5 %.
        assert low.covered.mean() == pytest.approx(0.5, abs=0.1)
        assert high.covered.mean() == pytest.approx(0.9, abs=0.07)
        assert low.areas_mm2.mean() < high.areas_mm2.mean()


def test_a_film_is_judged_by_a_calibration_without_it(data, crossed):
    """What a film's own error is must not move its own expected error."""
    moved = data.take(range(80))
    moved.errors_mm[:20] *= 10
    again = cross_fit(moved, np.array_split(np.arange(80), 4), seed=1, levels=(0.5,))
    assert again.expected_mm[:20] == pytest.approx(crossed.expected_mm[:20])
    assert (again.expected_mm[20:] > crossed.expected_mm[20:]).mean() > 0.9


def test_points_without_truth_and_levels_without_bound(made_errors):
    data = made_errors.draw(np.random.default_rng(1), 20)
    data.errors_mm[3, 1] = np.nan
    calibration = fit_calibration(data)
    figures = judge_regions(data, calibration, "disc", 0.95)
    assert np.isnan(figures.covered[3, 1])
    assert np.isnan(figures.areas_mm2[3, 1])
    # 14 films bound the regions: too few for 95 %, and all of the film holds every point.
    assert np.isposinf(figures.areas_mm2[0, 0])
    assert figures.covered[0, 0] == 1.0

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cephsure.uncertainty.calibration.calibration import expected_errors_mm
from cephsure.uncertainty.calibration.fitting import (
    cross_fit,
    films_and_truths,
    fit_calibration,
    fit_landmarks,
    judge_regions,
    part_films,
)


@given(st.lists(st.integers(0, 30).map(str), min_size=1, max_size=120), st.integers(0, 5))
def test_groups_never_part(groups, seed):
    shaping, scoring = part_films(groups, seed=seed)
    shaped, scored = ({groups[i] for i in part} for part in (shaping, scoring))
    assert not shaped & scored
    assert shaped | scored == set(groups)
    assert len(scored) == len(scoring) <= 0.7 * len(set(groups))  # one film a group
    assert len(shaping) == sum(group in shaped for group in groups)


@pytest.mark.parametrize(
    ("films", "scored"), [(150, 99), (130, 79), (117, 79), (60, 39), (40, 19), (28, 19), (20, 14), (10, 7)]
)
def test_the_scored_films_make_levels_exact_where_they_can(films, scored):
    assert len(part_films([str(k) for k in range(films)], seed=3)[1]) == scored


def test_all_is_found_that_is_there(made_errors):
    data = made_errors.draw(np.random.default_rng(0), 400, offset_mm=(0.6, -0.4), left=True)
    found = fit_landmarks(data)
    for mark, base in zip(found, made_errors.BASE_MM, strict=True):
        # An offset is found as far as the error's own size lets it.
        assert mark.offset_mm == pytest.approx((0.6, -0.4), abs=0.35 * base)
        assert mark.films == 400
        shape = np.array(mark.relative_covariance)
        truth = made_errors.SHAPE @ made_errors.SHAPE.T
        assert shape / np.trace(shape) == pytest.approx(truth / np.trace(truth), abs=0.08)
    expected = expected_errors_mm(found, data.measures)
    assert expected.mean(axis=0) == pytest.approx(data.radial_mm.mean(axis=0), rel=0.03)


def test_temperatures_fit_the_maps(made_errors):
    """The made maps are half as wide as the errors' law, which the temperature 4 repairs."""
    data = made_errors.draw(np.random.default_rng(1), 80, with_maps=True, side=41)
    # The smallest landmark's maps are too coarse, the largest's too narrow for the tails.
    assert [mark.temperature for mark in fit_landmarks(data)[1:3]] == pytest.approx([4.0, 4.0], rel=0.35)


def test_true_positions_come_back(made_errors):
    data = made_errors.draw(np.random.default_rng(2), 6, left=True)
    for index, (film, truth) in enumerate(films_and_truths(data, fit_landmarks(data))):
        error = (film.points_px - truth) * film.upright_mm_per_px
        assert error == pytest.approx(data.errors_mm[index])


def test_a_calibration_says_what_it_rests_on(made_errors):
    groups = [f"group {k // 2}" for k in range(40)]
    data = made_errors.draw(np.random.default_rng(3), 40, groups=groups)
    found = fit_calibration(data, seed=7, left_out={"blurred": ["x"]}, made="today")
    about, regions = found.fitted_on, found.regions
    assert (about.dataset, about.model_sha256, about.seed, about.samples) == ("made", "a" * 64, 7, 5)
    assert about.films == data.film_ids
    assert about.left_out == {"blurred": ("x",)}
    # Twenty groups of two: fourteen are scored, by one film each.
    assert (len(regions.shaped_on), len(regions.scored_on)) == (12, 14)
    assert not set(regions.shaped_on) & set(regions.scored_on)
    assert set(regions.scores) == {"ellipse", "disc"}  # no maps, no level sets
    assert regions.default == "ellipse"
    again = fit_calibration(data, seed=7, left_out={"blurred": ["x"]}, made="today")
    assert again == found


def test_missing_points_count_for_their_landmark_alone(made_errors):
    data = made_errors.draw(np.random.default_rng(4), 60)
    data.errors_mm[:, 1] = np.nan
    data.errors_mm[:20, 2] = np.nan
    found = fit_calibration(data)
    assert [mark.films for mark in found.landmarks] == [60, 0, 40, 60]
    scores = found.regions.scores["disc"]
    assert scores[1].films == 0
    assert scores[0].films == 39
    assert np.isposinf(found.regions.bounds("disc", 0.5)[1])
    assert np.isfinite(found.regions.bounds("disc", 0.95)[0])


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

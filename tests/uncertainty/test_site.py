"""Site calibration on errors of a model that are drawn: offsets, noise that follows the expected error."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from cephsure.errors import InputError
from cephsure.uncertainty.calibration.data import CalibrationData, CalibrationSource
from cephsure.uncertainty.prediction import FilmInfo, LandmarkPrediction, Measures, ModelInfo, Prediction
from cephsure.uncertainty.site import (
    OwnRegions,
    Site,
    SiteRadius,
    apply_site,
    cross_validate,
    fit_site,
    offsets_without_each,
    read_site,
    shrunken_offsets,
    write_site,
)

SOURCE = CalibrationSource("site", "0" * 64, "all", "mean", "m", "baseline", "a" * 64, 1, 0)


@pytest.fixture(scope="session")
def site_data():
    """Give ``site_data(n_films, offset_mm, seed, groups) -> CalibrationData`` of six landmarks."""

    def make(n_films=30, offset_mm=2.0, seed=0, groups=None):
        rng = np.random.default_rng(seed)
        expected = rng.uniform(0.8, 2.0, (n_films, 6))
        offsets = np.zeros((6, 2))
        offsets[1:3, 1] = offset_mm
        errors = offsets + rng.normal(0, 1, (n_films, 6, 2)) * expected[..., None] / np.sqrt(np.pi / 2)
        return CalibrationData(
            film_ids=tuple(f"{i:03d}" for i in range(n_films)),
            groups=groups or tuple(f"film {i}" for i in range(n_films)),
            numbers=(1, 2, 3, 4, 5, 6),
            errors_mm=errors,
            measures={"expected_error_mm": expected},
            points_px=np.zeros((n_films, 6, 2)),
            upright_mm_per_px=np.full((n_films, 2), 0.1),
            source=SOURCE,
        )

    return make


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


SITE = Site(
    name="here",
    model="m",
    model_sha256="a" * 64,
    numbers=(1,),
    offsets_mm=((1.0, -2.0),),
    radii=(SiteRadius(level=0.9, factor=2.0), SiteRadius(level=0.95, factor=None)),
    films=10,
    source=CalibrationSource("site", "0" * 64, "all", "mean", "m", "baseline", "a" * 64, 1, 0),
)


def prediction(facing="right", mm_per_px=(0.5, 0.25), sha256="a" * 64):
    return Prediction(
        film=FilmInfo(
            path=None,
            width_px=100,
            height_px=100,
            mm_per_px=mm_per_px,
            spacing_source="user",
            facing=facing,
            facing_source="given",
            polarity="positive",
            polarity_source="given",
        ),
        model=ModelInfo(name="m", kind="baseline", recipe="default", samples=1, seed=0, sha256=sha256),
        landmarks=(
            LandmarkPrediction(
                number=1,
                code="S",
                name="sella",
                x_px=50.0,
                y_px=40.0,
                x_mm=25.0,
                y_mm=10.0,
                measures=Measures(
                    activation=1.0,
                    spread_px=0.0,
                    spread_mm=0.0,
                    expected_error_px=3.0,
                    expected_error_mm=1.5,
                    entropy=1.0,
                ),
                samples_px=((50.0, 40.0),),
                expected_error_mm=1.1,
            ),
        ),
    )


def test_points_move_by_the_offset_and_regions_are_the_sites():
    mark = apply_site(prediction(), SITE).landmarks[0]
    assert (mark.x_px, mark.y_px) == (50.0 - 1.0 / 0.5, 40.0 + 2.0 / 0.25)
    assert (mark.x_mm, mark.y_mm) == (24.0, 12.0)
    assert mark.samples_px == ((48.0, 48.0),)
    assert mark.expected_error_mm is None
    assert mark.region.area_mm2 == pytest.approx(math.pi * 9.0)
    assert mark.region.centre_px == (48.0, 48.0)
    assert np.hypot(*mark.region.half_axes_px[0]) == pytest.approx(12.0)  # 3 mm along y
    assert np.hypot(*mark.region.half_axes_px[1]) == pytest.approx(6.0)


def test_on_a_film_that_faces_left_the_offset_is_mirrored():
    mark = apply_site(prediction("left"), SITE).landmarks[0]
    assert (mark.x_px, mark.y_px) == (52.0, 48.0)


def test_a_level_without_bound_is_all_of_the_film():
    region = apply_site(prediction(), SITE, level=0.95).landmarks[0].region
    assert (region.whole_film, region.level, region.area_mm2) == (True, 0.95, None)


def test_it_says_so():
    assert "fitted to site here (10 films)" in apply_site(prediction(), SITE).film.notes


@pytest.mark.parametrize(
    ("other", "what"),
    [
        (prediction(sha256="b" * 64), "another bundle"),
        (prediction(mm_per_px=None), "scale"),
        (prediction().model_copy(update={"landmarks": ()}), "other landmarks"),
    ],
)
def test_what_does_not_belong_to_it_is_refused(other, what):
    with pytest.raises(InputError, match=what):
        apply_site(other, SITE)


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

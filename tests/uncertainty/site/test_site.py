from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from cephsure.errors import InputError
from cephsure.uncertainty.calibration import CalibrationSource
from cephsure.uncertainty.prediction import FilmInfo, LandmarkPrediction, Measures, ModelInfo, Prediction
from cephsure.uncertainty.site import Site, apply_site, fit_site, read_site, write_site
from cephsure.uncertainty.site.site import SiteRadius


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

from __future__ import annotations

import json

import numpy as np
import pytest
from cephsure.uncertainty.site import read_site

from cephsure.errors import InputError
from cephsure.workflows import AnnotatedData, CalibrateOptions, calibrate, monitor, site_calibrate

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def data(dot_data):
    return AnnotatedData(dot_data / "points.csv", split="test1", mm_per_px=0.5)


@pytest.fixture(scope="module")
def calibrated(data, dot_model, tmp_path_factory):
    out = tmp_path_factory.mktemp("calibrated") / "bundle"
    return calibrate(data, dot_model, out=out, options=CalibrateOptions(folds=2, gate_halves=0)).bundle


def test_a_site_takes_off_what_its_points_are_off_by(data, dot_model, tmp_path):
    found = site_calibrate(
        data, dot_model, name="here", out=tmp_path / "site.json", report=tmp_path / "report", repeats=2
    )
    # The marks lie 2 px, 1 mm, to the right of the dots.
    assert np.median(found.site.offsets_mm, axis=0)[0] == pytest.approx(-1.0, abs=0.3)
    assert read_site(tmp_path / "site.json").name == "here"
    assert found.site.model_sha256 == dot_model.bundle.sha256
    assert (len(found.films.films), found.errors, found.codes[0]) == (34, {}, "UL")
    rows = json.loads((tmp_path / "report" / "gain.json").read_text())["rows"]
    assert [row["films"] for row in rows] == [gain.films for gain in found.gains]
    assert (tmp_path / "report" / "gain.png").read_bytes().startswith(b"\x89PNG")


def test_regions_are_watched_in_the_order_given(data, calibrated, tmp_path):
    order = ["030", "010", "020"]
    watched = monitor(data, calibrated, order=order, level=0.8, json_file=tmp_path / "m.json")
    assert watched.film_ids == tuple(order)
    assert [reading.films for reading in watched.readings] == [1, 2, 3]
    assert (watched.allowed, watched.alarm_film) == (pytest.approx(0.2), None)
    assert json.loads((tmp_path / "m.json").read_text()) == watched.document()


def test_a_site_file_and_a_site_are_the_same(data, dot_model, tmp_path):
    site = site_calibrate(data, dot_model, out=tmp_path / "site.json", repeats=1).site
    by_file, by_site = (
        monitor(data, dot_model, site=given, figure=tmp_path / "m.png")
        for given in (tmp_path / "site.json", site)
    )
    assert by_file.readings == by_site.readings
    assert by_file.site == "site"
    assert (tmp_path / "m.png").read_bytes().startswith(b"\x89PNG")


def test_without_regions_there_is_nothing_to_watch(data, dot_model):
    with pytest.raises(InputError, match="not calibrated: it has no regions to watch"):
        monitor(data, dot_model)

from __future__ import annotations

import json
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from cephsure.datasets import open_dataset
from cephsure.inference.samples import Samples
from cephsure.uncertainty import to_prediction
from cephsure.uncertainty.prediction import FilmInfo, ModelInfo, Region
from cephsure.uncertainty.site import read_site

SHA256 = "a" * 64


class Shifted:
    """Finds every point 3 px too far to the left, and is as sure as it errs otherwise."""

    name, kind, default_samples, device = "shifted", "baseline", 1, "cpu"
    networks_sha256, bundle = "b" * 64, SimpleNamespace(sha256=SHA256)

    def __init__(self, root, *, calibrated):
        self.truths = json.loads((root / "truth.json").read_text("utf-8"))
        self.landmark_set = open_dataset(root).landmark_set
        self.calibration = SimpleNamespace() if calibrated else None

    def predict(self, film, *, samples=None, seed=0, level=None):
        rng = np.random.default_rng(int(film.path.stem))
        doubt = rng.uniform(2, 4, 19)
        points = np.array(self.truths[film.path.stem]) + rng.normal(0, 1, (19, 2)) * doubt[:, None] / 1.25
        points[:, 0] -= 3.0
        info = FilmInfo(
            path=str(film.path),
            width_px=film.width_px,
            height_px=film.height_px,
            mm_per_px=(film.spacing.x_mm_per_px, film.spacing.y_mm_per_px),
            spacing_source="dataset",
            facing="right",
            facing_source="assumed",
            polarity="positive",
            polarity_source="assumed",
        )
        model = ModelInfo(name="shifted", kind="baseline", recipe="none", samples=1, seed=seed, sha256=SHA256)
        drawn = Samples(points[None], -doubt[None], doubt[None], doubt[None])
        found = to_prediction(drawn, film_info=info, model_info=model, landmark_set=self.landmark_set)
        if self.calibration is None:
            return found
        marks = []
        for mark in found.landmarks:
            radius = 1.5 * mark.measures.expected_error_px
            region = Region(
                level=level,
                kind="disc",
                centre_px=(mark.x_px, mark.y_px),
                half_axes_px=((radius, 0.0), (0.0, radius)),
                area_mm2=3.0,
            )
            marks.append(mark.model_copy(update={"region": region}))
        return found.model_copy(update={"landmarks": tuple(marks)})


@pytest.fixture(scope="module")
def data(phantom_isbi):
    return phantom_isbi(n_train=0, n_test1=24, width_px=194, height_px=240, noise_px=0.0)


@pytest.fixture
def stand_in(monkeypatch, data):
    """Stand in for ``cephsure.model``."""

    def put(*, calibrated):
        module = ModuleType("cephsure.model")
        module.load_model = lambda name, *, device: Shifted(data, calibrated=calibrated)
        monkeypatch.setitem(sys.modules, "cephsure.model", module)

    return put


def test_a_site_is_learned_shown_and_written(cephsure, stand_in, data, tmp_path):
    stand_in(calibrated=False)
    file, report = tmp_path / "here.json", tmp_path / "report"
    ran = cephsure(
        *("site-calibrate", "--data", data, "--name", "here", "--out", file, "--report", report),
        *("--repeats", 3),
    )
    assert ran.status == 0, ran.err
    site = read_site(file)
    # Films of 0.1 mm/px: 3 px to the left are -0.3 mm.
    assert site.offsets[:, 0].mean() == pytest.approx(-0.3, abs=0.05)
    assert np.abs(site.offsets[:, 1]).mean() < 0.06
    assert (site.name, site.films, site.model_sha256) == ("here", 24, SHA256)
    rows = json.loads((report / "gain.json").read_text())["rows"]
    assert [row["films"] for row in rows] == [0, 5, 10, 20]
    assert rows[0]["coverage"] is None
    assert rows[0]["mre_mm"] > rows[-1]["mre_mm"]
    assert (report / "gain.png").read_bytes().startswith(b"\x89PNG")
    assert "shifted at here" in ran.out
    assert "offsets that are taken off, mm" in ran.out


def test_calibrate_takes_a_site_too(cephsure, stand_in, data, tmp_path):
    stand_in(calibrated=False)
    both = [tmp_path / "one.json", tmp_path / "two.json"]
    shared = ("--data", data, "--split", "all")
    assert cephsure("site-calibrate", "--model", "m", *shared, "--out", both[0]).status == 0
    assert cephsure("calibrate", "--site", "--bundle", "m", *shared, "--out", both[1]).status == 0
    assert both[0].read_text("utf-8") == both[1].read_text("utf-8")


def test_the_bundles_own_regions_stand_in_the_first_row(cephsure, stand_in, data):
    stand_in(calibrated=True)
    ran = cephsure("site-calibrate", "--data", data, "--repeats", 2)
    assert ran.status == 0, ran.err
    first = next(line for line in ran.out.splitlines() if line.split()[:1] == ["0"])
    assert "3.0" in first


def test_the_monitor_raises_an_alarm_and_is_quiet_after_site_calibration(cephsure, stand_in, data, tmp_path):
    stand_in(calibrated=True)
    file, figure = tmp_path / "readings.json", tmp_path / "course.png"
    ran = cephsure("monitor", "--data", data, "--json", file, "--figure", figure)
    assert ran.status == 0, ran.err
    assert "alarm at film" in ran.out
    document = json.loads(file.read_text())
    assert document["alarm"] is True
    assert len(document["readings"]) == 24
    assert document["alarm_at"] in {reading["film"] for reading in document["readings"]}
    assert figure.read_bytes().startswith(b"\x89PNG")
    site = tmp_path / "here.json"
    assert cephsure("site-calibrate", "--data", data, "--out", site, "--repeats", 1).status == 0
    ran = cephsure("monitor", "--data", data, "--site", site)
    assert ran.status == 0, ran.err
    assert "no alarm" in ran.out


def test_the_monitor_follows_a_list_of_films(cephsure, stand_in, data, tmp_path):
    stand_in(calibrated=True)
    order, file = tmp_path / "order.txt", tmp_path / "readings.json"
    order.write_text("160\n\n155\n158\n")
    assert cephsure("monitor", "--data", data, "--order", order, "--json", file).status == 0
    assert [one["film"] for one in json.loads(file.read_text())["readings"]] == ["160", "155", "158"]


@pytest.mark.parametrize(
    ("text", "what"), [("160\n999\n", "no film '999'"), ("160\n160\n", "twice"), ("\n", "no film")]
)
def test_a_list_that_does_not_fit_is_one_clear_line(
    cephsure, stand_in, data, tmp_path_factory, *, text, what
):
    stand_in(calibrated=True)
    order = tmp_path_factory.mktemp("order") / "order.txt"
    order.write_text(text)
    ran = cephsure("monitor", "--data", data, "--order", order)
    assert ran.status == 2
    assert what in ran.lines[-1]


def test_a_list_that_is_not_there_is_one_clear_line(cephsure, stand_in, data, tmp_path):
    stand_in(calibrated=True)
    ran = cephsure("monitor", "--data", data, "--order", tmp_path / "none.txt")
    assert ran.status == 2
    assert "cannot be read" in ran.lines[-1]


def test_a_model_without_regions_cannot_be_watched(cephsure, stand_in, data):
    stand_in(calibrated=False)
    ran = cephsure("monitor", "--data", data)
    assert ran.status == 2
    assert "not calibrated" in ran.lines[-1]

from __future__ import annotations

import csv
import json
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from cephsure.uncertainty.site import read_site
from PIL import Image

from cephsure.bundles.bundle import read_bundle
from cephsure.datasets import open_dataset
from cephsure.exports import prediction_json
from cephsure.inference.samples import Samples
from cephsure.model import load_model
from cephsure.uncertainty import to_prediction
from cephsure.uncertainty.prediction import FilmInfo, ModelInfo, Region

pytestmark = pytest.mark.slow

SHA256 = "a" * 64


@pytest.fixture(scope="module")
def dot_films(dots, tmp_path_factory):
    """Thirty films of four dots, the truth off them by chance; the scale is not stated."""
    folder = tmp_path_factory.mktemp("dot_films")
    rng = np.random.default_rng(0)
    with (folder / "points.csv").open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream)
        table.writerow(["image", "annotator", "landmark", "x", "y"])
        for number in range(30):
            drawn = dots.draw_dots(rng)
            Image.fromarray(np.round(drawn.pixels * 255).astype(np.uint8)).save(folder / f"{number:03d}.png")
            truth = drawn.points + rng.normal(0, 2, drawn.points.shape)
            for code, (x, y) in zip(dots.CODES, truth.tolist(), strict=True):
                table.writerow([f"{number:03d}.png", "one", code, x, y])
    return folder


@pytest.fixture
def options(dot_bundles, dot_films):
    bundle = dot_bundles("default", "baseline", 1)
    return [
        "--bundle",
        bundle,
        "--data",
        dot_films / "points.csv",
        "--mm-per-px",
        "0.5",
        "--gate-halves",
        "0",
    ]


def test_a_new_bundle_predicts_errors_and_regions(cephsure, options, dot_films, tmp_path):
    out = tmp_path / "calibrated"
    run = cephsure("calibrate", *options, "--cross-fit", "3", "--out", out)
    assert run.status == 0, run.err
    for said in (
        "Errors in mm, cross-fitted",
        "Regions, cross-fitted (3 folds, 30 films)",
        "calibration error",
        "way out: 54 independent films are enough if none of the points accepted is wrong",
        "or correct ten films of this site and run: cephsure site-calibrate",
    ):
        assert said in run.out
    assert f"wrote {out}" in run.err
    assert read_bundle(out).name == "dots-default-baseline"
    figures = json.loads((out / "calibration" / "figures.json").read_text())
    assert (figures["films"], figures["folds"]) == (30, 3)
    assert (out / "calibration" / "reliability.png").read_bytes().startswith(b"\x89PNG")

    film = dot_films / "003.png"
    words = ["predict", film, "--model", out, "--mm-per-px", "0.5", "--out", tmp_path / "found"]
    run = cephsure(*words, "--level", "0.8", "--region", "ellipse")
    assert run.status == 0, run.err
    assert "80 % region" in run.out
    found = prediction_json.read(tmp_path / "found" / "003.json")
    for mark in found.landmarks:
        assert (mark.region.kind, mark.region.level) == ("ellipse", 0.8)
        assert mark.expected_error_mm == pytest.approx(1.25, rel=0.5)


def test_figures_alone_write_no_bundle(cephsure, options, tmp_path):
    run = cephsure("calibrate", *options, "--cross-fit", "2", "--report", tmp_path / "report")
    assert run.status == 0, run.err
    assert sorted(file.name for file in (tmp_path / "report").iterdir()) == [
        "figures.json",
        "reliability.png",
    ]


def test_without_a_scale_there_is_nothing_in_mm(cephsure, options):
    run = cephsure("calibrate", *options[:4])
    assert run.status == 2
    assert "no film with a scale" in run.err


def test_a_folder_that_is_there_is_not_overwritten(cephsure, options, tmp_path):
    run = cephsure("calibrate", *options, "--out", tmp_path)
    assert run.status == 2
    assert "is there already" in run.err


def test_regions_of_an_uncalibrated_model_are_refused(cephsure, options, dot_films):
    run = cephsure("predict", dot_films / "003.png", "--model", options[1], "--level", "0.9")
    assert run.status == 2
    assert "not calibrated" in run.err


def test_a_calibration_holds_for_its_number_of_samples_only(dot_bundles, tmp_path, dot_films, cephsure):
    bundle = dot_bundles("default", "ensemble", 3)
    out = tmp_path / "calibrated"
    words = [
        "--bundle",
        bundle,
        "--data",
        dot_films / "points.csv",
        "--mm-per-px",
        "0.5",
        "--gate-halves",
        "0",
    ]
    assert cephsure("calibrate", *words, "--cross-fit", "2", "--out", out).status == 0
    model = load_model(out)
    film = dot_films / "003.png"
    assert model.predict(film, mm_per_px=0.5).landmarks[0].region is not None
    assert model.predict(film, mm_per_px=0.5, samples=2).landmarks[0].region is None
    assert model.predict(film).landmarks[0].region is None
    with pytest.raises(ValueError, match="calibrated for 3 samples"):
        model.predict(film, mm_per_px=0.5, samples=2, level=0.9)


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

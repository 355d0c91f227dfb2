from __future__ import annotations

import csv
import json
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from cephsure.bundles.bundle import Provenance
from cephsure.errors import BundleError
from cephsure.inference.samples import Samples
from cephsure.landmarks import load_landmark_set
from cephsure.uncertainty import to_prediction
from cephsure.uncertainty.prediction import FilmInfo, ModelInfo, Region

ISBI = load_landmark_set("isbi-19")


class Oracle:
    """Knows the true points of the drawn films; its error grows with the landmark's number and says so."""

    name, landmark_set, device = "oracle", ISBI, "cpu"
    calibration = gate = None
    bundle = SimpleNamespace(
        provenance=Provenance(data="isbi-2015", split="train", truth="mean"), validation_films=()
    )

    def __init__(self, root):
        self.radius_px = None
        self.truths = json.loads((root / "truth.json").read_text("utf-8"))
        self.asked, self.readers = [], []

    def reader(self, asked, *, truth_of=None):
        self.readers.append((asked, truth_of))

    def predict(self, film, *, samples=None, seed=0, level=None, reader=None):
        self.asked.append({"samples": samples, "seed": seed})
        points = np.array(self.truths[film.path.stem]) + np.column_stack([np.arange(19), np.zeros(19)])
        doubt = np.arange(19.0)[None]
        spacing = film.spacing
        info = FilmInfo(
            path=str(film.path),
            width_px=film.width_px,
            height_px=film.height_px,
            mm_per_px=(spacing.x_mm_per_px, spacing.y_mm_per_px),
            spacing_source=spacing.source.value,
            facing="right",
            facing_source="assumed",
            polarity="positive",
            polarity_source="assumed",
        )
        model = ModelInfo(
            name="oracle", kind="baseline", recipe="none", samples=1, seed=seed, sha256="0" * 64
        )
        maps = Samples(points[None], -doubt, doubt, doubt)
        found = to_prediction(maps, film_info=info, model_info=model, landmark_set=ISBI)
        return found if self.radius_px is None else self.judged(found, level)

    def judged(self, found, level):
        """Discs of one size; the first nine points are accepted."""
        radius = self.radius_px
        marks = tuple(
            mark.model_copy(
                update={
                    "expected_error_mm": 1.0,
                    "region": Region(
                        level=level or 0.9,
                        kind="disc",
                        centre_px=(mark.x_px, mark.y_px),
                        half_axes_px=((radius, 0.0), (0.0, radius)),
                        area_mm2=2.0,
                    ),
                    "verdict": "accept" if mark.number < 10 else "review",
                }
            )
            for mark in found.landmarks
        )
        return found.model_copy(update={"landmarks": marks, "verdict": "review"})


@pytest.fixture
def data(phantom_isbi):
    return phantom_isbi(n_train=2, n_test1=3, noise_px=0.0)


@pytest.fixture
def oracle(monkeypatch, data):
    """Stand in for `cephsure.model`: the only model is the oracle."""
    model = Oracle(data)

    def load_model(name, *, device):
        if name == "broken":
            raise BundleError("checksum of member_00.onnx is wrong", where=name)
        return model

    module = ModuleType("cephsure.model")
    module.load_model = load_model
    monkeypatch.setitem(sys.modules, "cephsure.model", module)
    return model


def test_figures_on_screen_and_in_files(cephsure, data, oracle, tmp_path):
    run = cephsure("evaluate", "--data", data, "--json", tmp_path / "e.json", "--csv", tmp_path / "e.csv")
    assert run.status == 0, run.err
    found = json.loads((tmp_path / "e.json").read_text("utf-8"))
    # Errors of 0, 1, ... 18 px, that is 0 to 1.8 mm, on each of the three films of test1.
    assert (found["n_films"], found["n_points"]) == (3, 57)
    assert found["mre_mm"] == pytest.approx(0.9, abs=1e-3)  # points are written to 0.01 px
    assert found["without"]["16"]["mre_mm"] == pytest.approx((17.1 - 1.5) / 18, abs=1e-3)
    assert found["measures"]["activation"]["spearman"] == pytest.approx(-1.0, abs=0.01)
    assert (found["about"]["split"], found["about"]["truth"]) == ("test1", "mean")
    assert found["about"]["spacing_sources"] == {"dataset": 3}
    assert found["schema"] == "cephsure.evaluation/1"
    for words in (
        "truth: mean",
        "all landmarks",
        "without landmark 16",
        "0.900",
        "Pog'",
        "left out: 0 films",
    ):
        assert words in run.out
    with (tmp_path / "e.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 57
    assert float(lines[18]["error_mm"]) == pytest.approx(1.8, abs=0.01)
    assert lines[0].keys() >= {"film", "number", "code", "x_px", "truth_x_px", "spread_mm", "entropy"}


def test_trust_is_judged_by_every_truth_and_by_stratum(cephsure, data, oracle, tmp_path):
    oracle.radius_px = 9.5  # errors of 0 to 18 px: ten of the 19 points lie in their discs
    (tmp_path / "films.csv").write_text("film,device\n151,old\n152,new\nother,new\n", encoding="utf-8")
    files = ["--json", tmp_path / "e.json", "--csv", tmp_path / "e.csv"]
    table = ["--films-table", tmp_path / "films.csv", "--by", "device"]
    run = cephsure(
        "evaluate",
        "--data",
        data,
        "--truth",
        "junior",
        "--tolerance-mm",
        0.75,
        "--level",
        0.8,
        *files,
        *table,
    )
    assert run.status == 0, run.err
    document = json.loads((tmp_path / "e.json").read_text("utf-8"))
    assert [found["truth"] for found in document["trust"]] == ["junior", "mean", "senior"]
    found = document["trust"][0]
    assert found["bias_mm"] == pytest.approx([0.9, 0.0], abs=1e-3)  # found too far to the face
    assert found["regions"]["level"] == 0.8
    assert found["regions"]["coverage"] == pytest.approx(10 / 19)
    assert (found["worst_coverage"], found["regions"]["median_area_mm2"]) == (0.0, 2.0)
    assert found["expected"]["ratio"] == pytest.approx(1 / 0.9, abs=1e-3)
    assert found["gate"]["films"] == {"fit": 0, "review": 3, "unfit": 0}
    assert found["gate"]["accepted_share"] == pytest.approx(9 / 19)
    assert found["gate"]["wrong_among_accepted"] == pytest.approx(1 / 9)
    strata = document["strata"]
    assert [(group["name"], group["n_films"]) for group in strata["groups"]] == [
        ("new", 1),
        ("old", 1),
        ("unknown", 1),
    ]
    assert strata["not_in_table"] == ["153"]
    for words in ("regions at 80 %: hold 52.6%", "by device, truth: junior", "counted as unknown: 153"):
        assert words in run.out
    with (tmp_path / "e.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["region_holds"] for line in lines[8:12]] == ["yes", "yes", "no", "no"]
    assert float(lines[4]["error_x_mm"]) == pytest.approx(0.4, abs=0.01)
    words = {"region_level": "0.8", "region_area_mm2": "2", "expected_error_mm": "1"}
    assert {**lines[9], **words, "verdict": "review", "film_verdict": "review"} == lines[9]


def test_what_is_promised_and_for_whom_stands_under_the_heading(cephsure, data, oracle):
    assert cephsure("evaluate", "--data", data).out.splitlines()[1] == (
        "no promise: the model is not calibrated"
    )
    oracle.radius_px = 9.5
    assert cephsure("evaluate", "--data", data).out.splitlines()[1] == (
        "expected errors and 90 % regions hold for the calibration's reader"
    )


def test_a_column_that_the_film_table_lacks_is_one_line(cephsure, data, oracle, tmp_path):
    (tmp_path / "films.csv").write_text("film,age\n151,8\n", encoding="utf-8")
    run = cephsure("evaluate", "--data", data, "--films-table", tmp_path / "films.csv", "--by", "device")
    assert (run.status, run.out, oracle.asked) == (2, "", [])
    assert len(run.lines) == 1
    assert "has no column 'device' (its columns: film, age)" in run.lines[0]


def test_a_film_table_of_other_films_is_one_line(cephsure, data, oracle, tmp_path):
    (tmp_path / "films.csv").write_text("film,age\n151x,8\n", encoding="utf-8")
    run = cephsure("evaluate", "--data", data, "--films-table", tmp_path / "films.csv", "--by", "age")
    assert (run.status, oracle.asked) == (2, [])
    assert run.lines[0].endswith("has no age for any of the 3 films (the first is called '151')")


def test_split_truth_samples_and_limit(cephsure, data, oracle, tmp_path):
    options = ["--split", "test1-clean", "--truth", "senior", "--samples", 1, "--seed", 4, "--limit", 1]
    run = cephsure("evaluate", "--data", data, "--format", "isbi", "--json", tmp_path / "e.json", *options)
    assert run.status == 0, run.err
    about = json.loads((tmp_path / "e.json").read_text("utf-8"))["about"]
    assert (about["split"], about["truth"]) == ("test1-clean, first 1", "senior")
    assert oracle.asked == [{"samples": 1, "seed": 4}]


def test_reader_and_truth_of_reach_the_model(cephsure, data, oracle):
    cephsure("evaluate", "--data", data, "--reader", "senior", "--truth-of", "mean")
    cephsure("evaluate", "--data", data)
    assert oracle.readers == [("senior", "mean"), (None, None)]


def test_figures_of_films_that_the_model_was_trained_on_are_marked(cephsure, data, oracle, tmp_path):
    run = cephsure("evaluate", "--data", data, "--split", "all", "--json", tmp_path / "e.json")
    assert run.status == 0
    assert any(
        "oracle was trained on 2 of these 5 films: figures look too good" in line for line in run.lines
    )
    assert any(
        "--out-of-fold predicts each by the members that have not seen it" in line for line in run.lines
    )
    assert "(all, trained on 2 of these 5 films)" in run.out
    about = json.loads((tmp_path / "e.json").read_text("utf-8"))["about"]
    assert about["split"] == "all, trained on 2 of these 5 films"
    assert "trained on" not in cephsure("evaluate", "--data", data).out


def test_the_users_scale_goes_before_the_data_sets(cephsure, data, oracle, tmp_path):
    cephsure("evaluate", "--data", data, "--mm-per-px", 0.2, "--json", tmp_path / "e.json")
    found = json.loads((tmp_path / "e.json").read_text("utf-8"))
    assert found["mre_mm"] == pytest.approx(1.8, abs=1e-3)
    assert found["about"]["spacing_sources"] == {"user": 3}


def test_mirror_images_and_negatives_are_named(cephsure, data, oracle, tmp_path):
    run = cephsure("evaluate", "--data", data, "--mirror", "--invert", "--json", tmp_path / "e.json")
    about = json.loads((tmp_path / "e.json").read_text("utf-8"))["about"]
    assert (about["mirrored"], about["inverted"]) == (True, True)
    assert "mirrored, inverted" in run.out


def test_a_film_that_cannot_be_read_is_said_and_the_others_go_on(cephsure, data, oracle, tmp_path):
    film = next((data / "RawImage" / "Test1Data").iterdir())
    film.write_text("not a film", encoding="utf-8")
    run = cephsure("evaluate", "--data", data, "--json", tmp_path / "e.json")
    assert run.status == 2
    assert any(line.startswith("error:") and film.name in line for line in run.lines)
    found = json.loads((tmp_path / "e.json").read_text("utf-8"))
    assert (found["n_films"], found["left_out"]["films"]) == (2, 1)
    assert found["left_out"]["reasons"][0]["names"] == [film.stem]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--split", "test7"], "no split 'test7'"),
        (["--truth", "eve"], "no annotator 'eve'"),
        (["--model", "broken"], "checksum"),
        (["--mm-per-px", "50"], "not possible"),
        (["--format", "labelme"], "error:"),
        (["--tolerance-mm", "0"], "positive number of mm"),
        (["--by", "device"], "go together"),
        (["--films-table", "no.csv", "--by", "device"], "no.csv: cannot be read"),
    ],
)
def test_bad_input_is_one_line_and_status_2(cephsure, data, oracle, options, words):
    run = cephsure("evaluate", "--data", data, *options)
    assert run.status == 2
    assert len(run.lines) == 1
    assert words in run.lines[0]
    assert run.out == ""


@pytest.mark.slow
def test_out_of_fold_films_are_judged_by_members_that_have_not_seen_them(cephsure, read_dots, tmp_path):
    words = ("--data", read_dots.films, "--mm-per-px", 0.5, "--model", read_dots.calibrated)
    run = cephsure("evaluate", *words, "--out-of-fold", "--reader", "mean", "--json", tmp_path / "e.json")
    assert run.status == 0, run.err
    assert "reader: ann and bob (the mean of ann and bob)" in run.lines
    assert "for whom: the mean of ann and bob" in " ".join(run.out.split())
    about = json.loads((tmp_path / "e.json").read_text("utf-8"))["about"]
    assert (about["split"], about["samples"]) == ("all, out of fold", 2)
    assert about["reader"] == "the mean of ann and bob"


@pytest.mark.slow
def test_without_a_scale_errors_are_in_pixels_and_nothing_is_said_of_trust(cephsure, read_dots):
    run = cephsure("evaluate", "--data", read_dots.films, "--model", read_dots.bundle, "--limit", 2)
    assert run.status == 0, run.err
    assert "errors in pixels: no scale in the data; give --mm-per-px" in " ".join(run.out.split())
    assert "reader:" not in run.err

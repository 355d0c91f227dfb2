from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from PIL import Image

from cephsure.bundles.bundle import read_bundle
from cephsure.exports import prediction_json
from cephsure.model import load_model


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

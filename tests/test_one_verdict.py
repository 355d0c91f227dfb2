"""One verdict in every output: each says the film's verdict, its reason, what is promised and for whom."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest

import cephsure
from cephsure import films
from cephsure.cephalometry import analyse, load_analyses
from cephsure.cephalometry.analysis_table import analysis_lines
from cephsure.exports import EXPORTERS
from cephsure.reports.measurement_overlay import draw_measurement_overlay
from cephsure.reports.notebook import prediction_html
from cephsure.reports.overlay import draw_overlay
from cephsure.reports.painter import Painter
from cephsure.sample_films import sample_film
from cephsure.uncertainty.prediction_table import film_text
from cephsure.workflows import analysis_csv

STRAIGHT, ROTATED = "vhm_lateral_0deg", "vhm_lateral_30deg"


def as_if_fit(prediction):
    """A fit film made of another one, every second point accepted: no packaged film is fit."""
    marks = tuple(
        mark.model_copy(
            update={
                "verdict": "accept" if place % 2 else "review",
                "why": f"expected {mark.expected_error_mm:.2f} {'<=' if place % 2 else '>'} 1.08 mm",
            }
        )
        for place, mark in enumerate(prediction.landmarks)
    )
    said = {
        "landmarks": marks,
        "verdict": "fit",
        "reasons": (),
        "why": "9 of 19 points accepted (expected error up to 1.08 mm)",
        "evidence": (),
    }
    return prediction.model_copy(update=said)


@pytest.fixture(scope="module")
def predictions():
    """Predictions of a good film, one of another scanner, one without scale and an unfit one."""
    model = cephsure.load_model("default-baseline")
    straight, rotated = sample_film(STRAIGHT), sample_film(ROTATED)
    other = model.predict(straight.path, mm_per_px=straight.mm_per_px)
    return {
        "good": as_if_fit(other),
        "another scanner": other,
        "without scale": model.predict(straight.path),
        "unfit": model.predict(rotated.path, mm_per_px=rotated.mm_per_px),
    }


CASES = ("good", "another scanner", "without scale", "unfit")


def test_the_four_films_are_what_they_are_meant_to_be(predictions):
    verdicts = {case: found.verdict for case, found in predictions.items()}
    assert verdicts == {
        "good": "fit",
        "another scanner": "review",
        "without scale": "review",
        "unfit": "unfit",
    }
    promised = {case: found.for_whom is not None for case, found in predictions.items()}
    assert promised == {"good": True, "another scanner": True, "without scale": False, "unfit": False}


def flat(text):
    """A text with its line breaks and indents as single spaces."""
    return " ".join(text.split())


def check_film(text, prediction):
    """The film's verdict, its reason and the promise stand in a text, word for word."""
    text = flat(text)
    assert re.search(rf"\b{prediction.verdict}\b", text)
    assert prediction.why in text
    assert prediction.promise in text
    if prediction.for_whom is None:
        assert "hold for" not in text
        assert "90 %" not in text


def check_points(text, prediction):
    """Every point's verdict and its reason stand in a text."""
    for mark in prediction.landmarks:
        assert mark.verdict in text
        assert mark.why in text


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("width", [80, 120])
def test_the_terminal(predictions, case, width):
    text = film_text(predictions[case], width)
    check_film(text, predictions[case])
    check_points(flat(text), predictions[case])
    assert max(len(line) for line in text.splitlines() if not line.endswith(".png")) <= width
    assert str(predictions[case]) == film_text(predictions[case], 80)


@pytest.mark.parametrize("case", CASES)
def test_json(predictions, case, tmp_path):
    prediction = predictions[case]
    document = json.loads(EXPORTERS["json"].render(prediction, tmp_path))
    said = ("verdict", "why", "promise", "for_whom")
    assert {key: document[key] for key in said} == {key: getattr(prediction, key) for key in said}
    for mark, own in zip(document["landmarks"], prediction.landmarks, strict=True):
        assert (mark["verdict"], mark["why"]) == (own.verdict, own.why)
        if prediction.for_whom is None:
            assert (mark["expected_error_mm"], mark["region"]) == (None, None)


@pytest.mark.parametrize("case", CASES)
def test_csv_and_data_frame(predictions, case, tmp_path):
    prediction = predictions[case]
    rows = list(csv.DictReader(io.StringIO(EXPORTERS["csv"].render(prediction, tmp_path))))
    frame = prediction.to_frame()
    for row, mark in zip(rows, prediction.landmarks, strict=True):
        assert (row["film_verdict"], row["film_why"]) == (prediction.verdict, prediction.why)
        assert (row["promise"], row["for_whom"]) == (prediction.promise, prediction.for_whom or "")
        assert (row["verdict"], row["why"]) == (mark.verdict, mark.why)
        assert bool(row["expected_error_mm"]) == (prediction.for_whom is not None)
    assert set(frame["film_why"]) == {prediction.why}
    assert frame["expected_error_mm"].notna().all() == (prediction.for_whom is not None)
    assert list(frame["why"]) == [mark.why for mark in prediction.landmarks]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", ["slicer", "coco", "labelme"])
def test_lists_of_points(predictions, case, name, tmp_path):
    text = json.dumps(json.loads(EXPORTERS[name].render(predictions[case], tmp_path)), ensure_ascii=False)
    check_film(text.replace('\\"', '"'), predictions[case])
    check_points(text, predictions[case])


@pytest.fixture
def written(monkeypatch):
    """What is written on pictures, gathered where letters are drawn."""
    texts, draw = [], Painter.text

    def text(self, place, words, *rest, **options):
        texts.append(words)
        return draw(self, place, words, *rest, **options)

    monkeypatch.setattr(Painter, "text", text)
    return texts


@pytest.mark.parametrize("case", CASES)
def test_the_overlay(predictions, case, written):
    prediction = predictions[case]
    picture = draw_overlay(films.read(Path(prediction.film.path)).pixels, prediction)
    assert picture.width == prediction.film.width_px
    check_film(" ".join(written), prediction)
    for mark in prediction.landmarks:
        assert mark.code in written


@pytest.mark.parametrize("case", CASES)
def test_measurements(predictions, case, written, tmp_path):
    """Table at both widths, JSON, CSV and picture of an analysis; and no class against the verdict."""
    prediction = predictions[case]
    analysis = analyse(prediction, load_analyses("all"))
    for width in (80, 120):
        check_film("\n".join(line.text for line in analysis_lines(analysis, width)), prediction)
    document, said = analysis.document(), ("verdict", "why", "promise", "for_whom")
    assert {key: document[key] for key in said} == {key: getattr(prediction, key) for key in said}
    for row in csv.DictReader(io.StringIO(analysis_csv.render([analysis], tmp_path))):
        assert (row["film_verdict"], row["film_why"]) == (prediction.verdict, prediction.why)
        assert row["promise"] == prediction.promise
    draw_measurement_overlay(films.read(Path(prediction.film.path)).pixels, analysis)
    check_film(" ".join(written), prediction)
    needed = {
        entry.measurement.code: set(entry.measurement.landmarks)
        for definition in load_analyses("all")
        for entry in definition.entries
    }
    accepted = {mark.code for mark in prediction.landmarks if mark.verdict == "accept"}
    decided = [value for value in analysis.measurements if value.decision is not None]
    assert prediction.verdict == "fit" or not decided
    assert all(needed[value.code] <= accepted for value in decided)


@pytest.mark.parametrize("case", CASES)
def test_a_notebook(predictions, case):
    text = flat(unescape(re.sub(r"<img[^>]*>|<[^>]+>", " ", prediction_html(predictions[case]))))
    check_film(text, predictions[case])
    check_points(text, predictions[case])


@pytest.mark.slow
@pytest.mark.parametrize("columns", ["80", "120"])
@pytest.mark.parametrize(
    ("name", "scale"),
    [(STRAIGHT, ["--mm-per-px", "0.25"]), (STRAIGHT, []), (ROTATED, ["--mm-per-px", "0.25"])],
)
def test_the_commands_say_what_their_files_say(name, scale, columns, tmp_path):
    """Predict and analyze as they are typed: the screen beside the JSON file of the same film."""
    film = str(sample_film(name).path)
    environment = {**os.environ, "COLUMNS": columns}

    def run(*arguments):
        command = [sys.executable, "-m", "cephsure", *arguments, "--out", str(tmp_path), "--quiet"]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
        return done.stdout

    screen = run("predict", film, *scale)
    said = json.loads((tmp_path / f"{name}.json").read_text("utf-8"))
    measured = run("analyze", film, *scale)
    analysis = json.loads((tmp_path / f"{name}.analysis.json").read_text("utf-8"))
    for text in (flat(screen), flat(measured)):
        for key in ("verdict", "why", "promise"):
            assert said[key] in text
    assert {key: analysis[key] for key in ("verdict", "why", "promise", "for_whom")} == {
        key: said[key] for key in ("verdict", "why", "promise", "for_whom")
    }

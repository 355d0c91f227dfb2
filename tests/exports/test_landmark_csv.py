from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from cephsure.exports import landmark_csv
from cephsure.uncertainty.prediction import Region


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_the_file_is_as_documented(judged, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    header, first = landmark_csv.render(judged("fit"), Path("out")).splitlines()[:2]
    assert header == (
        "film,number,code,name,x_px,y_px,x_mm,y_mm,expected_error_mm,verdict,why,note,"
        "region_kind,region_level,region_area_mm2,film_verdict,film_why,promise,for_whom,"
        "mm_per_px_x,mm_per_px_y,spacing_source,model,"
        "activation,spread_px,spread_mm,raw_expected_error_px,raw_expected_error_mm,entropy"
    )
    assert first == (
        "../films/north/001.png,1,S,sella,20.5000,30.2500,2.0500,6.0500,"
        "0.75,accept,expected 0.75 <= 1.08 mm,,disc,0.9,2.5,"
        "fit,1 of 3 points accepted (expected error up to 1.08 mm),"
        "expected errors and 90 % regions hold for a reader not met before,a reader not met before,"
        "0.1,0.2,user,test-ensemble,"
        "0.5,2,0.2,4,0.4,1.25"
    )


def test_one_row_a_landmark_with_its_own_values(prediction):
    rows = rows_of(landmark_csv.render(prediction, Path("out")))
    assert [row["code"] for row in rows] == ["S", "N", "Pog'"]
    assert rows[2]["name"] == "soft tissue pogonion, “chin”"  # the comma is quoted
    for row, landmark in zip(rows, prediction.landmarks, strict=True):
        assert float(row["x_px"]) == pytest.approx(landmark.x_px, abs=5e-5)
        assert float(row["y_px"]) == pytest.approx(landmark.y_px, abs=5e-5)
        assert float(row["spread_px"]) == pytest.approx(landmark.measures.spread_px)
        assert float(row["raw_expected_error_px"]) == pytest.approx(landmark.measures.raw_expected_error_px)


def test_what_is_unknown_is_empty(make_prediction):
    row = rows_of(landmark_csv.render(make_prediction(mm_per_px=None, path=None), Path()))[0]
    told = ["number", "code", "name", "x_px", "y_px", "promise", "spacing_source", "model"]
    told += ["activation", "spread_px", "raw_expected_error_px", "entropy"]
    assert [name for name, value in row.items() if value] == told
    assert row["spacing_source"] == "none"


@pytest.mark.parametrize("case", ["unfit", "no scale", "no gate"])
def test_a_film_without_promise_has_no_expected_error_and_no_region(judged, case):
    prediction = judged(case)
    for row in rows_of(landmark_csv.render(prediction, Path())):
        promised = ("expected_error_mm", "region_kind", "region_level", "region_area_mm2", "for_whom")
        assert [row[name] for name in promised] == [""] * 5
        assert row["promise"] == prediction.promise
        assert row["promise"].startswith("no promise: ")
        assert row["film_why"] == prediction.why


def test_verdicts_and_reasons_are_the_predictions(judged):
    prediction = judged("review")
    for row, mark in zip(rows_of(landmark_csv.render(prediction, Path())), prediction.landmarks, strict=True):
        said = [row[name] for name in ("verdict", "why", "note", "film_verdict", "film_why", "for_whom")]
        film = ["review", prediction.why, "a reader not met before, if this film is like those calibrated on"]
        assert said == [mark.verdict, mark.why, mark.note or "", *film]


def test_the_area_of_all_of_the_film_is_infinite(judged):
    fit = judged("fit")
    whole = fit.landmarks[0].model_copy(update={"region": Region(level=0.9, kind="hdr", whole_film=True)})
    (row,) = rows_of(landmark_csv.render(fit.model_copy(update={"landmarks": (whole,)}), Path()))
    assert (row["region_kind"], row["region_level"], row["region_area_mm2"]) == ("hdr", "0.9", "inf")


FORMULA = '=HYPERLINK("http://example.org";"sella")'


def test_no_cell_is_a_formula_to_a_spreadsheet(judged):
    prediction = judged("fit", path="=1+1.png")
    model = prediction.model.model_copy(update={"name": "@model"})
    mark = prediction.landmarks[0].model_copy(update={"code": "-S", "name": FORMULA, "x_px": -3.5})
    prediction = prediction.model_copy(update={"model": model, "landmarks": (mark,), "why": "\t=1"})
    (row,) = rows_of(landmark_csv.render(prediction, Path()))
    assert row["film"] == "./=1+1.png"  # still the film's path
    assert (row["code"], row["name"], row["model"]) == ("'-S", f"'{FORMULA}", "'@model")
    assert row["film_why"] == "'\t=1"
    assert row["x_px"] == "-3.5000"  # a number is no formula


def test_a_batch_has_one_header_and_tells_films_apart(make_prediction):
    batch = [make_prediction(path="a/001.png"), make_prediction(path="b/001.png", mm_per_px=None)]
    rows = rows_of(landmark_csv.render_many(batch, Path()))
    assert [(row["film"], row["number"]) for row in rows] == [
        (film, number) for film in ("a/001.png", "b/001.png") for number in "123"
    ]
    assert [row["x_mm"] for row in rows] == ["2.0500", "8.0000", "9.0125", "", "", ""]


def test_an_empty_batch_is_a_header():
    assert landmark_csv.render_many([], Path()).startswith("film,number,code,name,x_px,y_px")


def test_a_measure_that_only_one_film_has_gets_a_column(make_prediction):
    plain, other = make_prediction(path="a"), make_prediction(path="b")
    landmark = other.landmarks[0]
    measures = type(landmark.measures).model_validate({**landmark.measures.model_dump(), "margin": 7.0})
    other = other.model_copy(update={"landmarks": (landmark.model_copy(update={"measures": measures}),)})
    rows = rows_of(landmark_csv.render_many([plain, other], Path()))
    assert [row["margin"] for row in rows] == ["", "", "", "7"]
    assert rows[3]["model"] == "test-ensemble"

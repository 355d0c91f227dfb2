from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from cephsure.exports import landmark_csv
from cephsure.uncertainty.prediction import Region

ADDED_BY_CALIBRATION = (
    "calibrated_error_mm",
    "region_kind",
    "region_level",
    "region_area_mm2",
    "verdict",
    "film_verdict",
)


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_the_file_is_as_documented(prediction, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    header, first = landmark_csv.render(prediction, Path("out")).splitlines()[:2]
    assert header == (
        "film,number,code,name,x_px,y_px,x_mm,y_mm,activation,spread_px,spread_mm,raw_expected_error_px,"
        "raw_expected_error_mm,entropy,mm_per_px_x,mm_per_px_y,spacing_source,model,"
        "calibrated_error_mm,region_kind,region_level,region_area_mm2,verdict,film_verdict"
    )
    assert first == (
        "../films/north/001.png,1,S,sella,20.5000,30.2500,2.0500,6.0500,0.5,2,0.2,4,0.4,1.25,0.1,0.2,user,"
        "test-ensemble,,,,,,"
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
    unknown = [name for name, value in row.items() if value == ""]
    assert unknown == [
        "film",
        "x_mm",
        "y_mm",
        "spread_mm",
        "raw_expected_error_mm",
        "mm_per_px_x",
        "mm_per_px_y",
        *ADDED_BY_CALIBRATION,
    ]
    assert row["spacing_source"] == "none"


def test_what_calibration_and_gate_add(prediction):
    shapes = (
        Region(level=0.9, kind="disc", centre_px=(1, 2), half_axes_px=((3, 0), (0, 3)), area_mm2=4.5),
        Region(level=0.9, kind="disc", whole_film=True),
        None,
    )
    landmarks = tuple(
        mark.model_copy(update={"region": shape, "expected_error_mm": 0.75, "verdict": "review"})
        for mark, shape in zip(prediction.landmarks, shapes, strict=True)
    )
    judged = prediction.model_copy(update={"landmarks": landmarks, "verdict": "fit"})
    rows = rows_of(landmark_csv.render(judged, Path()))
    assert [tuple(row[name] for name in ADDED_BY_CALIBRATION) for row in rows] == [
        ("0.75", "disc", "0.9", "4.5", "review", "fit"),
        ("0.75", "disc", "0.9", "inf", "review", "fit"),
        ("0.75", "", "", "", "review", "fit"),
    ]


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

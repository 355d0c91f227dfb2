from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest

from cephsure.datasets import AnnotatedFilm
from cephsure.films import FilmFacts
from cephsure.uncertainty.missing import without_promise
from cephsure.uncertainty.prediction import LandmarkPrediction, Measures, Prediction, Region
from cephsure.workflows.assess import AssessedFilm, Found
from cephsure.workflows.assessment_csv import render
from judged_films import film_info, model_info, reader_info


def assessed(*, film_id="001", truth=(12.0, 20.0), unfit=False, **more):
    """One film of one point at (10, 20), its region a disc of 3 px, its scale 0.1 mm."""
    mark = LandmarkPrediction(
        number=1,
        code="S",
        name="sella",
        x_px=10.0,
        y_px=20.0,
        x_mm=1.0,
        y_mm=2.0,
        measures=Measures(
            **{"activation": 0.5, "spread_px": 2.0, "spread_mm": 0.2, "entropy": 1.25, **more},
            raw_expected_error_px=4.0,
            raw_expected_error_mm=0.4,
        ),
        samples_px=((10.0, 20.0),),
        expected_error_mm=0.75,
        region=Region(
            level=0.9, kind="disc", centre_px=(10, 20), half_axes_px=((3, 0), (0, 3)), area_mm2=0.28
        ),
        verdict="review",
        why="film unfit" if unfit else "expected 0.75 > 0.70 mm",
        note="outside its own 90 % region",
    )
    film = film_info(path=None, width_px=100, height_px=150)
    model, reader = model_info(name="m", samples=1), reader_info(name="r", for_whom="a new reader")
    prediction = Prediction(
        film=film, model=model, landmarks=(mark,), reader=reader, verdict="fit", why="1 of 1"
    )
    if unfit:
        prediction = prediction.model_copy(update={"verdict": "unfit", "why": "blurred"})
        prediction = without_promise(prediction, "the film is unfit")
    points = np.array([truth])
    annotated = AnnotatedFilm(film_id=film_id, path=Path("001.png"), annotations={"ann": points})
    return AssessedFilm(annotated, Found(prediction), points, FilmFacts(None, ""))


def rows_of(*films):
    return list(csv.DictReader(io.StringIO(render(films))))


def test_a_line_by_hand():
    (row,) = rows_of(assessed())
    assert row == {
        "film": "001",
        "number": "1",
        "code": "S",
        "truth_x_px": "12",
        "truth_y_px": "20",
        "x_px": "10",
        "y_px": "20",
        "error_px": "2",
        "error_mm": "0.2",
        "error_x_mm": "-0.2",
        "error_y_mm": "0",
        "expected_error_mm": "0.75",
        "verdict": "review",
        "why": "expected 0.75 > 0.70 mm",
        "note": "outside its own 90 % region",
        "region_level": "0.9",
        "region_area_mm2": "0.28",
        "region_holds": "yes",
        "withheld": "",
        "film_verdict": "fit",
        "film_why": "1 of 1",
        "for_whom": "a new reader",
        "promise": "expected errors and 90 % regions hold for a new reader",
        "activation": "0.5",
        "spread_px": "2",
        "spread_mm": "0.2",
        "raw_expected_error_px": "4",
        "raw_expected_error_mm": "0.4",
        "entropy": "1.25",
    }


def test_what_an_unfit_film_withholds_is_set_beside_the_truth_and_marked():
    (row,) = rows_of(assessed(unfit=True, truth=(19.0, 20.0)))
    assert (row["withheld"], row["expected_error_mm"], row["region_level"]) == ("yes", "0.75", "0.9")
    assert row["region_holds"] == "no"
    assert (row["promise"], row["for_whom"]) == ("no promise: the film is unfit", "")
    assert (row["why"], row["film_why"]) == ("film unfit", "blurred")


def test_a_point_without_truth_has_no_error():
    (row,) = rows_of(assessed(truth=(np.nan, np.nan)))
    named = ("truth_x_px", "error_px", "error_mm", "error_x_mm", "region_holds")
    assert [row[name] for name in named] == [""] * 5
    assert row["expected_error_mm"] == "0.75"


def test_a_measure_that_only_one_film_has_gets_a_column():
    assert [row["margin"] for row in rows_of(assessed(), assessed(margin=7.0))] == ["", "7"]


@pytest.mark.parametrize("film_id", ["=1+1", "@film"])
def test_a_films_name_is_no_formula(film_id):
    (row,) = rows_of(assessed(film_id=film_id))
    assert row["film"] == f"'{film_id}"

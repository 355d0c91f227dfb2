from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest

from cephsure.cephalometry import LandmarkErrors, analyse, analyse_points, load_analyses
from cephsure.landmarks import load_landmark_set
from cephsure.workflows import analysis_csv
from judged_films import judged_film

NAMES = {landmark.code: landmark.name for landmark in load_landmark_set().landmarks}
ERRORS = LandmarkErrors("calibration", np.tile(4.0 * np.eye(2), (len(NAMES), 1, 1)))


def rows_of(*analyses):
    return list(csv.DictReader(io.StringIO(analysis_csv.render(analyses, Path()))))


def bent(film):
    """The film's points not on one line, where every angle is 0 or 180 degrees."""
    shifts = np.random.default_rng(0).normal(0, 90, len(NAMES))
    marks = tuple(
        mark.model_copy(update={"x_px": mark.x_px + shift})
        for mark, shift in zip(film.landmarks, shifts, strict=True)
    )
    return film.model_copy(update={"landmarks": marks})


@pytest.fixture
def make_film():
    return lambda verdict, **changes: bent(judged_film(verdict, names=NAMES, **changes))


def test_there_is_one_row_a_measurement(make_film):
    analysis = analyse(make_film("fit"), errors=ERRORS)
    rows = rows_of(analysis, analysis)
    assert len(rows) == 18
    assert tuple(rows[0]) == analysis_csv.COLUMNS
    sna, measured = rows[2], analysis.measurements[2]
    assert (sna["film"], sna["analysis"], sna["code"], sna["unit"]) == ("films/001.png", "isbi", "SNA", "deg")
    assert float(sna["value"]) == pytest.approx(measured.value, rel=1e-5)
    assert float(sna["interval_90_high"]) == pytest.approx(measured.interval_90[1], rel=1e-5)
    assert (sna["errors_from"], sna["points_from"]) == ("calibration", "fake")
    assert sna["remark"] == f"not decided: {measured.not_decided}"
    assert sna["classes_source"].startswith("ISBI 2015")
    assert rows[3]["norms"] == "74.5 ± 6.07 (Kim 1974, Am J Orthod 65, 586-611)"


def test_a_decided_class_has_its_probability_and_no_remark(make_film):
    sure = make_film("fit", errors=(0.5,))
    analysis = analyse(sure, errors=ERRORS)
    decided = [place for place, value in enumerate(analysis.measurements) if value.decision]
    assert decided
    for place in decided:
        row, value = rows_of(analysis)[place], analysis.measurements[place]
        assert (row["decision"], row["remark"]) == (value.decision, "")
        assert float(row["decision_probability"]) == max(
            share.probability for share in value.class_probabilities
        )


@pytest.mark.parametrize("verdict", ["fit", "review", "unfit", None])
def test_the_verdict_stands_in_every_row_word_for_word(make_film, verdict):
    film = make_film(verdict)
    for row in rows_of(analyse(film)):
        said = (row["film_verdict"], row["film_why"], row["promise"])
        assert said == (verdict or "", film.why, film.promise)
        assert verdict != "unfit" or row["decision"] == row["interval_90_low"] == ""
        if verdict in {"review", "unfit"}:
            assert row["decision"] == ""
            # The made head is of no size that people have: its distances say so.
            film_says = {"review": "film for review", "unfit": "film unfit"}[verdict]
            assert ("scale in doubt" if row["unit"] == "mm" else film_says) in row["remark"]


def test_it_says_why_something_is_empty(make_film):
    rows = {row["code"]: row for row in rows_of(analyse(make_film("review", mm_per_px=None)))}
    assert (rows["MW"]["value"], rows["MW"]["remark"]) == ("", "no scale in the film")
    assert rows["SNA"]["value"] != ""
    assert rows["SNA"]["sd"] == ""
    assert rows["SNA"]["remark"] == ("no interval: the film's scale is unknown; not decided: scale unknown")


def test_whom_a_norm_is_of(make_film):
    rows = rows_of(analyse(make_film("fit"), load_analyses("mcnamara")))
    assert rows[0]["norms"] == (
        "0.4 ± 2.3 (women, Ann Arbor adults, McNamara 1984, Am J Orthod 86, 449-469); "
        "1.1 ± 2.7 (men, Ann Arbor adults, McNamara 1984, Am J Orthod 86, 449-469)"
    )


def test_no_cell_is_a_spreadsheets_formula(make_film):
    analysis = analyse(make_film("review", path="=cmd.png", reasons=("=1+1",)))
    row = rows_of(analysis)[0]
    assert (row["film"], row["film_why"]) == ("./=cmd.png", "'=1+1")
    at = {code: (10.0 * number, 7.0 * number**0.5) for number, code in enumerate(NAMES)}
    assert rows_of(analyse_points(at, facing="right", points_from="=2"))[0]["points_from"] == "'=2"

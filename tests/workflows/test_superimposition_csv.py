from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from cephsure.workflows.superimposition_csv import COLUMNS, render
from two_made_films import two_films


def rows(films, folder=Path()):
    return list(csv.DictReader(io.StringIO(render([films], folder))))


def test_one_row_a_landmark_with_both_films():
    films = two_films()
    found = rows(films)
    assert list(found[0]) == list(COLUMNS)
    assert [row["code"] for row in found] == [point.code for point in films.found.points]
    me = next(row for row in found if row["code"] == "Me")
    assert (me["first_film"], me["second_film"]) == ("films/001.png", "films/002.png")
    assert (me["first_verdict"], me["second_points_from"], me["reference"]) == ("fit", "made", "sn: S, N")
    assert (me["moved"], me["for_review"], me["remark"]) == ("yes", "no", "")
    assert float(me["displacement_mm"]) == pytest.approx(6.0, abs=1e-4)
    assert float(me["up_mm"]) < -5
    assert float(me["interval_90_low_mm"]) < 6 < float(me["interval_90_high_mm"])
    assert [float(me[name]) for name in ("first_x_px", "first_y_px", "second_y_px")] == [262, 425, 440]


def test_what_is_not_known_is_empty_and_says_why():
    me = next(row for row in rows(two_films("fit", "unfit")) if row["code"] == "Me")
    assert (me["moved"], me["interval_90_low_mm"]) == ("", "")
    assert me["remark"] == "no interval: second film: the film is unfit for automatic evaluation"
    assert me["second_verdict"] == "unfit"
    assert next(iter(rows(two_films(mm_per_px=None))))["forward_mm"] == ""


def test_paths_lead_from_the_table_to_the_films():
    row = rows(two_films(), Path("out"))[0]
    assert row["first_film"] == "../films/001.png"


def test_no_cell_is_a_formula():
    row = rows(two_films(paths=("=1.png", "b.png")))[0]
    assert row["first_film"] == "./=1.png"

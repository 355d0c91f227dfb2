from __future__ import annotations

import csv
import io

import numpy as np

from cephsure.evaluation import evaluate
from cephsure.evaluation.table import Column, Table, landmark_table, measure_table, overall_table
from cephsure.landmarks import Landmark, LandmarkSet

SET = LandmarkSet(
    name="two",
    title="two points",
    source="made for this test",
    landmarks=(
        Landmark(1, "S", "sella", "centre of the sella", "bone", "midline"),
        Landmark(16, "Pog'", "soft pogonion", "front of the chin", "soft", "midline"),
    ),
)


def found(mm_per_px=0.1):
    predicted = np.array([[[10, 0], [0, 20]], [[30, 0], [0, 40]], [[10, 0], [0, 40.0]]])
    values = {"spread": np.array([[1, 2], [3, 4], [1, 4.0]])}
    scale = np.full((3, 2), mm_per_px)
    return evaluate(
        predicted,
        0 * predicted,
        scale,
        values,
        {"spread": 1},
        landmark_set=SET,
        without=(16,),
        n_resamples=40,
    )


def test_markdown_and_csv():
    table = Table("t", (Column("name", "left"), Column("n")), (("a|b", "1"), ("c, d", "2")))
    assert table.markdown() == "| name | n |\n| --- | ---: |\n| a\\|b | 1 |\n| c, d | 2 |\n"
    assert table.csv() == 'name,n\na|b,1\n"c, d",2\n'


def test_overall_line_and_the_one_without_a_landmark():
    table = overall_table(found())
    headings = [column.heading for column in table.columns]
    overall, without = (dict(zip(headings, row, strict=True)) for row in table.rows)
    # Errors in mm 1, 2, 3, 4, 1, 4: mean 2.5, squared deviations 9.5, / 5: 1.378.
    assert (overall["films"], overall["n"], overall["MRE mm"], overall["SD mm"]) == (
        "3",
        "6",
        "2.500",
        "1.378",
    )
    assert [overall[f"SDR {rate} mm %"] for rate in ("2", "2.5", "3", "4")] == [
        "50.0",
        "50.0",
        "66.7",
        "100.0",
    ]
    assert (without["points"], without["n"], without["MRE mm"]) == ("without landmark 16", "3", "1.667")


def test_a_row_for_each_landmark():
    table = landmark_table(found())
    assert [row[:5] for row in table.rows] == [
        ("1", "S", "sella", "3", "1.667"),
        ("16", "Pog'", "soft pogonion", "3", "3.333"),
    ]
    assert all(len(row) == len(table.columns) for row in table.rows)


def test_measures_with_and_without_the_landmark():
    table = measure_table(found())
    assert [row[:2] for row in table.rows] == [("spread", "all"), ("spread", "without 16")]
    assert table.rows[0][2].startswith("1.000 [1.00, 1.00]")
    assert all(len(row) == len(table.columns) for row in table.rows)
    # Without landmark 16 no error is over 4 mm.
    assert table.rows[1][-1] == "–"


def test_without_scale_the_tables_speak_of_pixels():
    evaluation = found(float("nan"))
    headings = [column.heading for column in overall_table(evaluation).columns]
    assert "MRE px" in headings
    assert not any("mm" in heading for heading in headings)
    assert overall_table(evaluation).rows[0][3] == "25.00"
    assert [column.heading for column in measure_table(evaluation).columns][-1] == "Spearman r"
    for table in (overall_table(evaluation), landmark_table(evaluation), measure_table(evaluation)):
        rows = list(csv.reader(io.StringIO(table.csv())))
        assert {len(row) for row in rows} == {len(table.columns)}

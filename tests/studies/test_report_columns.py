from __future__ import annotations

import numpy as np
import pytest

from cephsure.studies.report_tables import column_texts, heading_of, shown_columns
from cephsure.studies.result import ResultTable


@pytest.mark.parametrize(
    ("name", "heading", "unit"),
    [
        ("mre_mm", "MRE", "mm"),
        ("sdr_2_5_percent", "SDR 2.5", "%"),
        ("angle_deg", "angle", "°"),
        ("n_films", "n films", ""),
        ("mm", "mm", ""),
        ("auc", "AUC", ""),
        ("auc_4mm", "AUC 4 mm", ""),
        ("who", "who", ""),
    ],
)
def test_headings(name, heading, unit):
    assert heading_of(name) == (heading, unit)


@pytest.mark.parametrize(
    ("name", "cells", "texts"),
    [
        ("mre_mm", [1.15234, 0.0871, None], ["1.15", "0.09", "–"]),
        ("mre_mm", [12.3456, 1.0], ["12.35", "1.00"]),
        ("sdr_percent", [86.04, 100.0], ["86.0", "100.0"]),
        ("pearson", [-0.4567, 0.05, -0.00001], ["−0.457", "0.050", "0.000"]),
        ("angle_deg", [-45.0, 0.0, 45.0], ["−45", "0", "45"]),
        ("magnitude", [5.128, 200.0], ["5.1", "200.0"]),
        ("cost_ms", [2123.4, 30.0], ["2123", "30"]),
        ("p", [0.00012345, 0.0], ["0.000123", "0.000000"]),
        ("n", [150, -3], ["150", "−3"]),
        ("good", [True, False], ["yes", "no"]),
        ("why", ["a-b", ""], ["a-b", "–"]),
        ("x", [float("nan"), float("inf")], ["–", "–"]),
        ("x", [np.float32(0.5), np.int64(2)], ["0.500", "2"]),
        ("x", [], []),
    ],
)
def test_rounding(name, cells, texts):
    assert column_texts(name, cells) == texts


def test_numbers_stand_to_the_right_words_to_the_left():
    table = ResultTable.from_rows(
        "t", ("who", "n", "mixed", "flag", "none"), (("a", 1, 1, True, None), ("b", None, "x", False, None))
    )
    columns, same = shown_columns(table)
    assert [column.numeric for column in columns] == [False, True, False, False, False]
    assert same == []


def test_an_interval_stands_beside_its_value():
    names = ("who", "mre_mm", "mre_low_mm", "mre_high_mm", "auc", "auc_low", "auc_high", "low")
    table = ResultTable.from_rows(
        "t", names, (("a", 1.1523, 1.1, 1.2, 0.9, None, None, 3), ("b", None, None, None, 0.8, 0.75, 0.85, 4))
    )
    columns, _ = shown_columns(table)
    assert [column.heading for column in columns] == ["who", "MRE [interval]", "AUC [interval]", "low"]
    assert columns[1].texts == ("1.15 [1.10, 1.20]", "–")
    assert columns[1].unit == "mm"
    assert columns[2].texts == ("0.900", "0.800 [0.750, 0.850]")


def test_what_is_the_same_in_every_row_of_a_wide_table_is_said_once():
    names = ("who", *(f"c{i}" for i in range(7)), "mre_mm")
    rows = tuple((who, *range(7), float(i)) for i, who in enumerate("abc"))
    columns, same = shown_columns(ResultTable.from_rows("t", names, rows))
    assert [column.heading for column in columns] == ["who", "MRE"]
    assert same == [f"c{i} {i}" for i in range(7)]
    # Few columns fit; of two rows nobody is tired.
    assert shown_columns(ResultTable.from_rows("t", names[:8], tuple(row[:8] for row in rows)))[1] == []
    assert shown_columns(ResultTable.from_rows("t", names, rows[:2]))[1] == []


def test_a_table_without_rows():
    columns, same = shown_columns(ResultTable.from_rows("t", ("who", "mre_mm"), ()))
    assert ([column.heading for column in columns], same) == (["who", "MRE"], [])
    assert columns[0].texts == ()

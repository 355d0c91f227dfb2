from __future__ import annotations

from html.parser import HTMLParser

import numpy as np
import pytest

from cephsure.studies.report_tables import (
    FIRST_ROWS,
    MOST_ROWS,
    column_texts,
    heading_of,
    shown_columns,
    shown_table,
    text_table,
)
from cephsure.studies.result import ResultTable, templates


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
    table = ResultTable.from_records(
        "t",
        (("a", 1, 1, True, None), ("b", None, "x", False, None)),
        columns=("who", "n", "mixed", "flag", "none"),
    )
    columns, same = shown_columns(table)
    assert [column.numeric for column in columns] == [False, True, False, False, False]
    assert same == []


def test_an_interval_stands_beside_its_value():
    names = ("who", "mre_mm", "mre_low_mm", "mre_high_mm", "auc", "auc_low", "auc_high", "low")
    table = ResultTable.from_records(
        "t",
        (("a", 1.1523, 1.1, 1.2, 0.9, None, None, 3), ("b", None, None, None, 0.8, 0.75, 0.85, 4)),
        columns=names,
    )
    columns, _ = shown_columns(table)
    assert [column.heading for column in columns] == ["who", "MRE [interval]", "AUC [interval]", "low"]
    assert columns[1].texts == ("1.15 [1.10, 1.20]", "–")
    assert columns[1].unit == "mm"
    assert columns[2].texts == ("0.900", "0.800 [0.750, 0.850]")


def test_what_is_the_same_in_every_row_of_a_wide_table_is_said_once():
    names = ("who", *(f"c{i}" for i in range(7)), "mre_mm")
    rows = tuple((who, *range(7), float(i)) for i, who in enumerate("abc"))
    columns, same = shown_columns(ResultTable.from_records("t", rows, columns=names))
    assert [column.heading for column in columns] == ["who", "MRE"]
    assert same == [f"c{i} {i}" for i in range(7)]
    # Few columns fit; of two rows nobody is tired.
    assert (
        shown_columns(ResultTable.from_records("t", tuple(row[:8] for row in rows), columns=names[:8]))[1]
        == []
    )
    assert shown_columns(ResultTable.from_records("t", rows[:2], columns=names))[1] == []


def test_a_table_without_rows():
    columns, same = shown_columns(ResultTable.from_records("t", (), columns=("who", "mre_mm")))
    assert ([column.heading for column in columns], same) == (["who", "MRE"], [])
    assert columns[0].texts == ()


class Rows(HTMLParser):
    """The texts of a table's cells, and what each cell is."""

    def __init__(self, html):
        super().__init__()
        self.rows, self.kinds = [], []
        self.inside = False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([])
        elif tag in {"td", "th"}:
            self.rows[-1].append("")
            self.kinds.append((tag, dict(attrs).get("scope"), dict(attrs).get("class")))
            self.inside = True

    def handle_endtag(self, tag):
        self.inside &= tag not in {"td", "th"}

    def handle_data(self, data):
        if self.inside:
            self.rows[-1][-1] += data


def table_html(table, *, title, file):
    template = '{% from "report_parts.html.j2" import result_table %}{{ result_table(table) }}'
    page = templates().overlay(autoescape=True).from_string(template)
    return page.render(table=shown_table(table, title=title, file=file))


def test_cells_and_what_they_are():
    table = ResultTable.from_records(
        "Errors <b>", (("A & B", 1.25), ("c", None)), columns=("who", "mre_mm"), note="x < y"
    )
    html = table_html(table, title="Table 1.2", file="accuracy/errors.csv")
    found = Rows(html)
    assert found.rows == [["who", "MRE mm"], ["A & B", "1.25"], ["c", "–"]]
    assert found.kinds[:3] == [("th", "col", "short"), ("th", "col", "number"), ("th", "row", "short")]
    assert found.kinds[3] == ("td", None, "number")
    assert "<caption><span>Table 1.2. Errors &lt;b&gt;</span></caption>" in html
    assert "x &lt; y With all digits: <code>accuracy/errors.csv</code>" in html
    # It scrolls, so it can be reached by keyboard and has a name.
    assert 'role="region" aria-label="Table 1.2. Errors &lt;b&gt;" tabindex="0"' in html


def test_a_long_table_is_cut_and_says_so():
    rows = tuple((f"film {index}", index) for index in range(MOST_ROWS + 1))
    html = table_html(ResultTable.from_records("t", rows, columns=("film", "n")), title="T", file="a/b.csv")
    assert len(Rows(html).rows) == 1 + FIRST_ROWS
    assert f"First {FIRST_ROWS} of {MOST_ROWS + 1} rows; all: <code>a/b.csv</code>" in html
    whole = table_html(
        ResultTable.from_records("t", rows[:-1], columns=("film", "n")), title="T", file="a/b.csv"
    )
    assert len(Rows(whole).rows) == 1 + MOST_ROWS
    assert 'class="table tall"' in whole


def test_a_table_without_rows_says_so():
    html = table_html(ResultTable.from_records("t", (), columns=("a", "b")), title="T", file="a.csv")
    assert Rows(html).rows == [["a", "b"]]
    assert "No rows: " in html


def test_long_words_get_room():
    html = table_html(
        ResultTable.from_records("t", (("paper mc-dropout (15), senior",),), columns=("who",)),
        title="T",
        file="a.csv",
    )
    assert Rows(html).kinds[0] == ("th", "col", "long")


def test_a_table_as_text_is_cut_on_request():
    rows = [(f"model {index}", 1.2345, 1.2, 1.3, index) for index in range(5)]
    table = ResultTable.from_records(
        "Errors", rows, columns=("who", "mre_mm", "mre_low_mm", "mre_high_mm", "n")
    )
    text = text_table(table, most_rows=2, most_columns=2)
    assert text.title == "Errors (first 2 of 5 rows)"
    assert [(column.heading, column.side) for column in text.columns] == [
        ("who", "left"),
        ("MRE, mm", "right"),
    ]
    assert text.rows == (("model 0", "1.23 [1.20, 1.30]"), ("model 1", "1.23 [1.20, 1.30]"))
    whole = text_table(table)
    assert (whole.title, len(whole.rows), len(whole.columns)) == ("Errors", 5, 3)

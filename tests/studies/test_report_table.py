from __future__ import annotations

from html.parser import HTMLParser

from cephsure.studies.report_tables import FIRST_ROWS, MOST_ROWS, table_html
from cephsure.studies.result import ResultTable


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


def test_cells_and_what_they_are():
    table = ResultTable.from_rows(
        "Errors <b>", ("who", "mre_mm"), (("A & B", 1.25), ("c", None)), note="x < y"
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
    html = table_html(ResultTable.from_rows("t", ("film", "n"), rows), title="T", file="a/b.csv")
    assert len(Rows(html).rows) == 1 + FIRST_ROWS
    assert f"First {FIRST_ROWS} of {MOST_ROWS + 1} rows; all: <code>a/b.csv</code>" in html
    whole = table_html(ResultTable.from_rows("t", ("film", "n"), rows[:-1]), title="T", file="a/b.csv")
    assert len(Rows(whole).rows) == 1 + MOST_ROWS
    assert 'class="table tall"' in whole


def test_a_table_without_rows_says_so():
    html = table_html(ResultTable.from_rows("t", ("a", "b"), ()), title="T", file="a.csv")
    assert Rows(html).rows == [["a", "b"]]
    assert "No rows: " in html


def test_long_words_get_room():
    html = table_html(
        ResultTable.from_rows("t", ("who",), (("paper mc-dropout (15), senior",),)), title="T", file="a.csv"
    )
    assert Rows(html).kinds[0] == ("th", "col", "long")

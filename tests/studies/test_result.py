from __future__ import annotations

import csv
import io
import json

import jinja2
import numpy as np
import pytest

from cephsure.errors import InputError
from cephsure.studies import result
from cephsure.studies.plotting import label, new_figure
from cephsure.studies.result import (
    UNKNOWN,
    DrawnFigure,
    ExperimentResult,
    ResultTable,
    drawn,
    ends,
    in_words,
    listed,
    method_text,
    plain,
    read_result,
    with_ends,
    with_interval,
)

pytest.importorskip("matplotlib", reason="figures need matplotlib")


def figure(points=3):
    made, axes = new_figure(1, 1, caption="A line.")
    axes[0, 0].plot(range(points), range(points), label="ours")
    axes[0, 0].fill_between(range(points), 0, 1, hatch="/")
    axes[0, 0].legend()
    label(axes[0, 0], x="angle (°)", y="spread (mm)")
    return made


@pytest.mark.slow
def test_both_kinds_of_file():
    found = drawn(figure())
    assert found.files["png"].startswith(b"\x89PNG")
    assert b"<svg" in found.files["svg"]
    assert (found.caption, found.alt) == ("A line.", "spread (mm) against angle (°)")


@pytest.mark.slow
def test_the_same_figure_is_the_same_bytes():
    one, two, other = drawn(figure()), drawn(figure()), drawn(figure(4))
    assert one == two
    assert one.files["svg"] != other.files["svg"]
    assert b"<dc:date>" not in one.files["svg"]


def test_a_drawn_figure_stays_as_it_is():
    found = DrawnFigure("c", "a", {"png": b"", "svg": b""})
    assert drawn(found) is found


def test_panels_in_words():
    made, axes = new_figure(2, 2, caption="")
    label(axes[0, 0], x="angle (°)", y="spread (mm)", title="ensemble")
    label(axes[0, 1], x="angle (°)", y="spread (mm)", title="ensemble")
    axes[1, 0].set_title("15°\nturned")
    axes[1, 1].set_visible(False)
    assert in_words(made) == "3 panels: ensemble (spread (mm) against angle (°)); 15° turned"


pytest.importorskip("matplotlib", reason="figures need matplotlib")


TABLE = ResultTable.from_records(
    "Errors",
    (('default, "mean"', 150, 1.1523456789, True), ("paper", 0, float("nan"), None)),
    columns=("model", "n", "mre_mm", "clean"),
    note="official",
)


def make(**changes):
    figure, axes = new_figure(1, 2, caption="Error < spread & more.")
    label(axes[0, 0], x="spread (mm)", y="error (mm)", title="ensemble")
    axes[0, 0].plot([0, 1], [0, 1])
    given = {
        "name": "error-correlation",
        "title": "Does it follow the error?",
        "method": ("Point by point.",),
        "tables": {"error_correlation": TABLE},
        "figures": {"scatter": figure},
    }
    return ExperimentResult(**(given | changes))


def test_csv_has_full_precision_and_empty_cells():
    assert list(csv.reader(io.StringIO(TABLE.csv()))) == [
        ["model", "n", "mre_mm", "clean"],
        ['default, "mean"', "150", "1.1523456789", "True"],
        ["paper", "0", "", ""],
    ]


def test_a_table_as_json_and_back():
    document = json.loads(json.dumps(TABLE.document(), allow_nan=False))
    assert document["columns"] == ["model", "n", "mre_mm", "clean"]
    assert document["rows"][1] == {"model": "paper", "n": 0, "mre_mm": None, "clean": None}
    back = ResultTable.from_document(document)
    assert [list(row.values()) for row in back.records()] == [
        list(TABLE.records()[0].values()),
        ["paper", 0, None, None],
    ]
    assert (back.title, back.note, back.columns) == (TABLE.title, TABLE.note, TABLE.columns)


def test_a_table_without_rows_keeps_its_columns():
    empty = ResultTable.from_records("none", (), columns=("a", "b"))
    assert ResultTable.from_document(empty.document()).columns == empty.columns == ("a", "b")
    assert empty.csv() == "a,b\n"


def test_a_selected_value_brings_the_ends_of_its_interval():
    row = {"model": "a", "auc": 0.8, "auc_low": 0.7, "auc_high": 0.9, "n": 3}
    table = ResultTable.from_records("T", [row, row | {"model": "b"}])
    found = table.select("model", "auc", where=table.frame["model"] == "b")
    assert found.records() == [{"model": "b", "auc": 0.8, "auc_low": 0.7, "auc_high": 0.9}]
    with pytest.raises(KeyError):
        table.select("aurc")


def test_cells_as_json_knows_them():
    given = [
        np.float32(0.5),
        np.int64(3),
        np.bool_(True),
        np.nan,
        np.inf,
        np.float64("-inf"),
        "x",
        None,
        2,
        0.25,
    ]
    cells = [plain(cell) for cell in given]
    assert cells == [0.5, 3, True, None, None, None, "x", None, 2, 0.25]
    assert [type(cell) for cell in cells[:3]] == [float, int, bool]


def test_what_is_written(tmp_path):
    files = make().write(tmp_path)
    names = ["error_correlation.csv", "scatter.png", "scatter.svg", "error-correlation.json"]
    assert [file.name for file in files] == names
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    document = json.loads((tmp_path / "error-correlation.json").read_text("utf-8"))
    assert document["schema"] == "cephsure.experiment/1"
    assert "findings" not in document
    assert document["figures"]["scatter"]["caption"] == "Error < spread & more."
    assert "medical device" in document["disclaimer"]


@pytest.mark.slow
def test_the_same_result_is_the_same_bytes(tmp_path):
    for folder in ("one", "two"):
        make().write(tmp_path / folder)
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes(), file.name


@pytest.mark.slow
def test_read_back_and_written_again_nothing_changes(tmp_path):
    make().write(tmp_path / "one")
    read = read_result(tmp_path / "one", "error-correlation")
    assert read.title == "Does it follow the error?"
    assert read.figures["scatter"].alt == "ensemble (error (mm) against spread (mm))"
    read.write(tmp_path / "two")
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes(), file.name


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "Expecting"),
        ("[]", "must be a JSON object"),
        ('{"schema": "cephsure.experiment/9"}', "experiment/9"),
        ('{"schema": "cephsure.experiment/1", "name": "x"}', "title"),
    ],
)
def test_a_damaged_result_is_one_line(tmp_path, text, complaint):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(
        InputError, match=rf"x\.json: not an experiment's result: .*{complaint}.*run the experiment"
    ):
        read_result(tmp_path, "x")


def test_a_figure_that_is_gone_is_named(tmp_path):
    make().write(tmp_path)
    (tmp_path / "scatter.svg").unlink()
    with pytest.raises(InputError, match=r"scatter\.svg: a figure's file cannot be read"):
        read_result(tmp_path, "error-correlation")


def test_no_result_there(tmp_path):
    with pytest.raises(InputError, match=r"x\.json: not an experiment's result"):
        read_result(tmp_path, "x")


@pytest.mark.parametrize(
    ("value", "interval", "text"),
    [
        (1.005, (1.0, 1.25), "1.00 [1.00, 1.25]"),
        (-0.5, (-0.625, 0.0), "−0.50 [−0.62, 0.00]"),
        (2.0, None, "2.00"),
        (2.0, (float("nan"), 1.0), "2.00"),
        (None, (0.0, 1.0), UNKNOWN),
        (float("nan"), None, UNKNOWN),
    ],
)
def test_value_with_interval(value, interval, text):
    assert with_interval(value, interval) == text


def test_lists_and_ends():
    assert [listed(["a", "b", "c"]), listed(["a"]), listed([])] == ["a, b and c", "a", ""]
    assert ends(None) == (None, None)
    assert ends((1.0, 2.0)) == (1.0, 2.0)
    assert with_ends("r", 0.5, None) == {"r": 0.5, "r_low": None, "r_high": None}


@pytest.fixture
def _template(monkeypatch):
    text = "{{ count }} films\nof {{ names | listed }}.\n{% if more %}\n\nAnd < more.\n{% endif %}\n"
    environment = result.templates().overlay(loader=jinja2.DictLoader({"made.md.j2": text}))
    monkeypatch.setattr(result, "templates", lambda: environment)


@pytest.mark.usefixtures("_template")
def test_a_method_is_its_templates_paragraphs_filled_in():
    facts = {"count": 3, "names": ["a", "b"]}
    assert method_text("made", **facts, more=False) == ("3 films of a and b.",)
    assert method_text("made", **facts, more=True) == ("3 films of a and b.", "And < more.")
    with pytest.raises(jinja2.UndefinedError, match="more"):
        method_text("made", **facts)


def test_only_pages_are_escaped():
    assert result.templates().get_template("report.html.j2").environment.autoescape("report.html.j2")
    assert not result.templates().autoescape("accuracy.md.j2")

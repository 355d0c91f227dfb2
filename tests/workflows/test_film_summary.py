from __future__ import annotations

import csv
import io

import pytest

from cephsure.cephalometry import load_analyses
from cephsure.cephalometry.reviewed_film import ReviewedFilm
from cephsure.errors import InputError
from cephsure.workflows import batch
from cephsure.workflows.film_summary import check_summary, summary_of, write_summary
from cephsure.workflows.report import ReportedFilm
from report_films import SET, prediction, reviewed


def reported(film, *, name="001.png", path="films/001.png", analysis="isbi"):
    film = film if isinstance(film, ReviewedFilm) else ReviewedFilm.of(film, SET)
    return ReportedFilm(name, path, film, film.analysis(load_analyses(analysis)), None)


def films():
    return [
        reported(prediction(doubtful=("Po", "Go"))),
        reported(prediction("unfit"), path=None, name="=2+3.png"),
        reported(reviewed(S="missing", N="edited")),
    ]


def cells(summary, row):
    return dict(zip(summary.headings, summary.rows[row], strict=True))


def test_a_row_a_film(tmp_path):
    summary = summary_of(films(), tmp_path)
    first, unfit, done = (cells(summary, row) for row in range(3))
    assert first["verdict"] == "fit"
    assert (first["points"], first["doubtful points"], first["complete"]) == (19, 2, "no")
    assert (first["reviewed by"], done["reviewed by"], done["complete"]) == (None, "anna", "yes")
    assert (done["points"], done["ANB °"]) == (18, None)
    assert 0 < first["ANB ±"] < 5
    assert first["FHI"] == pytest.approx(0.6, abs=0.2)
    assert unfit["ANB class"] == "not decided: film unfit"
    assert (unfit["film"], unfit["ANB ±"]) == ("=2+3.png", None)


def test_several_analyses_have_their_names_before_the_codes(tmp_path):
    summary = summary_of([reported(prediction(), analysis="isbi,downs")], tmp_path)
    assert {"isbi FMA °", "downs FMA °"} <= set(summary.headings)


def test_csv_is_read_back_and_holds_no_formula(tmp_path):
    write_summary(films(), tmp_path / "all.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "all.csv").read_text("utf-8"))))
    assert len(rows) == 3
    assert rows[1]["film"] == "./=2+3.png"
    assert float(rows[0]["ANB °"]) == cells(summary_of(films(), tmp_path), 0)["ANB °"]
    assert rows[2]["ANB °"] == ""


def test_workbook_has_numbers_and_no_formula(tmp_path):
    openpyxl = pytest.importorskip("openpyxl", reason="XLSX is written with openpyxl")
    write_summary(films(), tmp_path / "all.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "all.xlsx").active
    heads = [cell.value for cell in sheet[1]]
    assert heads == list(summary_of(films(), tmp_path).headings)
    assert (sheet.cell(3, 1).value, sheet.cell(3, 1).data_type) == ("=2+3.png", "s")
    assert sheet.cell(2, heads.index("doubtful points") + 1).value == 2
    assert isinstance(sheet.cell(2, heads.index("ANB °") + 1).value, float)


def test_page(tmp_path):
    write_summary(films(), tmp_path / "all.html")
    page = (tmp_path / "all.html").read_text("utf-8")
    assert "<p>3 films. " in page
    assert '<td class="unfit">unfit</td>' in page


def test_names_that_tell_no_kind_and_missing_packages(tmp_path, monkeypatch):
    check_summary(None)
    check_summary(tmp_path / "a.csv")
    with pytest.raises(InputError, match=r"no kind of summary .*\.csv, \.xlsx, \.html"):
        check_summary(tmp_path / "a.txt")
    monkeypatch.setattr(batch, "find_spec", lambda _: None)
    with pytest.raises(InputError, match="an XLSX file needs openpyxl"):
        check_summary(tmp_path / "a.xlsx")

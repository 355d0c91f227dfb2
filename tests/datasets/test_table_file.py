"""Spreadsheets with several sheets, and what only is called one; what parts a text's cells."""

from __future__ import annotations

import pytest

from cephsure.datasets import open_dataset
from cephsure.datasets.table_file import delimiter_of
from cephsure.errors import InputError
from label_files import write_film

openpyxl = pytest.importorskip("openpyxl")

HEAD = ["film", "S_x", "S_y"]


def _book(path, sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)


@pytest.mark.parametrize(
    "sheets",
    [
        {"notes": [["Study of 2024"]], "points": [HEAD, ["a.png", 10, 20]], "old": [HEAD, ["a.png", 1, 2]]},
        {"empty": [], "points": [["Study"], [], HEAD, ["a.png", 10, 20]], "notes": [["x"]]},
    ],
)
def test_the_first_sheet_of_points_is_read_and_others_are_named(tmp_path, three, sheets):
    write_film(tmp_path / "a.png")
    _book(tmp_path / "t.xlsx", sheets)
    dataset = open_dataset(tmp_path / "t.xlsx", landmark_set=three)
    assert dataset.films[0].annotations["t"][0].tolist() == [10, 20]
    (line,) = [problem for problem in dataset.problems if "sheet" in problem]
    assert line.startswith("t.xlsx: sheet 'points' is read, others are not: ")
    assert line.endswith("notes, old" if "old" in sheets else ": notes")


def test_sheets_without_points_are_refused(tmp_path, three):
    _book(tmp_path / "t.xlsx", {"notes": [["Study of 2024"]], "empty": []})
    with pytest.raises(InputError, match="the header names no known columns"):
        open_dataset(tmp_path / "t.xlsx", landmark_set=three)


def test_lock_files_are_passed_over_and_other_spreadsheets_are_named(tmp_path, three):
    write_film(tmp_path / "a.png")
    _book(tmp_path / "t.xlsx", {"points": [HEAD, ["a.png", 10, 20]]})
    lock = tmp_path / "~$t.xlsx"
    lock.write_bytes(b"\x05me" + b" " * 160)
    assert not any("~$" in line for line in open_dataset(tmp_path, landmark_set=three).problems)
    with pytest.raises(InputError, match="is what a spreadsheet program leaves beside an open file"):
        open_dataset(lock, landmark_set=three)
    (tmp_path / "t.xlsx").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    with pytest.raises(InputError, match="is an encrypted spreadsheet, or one of Excel 97"):
        open_dataset(tmp_path / "t.xlsx", landmark_set=three)


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("Study\n\nimage;x;y\n", ";"),
        ("sep=;\nimage;x\n", ";"),
        ("image\tx\n", "\t"),
        ("", ","),
        ("image", ","),
    ],
)
def test_the_first_line_that_has_a_delimiter_tells(text, delimiter):
    assert delimiter_of(text) == delimiter

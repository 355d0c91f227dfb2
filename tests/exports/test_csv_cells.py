from __future__ import annotations

import pytest

from cephsure.exports import csv_cells


@pytest.mark.parametrize(
    "first", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"]
)
def test_what_looks_like_a_formula_is_disarmed(first):
    assert csv_cells.word(f"{first}1") == f"'{first}1"
    assert csv_cells.path(f"{first}1.png") == f"./{first}1.png"


@pytest.mark.parametrize("text", ["expected 0.75 <= 1.08 mm", "a-b", "Pog'", "../001.png", " =1"])
def test_other_words_stay_as_they_are(text):
    assert (csv_cells.word(text), csv_cells.path(text)) == (text, text)


def test_numbers_are_numbers_and_nothing_is_empty():
    assert csv_cells.number(-1.23456789) == "-1.23457"
    assert csv_cells.number(2, form=".4f") == "2.0000"
    assert (csv_cells.number(None), csv_cells.word(None)) == ("", "")

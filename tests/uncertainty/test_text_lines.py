from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cephsure.uncertainty.text_lines import (
    Arrangement,
    Column,
    listed,
    printable,
    sentence,
    side_by_side,
    table,
    width_of,
    wrapped,
)

CODES = Column("code", ("S", "Pog'"))
NAMES = Column("name", ("Sella", "Soft tissue pogonion"), words=True)
FIGURES = Column("x px", ("5.0", "1234567.8"), right=True)


def texts(lines):
    return [line.text for line in lines]


@given(st.lists(st.text("ab", min_size=1, max_size=12), max_size=20), st.integers(1, 30))
def test_wrapping_keeps_every_word_whole_and_in_order(words, width):
    lines = wrapped(words, width)
    assert " ".join(lines).split() == words
    assert all(len(line) <= width or " " not in line for line in lines)


def test_a_sentence_is_indented_after_its_first_line():
    lines = sentence("verdict: review: image noisy", 16, "review")
    assert texts(lines) == ["verdict: review:", "  image noisy"]
    assert {line.style for line in lines} == {"review"}


def test_names_in_a_list_are_not_broken_at_their_blanks():
    assert texts(listed("blurred", ["my film.png", "b.png"], 14)) == ["blurred:", "  my film.png,", "  b.png"]


def test_columns_stand_under_their_headings():
    lines = Arrangement(((CODES, NAMES, FIGURES),)).lines(80, ["", "fit"])
    assert texts(lines) == [
        "code  name                       x px",
        "S     Sella                       5.0",
        "Pog'  Soft tissue pogonion  1234567.8",
    ]
    assert [line.style for line in lines] == ["heading", "", "fit"]


def test_words_are_broken_where_room_is_short_and_figures_never():
    broken = Arrangement(((CODES, NAMES, FIGURES),), most_lines=2)
    assert not Arrangement(((CODES, NAMES, FIGURES),)).fits(30)
    assert broken.fits(30)
    assert texts(broken.lines(30, ["", ""])) == [
        "code  name                x px",
        "S     Sella                5.0",
        "Pog'  Soft tissue    1234567.8",
        "      pogonion",
    ]
    assert not broken.fits(24)  # three lines are one too many


def test_the_first_way_that_fits_is_taken_and_else_the_last():
    wide, high = Arrangement(((CODES, NAMES, FIGURES),)), Arrangement(((CODES, NAMES), (FIGURES,)))
    assert table([wide, high], 40, ["", ""]) == wide.lines(40, ["", ""])
    for width in (30, 5):
        assert texts(table([wide, high], width, ["", ""]))[-2:] == [
            "Pog'  Soft tissue pogonion" if width == 30 else "      pogonion",
            "  1234567.8",
        ]


def test_tables_stand_one_under_the_other_where_they_do_not_fit_beside():
    wide = [Column(f"measure {k}", ("1.00", "2.00"), right=True) for k in range(3)]
    assert texts(side_by_side(CODES, wide, 40, ["", ""]))[0].split() == ["measure"] * 3
    lines = texts(side_by_side(CODES, wide, 24, ["", ""]))
    assert [line.split(" ")[0] for line in lines if line and line[0] != " "] == ["code", "S", "Pog'"] * 2
    assert lines.count("") == 1
    assert max(map(len, lines)) <= 24
    assert len(" ".join(lines).split()) == 3 * 2 + 2 + 2 * 2 + 3 * 2  # each figure once, each code twice


@pytest.mark.parametrize(("text", "columns"), [("Sella", 5), ("蝶鞍点", 6), ("e\u0301te\u0301", 3), ("", 0)])
def test_width_is_what_a_terminal_gives_a_text(text, columns):
    assert width_of(text) == columns


def test_a_name_cannot_steer_the_terminal():
    assert printable("a\x1b[2Jb\n\udcfc.png") == "a%1B[2Jb%0A%FC.png"
    assert printable("Ostéon 蝶.png") == "Ostéon 蝶.png"

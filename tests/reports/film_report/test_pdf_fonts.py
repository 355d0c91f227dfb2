from __future__ import annotations

import pytest

pytest.importorskip("reportlab", reason="PDF is written with reportlab")

from cephsure.reports.film_report.pdf_fonts import parts, width_mm, wrapped


@pytest.mark.parametrize(
    ("text", "fonts"),
    [
        ("Müller, Jörg · Łódź · Ñandú − ≤ × °", ["report-regular"]),
        ("Ελένη Иван", ["report-regular"]),
        ("山田", ["report-han"]),
        ("やまだ", ["report-han"]),
        ("김희중", ["report-hangul"]),
        ("金 희중", ["report-han", "report-regular", "report-hangul"]),
    ],
)
def test_letters_find_their_font(text, fonts):
    said, lacking = parts(text)
    assert [part.font for part in said] == fonts
    assert "".join(part.text for part in said) == text
    assert lacking == ()


def test_accents_that_stand_apart_are_joined():
    said, lacking = parts("Mu\u0308ller")
    assert (said[0].text, lacking) == ("Müller", ())


def test_letters_that_no_font_has_are_told():
    said, lacking = parts("a\u0642b")
    assert (said[0].text, lacking) == ("a[U+0642]b", ("\u0642",))


def test_bold_is_wider():
    assert width_mm("Verdict", 10, bold=True) > width_mm("Verdict", 10) > 0


def test_lines_are_broken_at_spaces_and_long_words_anywhere():
    lines = wrapped("one two " + "x" * 60, 8, 30)
    assert lines[0] == "one two"
    assert "".join(lines[1:]) == "x" * 60
    assert all(width_mm(line, 8) <= 30 for line in lines)
    assert wrapped("", 8, 30) == [""]
    assert wrapped("ab", 8, 0.1) == ["a", "b"]

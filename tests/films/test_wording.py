from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cephsure.films.wording import printable


@given(st.text())
def test_whatever_a_file_says_becomes_one_printable_line(text: str) -> None:
    line = printable(text, longest=40)
    assert line.isprintable()
    assert len(line) <= 40


def test_long_lines_are_cut() -> None:
    assert printable("a" * 50, longest=10) == "aaaaaaa..."
    assert printable("ordinary words") == "ordinary words"

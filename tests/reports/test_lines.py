from __future__ import annotations

import pytest

from cephsure.reports.lines import wrapped
from cephsure.reports.painter import text_width


def test_wrapping_keeps_every_word_in_order():
    text = "ellipse: two standard deviations of the members' points"
    lines = wrapped(text, 12, 120.0)
    assert len(lines) > 1
    assert " ".join(lines) == text
    assert all(text_width(line, 12) <= 120 for line in lines)


@pytest.mark.parametrize("word", ["a_name_without_spaces_" * 4, "患者山田太郎" * 5, "रोगी" * 12])
def test_a_word_that_is_too_long_is_broken_and_not_cut(word):
    lines = wrapped(f"film {word}", 12, 120.0)
    assert "".join(lines) == f"film{word}"
    assert all(text_width(line, 12) <= 120 for line in lines)


def test_a_vowel_sign_stays_with_its_letter():
    lines = wrapped("रो" * 20, 12, 60.0)
    assert len(lines) > 2
    assert all(line[0] == "र" for line in lines)


def test_even_where_no_letter_fits_none_is_lost():
    assert wrapped("abc", 12, 1.0) == ["a", "b", "c"]

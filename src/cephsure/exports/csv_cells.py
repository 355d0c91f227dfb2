"""Cells of CSV tables that both programs and spreadsheets read."""

from __future__ import annotations

from cephsure.file_names import as_utf8

# What a spreadsheet takes for the beginning of a formula; the last four are the wide forms of = + - @.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def number(value: float | None, *, form: str = ".6g") -> str:
    """A number, short enough to read and exact enough to compute with; empty where there is none."""
    return "" if value is None else format(value, form)


def word(text: str | None) -> str:
    """Words, which no spreadsheet takes for a formula: an apostrophe before what looks like one.

    >>> word("film unfit"), word("=1+1"), word(None)
    ('film unfit', "'=1+1", '')
    """
    text = as_utf8(text or "")
    return f"'{text}" if text.startswith(_FORMULA) else text


def path(reference: str) -> str:
    """A path as files have it, which no spreadsheet takes for a formula and which still leads to the file.

    >>> path("films/001.png"), path("=1.png")
    ('films/001.png', './=1.png')
    """
    return f"./{reference}" if reference.startswith(_FORMULA) else reference

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from cephsure.errors import LONGEST, AnnotationError, BundleError, FilmError, InputError, one_line


@pytest.mark.parametrize("kind", [InputError, FilmError, AnnotationError, BundleError])
@pytest.mark.parametrize("about", [{}, {"where": Path("a.png"), "remedy": "give another"}])
def test_an_error_comes_whole_out_of_another_process(kind, about):
    error = kind("is no film", **about)
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert type(again) is kind
    assert (again.what, again.where, again.remedy) == (error.what, error.where, error.remedy)
    assert str(again) == str(error)


def test_an_error_is_one_line():
    assert str(InputError("is no film", where="a.png", remedy="give one")) == "a.png: is no film (give one)"
    assert str(InputError("is no film")) == "is no film"


def test_a_name_that_cannot_be_printed_is_escaped():
    error = InputError("is no film", where=Path("m\udcfcller\n\x1b[31mé.png"))
    assert str(error) == "m%FCller%0A%1B[31mé.png: is no film"
    str(error).encode()


def test_what_stands_in_a_file_cannot_write_to_the_terminal():
    error = InputError("is no\nfilm\x1b[2J \u202egnp", where="a\r\u2028b.png", remedy="give\x00 one")
    assert str(error) == "a%0D%E2%80%A8b.png: is no film[2J gnp (give one)"
    assert (error.what, error.remedy) == ("is no film[2J gnp", "give one")


def test_a_long_text_is_cut_in_its_middle():
    error = InputError(f"is {'x' * 10_000} too long", where=f"/{'d' * 5000}/film.png", remedy="r" * 10_000)
    assert len(error.what) == LONGEST
    assert error.what.startswith("is xxx")
    assert error.what.endswith("xxx too long")
    assert "/film.png: is xxx" in str(error)
    assert len(str(error)) <= 3 * LONGEST + 5


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("nothing amiss", "nothing amiss"),
        (
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        ),
        ("caf\udce9.png", "caf%E9.png"),
        ("half \ud83d", "half \ufffd"),
        ("a\tb", "a b"),
        ("x" * 400, "x" * 400),
    ],
)
def test_texts_of_any_alphabet_are_shown(text, shown):
    assert one_line(text) == shown
    one_line(text).encode()

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from cephsure.errors import AnnotationError, BundleError, FilmError, InputError


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
    assert str(error) == "m\\xfcller\\n\\x1b[31mé.png: is no film"
    str(error).encode()

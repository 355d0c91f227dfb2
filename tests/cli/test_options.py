from __future__ import annotations

from typing import get_args

import pytest

from cephsure.cli.options import Format, repeated, separated
from cephsure.datasets.open import DatasetFormat


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("all --models a b --out o", "all --models a --models b --out o"),
        ("all --models a --models b", "all --models a --models b"),
        ("all --models=a b --out o", "all --models=a --models b --out o"),
        ("all --ct x y --models a", "all --ct x --ct y --models a"),
        ("all --models --out o", "all --models --out o"),
        ("all --out o p", "all --out o p"),
        ("all --models a -q b", "all --models a -q b"),
        ("", ""),
    ],
)
def test_an_option_stands_before_each_of_its_values(typed, read):
    assert repeated(typed.split(), {"--models", "--ct"}) == read.split()


def test_values_are_divided_at_commas_but_for_names_of_files(tmp_path):
    odd = tmp_path / "a,b"
    odd.mkdir()
    assert separated(["x, y,", str(odd), "z"]) == ["x", "y", str(odd), "z"]
    assert separated([]) == []


def test_layouts_are_those_that_data_sets_are_read_in():
    # Written twice, since the commands are built without what reads data sets.
    assert get_args(Format) == get_args(DatasetFormat)

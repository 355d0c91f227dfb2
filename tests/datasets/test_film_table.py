from __future__ import annotations

import pytest

from cephsure.datasets.film_table import read_film_table
from cephsure.errors import InputError


@pytest.fixture
def table(tmp_path):
    def write(text):
        (tmp_path / "films.csv").write_text(text, encoding="utf-8-sig")
        return tmp_path / "films.csv"

    return write


def test_films_are_in_the_column_film_or_the_first(table):
    assert read_film_table(table("film,age\n001,8-12\n002, adult \n"), "age") == {
        "001": "8-12",
        "002": "adult",
    }
    assert read_film_table(table("age,film\n8-12,001\n"), "age") == {"001": "8-12"}
    assert read_film_table(table("picture,age\n001,8-12\n"), "age") == {"001": "8-12"}


def test_a_film_goes_by_its_name_with_and_without_suffix(table):
    found = read_film_table(table("film,age\nsite a/001.png,8\nv1.2,9\n"), "age")
    assert (found["site a/001.png"], found["site a/001"], found["v1.2"]) == ("8", "8", "9")


def test_films_without_a_value_and_empty_lines_are_left_out(table):
    assert read_film_table(table("film,age\n001,\n\n002\n003,7\n"), "age") == {"003": "7"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("film,age\n1,2\n", r"has no column 'device' \(its columns: film, age\)"),
        ("", r"has no column 'device' \(its columns: none\)"),
        ("film,device\n1,a\n1,b\n", "names film '1' twice"),
        ('film,device\n1,"a\n', "is not valid CSV"),
    ],
)
def test_a_bad_table_is_one_line(table, text, words):
    with pytest.raises(InputError, match=words) as caught:
        read_film_table(table(text), "device")
    assert "\n" not in str(caught.value)


def test_a_table_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_film_table(tmp_path / "none.csv", "device")

from __future__ import annotations

from pathlib import Path

import pytest

from cephsure.cli.options import find_films, repeated, separated
from cephsure.workflows.predict import OVERLAY_SUFFIX


@pytest.fixture
def folder(tmp_path, write_film):
    for name in ("b.png", "a.PNG", "1.2.840.99", ".hidden.png", f"a{OVERLAY_SUFFIX}"):
        write_film(name)
    (tmp_path / "notes.txt").write_text("not a film")
    (tmp_path / "text.png").write_text("not a film either, but it says it is")
    write_film("deep.png", tmp_path / "inner")
    return tmp_path


def names(films):
    return [film.name for film in films]


def test_a_folder_stands_for_the_films_directly_in_it(folder):
    films, problems = find_films([str(folder)])
    assert names(films) == ["1.2.840.99", "a.PNG", "b.png", "text.png"]
    assert problems == []


def test_what_a_folder_has_besides_films_is_said_in_a_line(tmp_path, write_film, capsys):
    for name in ("a.png", "b.png", ".hidden.txt", f"a{OVERLAY_SUFFIX}"):
        write_film(name)
    for name in ("notes.txt", "report.pdf", "x.csv", "y.csv", "a.json", "b.analysis.csv"):
        (tmp_path / name).write_text("no film")
    (tmp_path / "old").mkdir()
    find_films([str(tmp_path)])
    assert capsys.readouterr().err == (
        f"passed over in {tmp_path}: 3 files that cephsure wrote (a.json, a.overlay.png, b.analysis.csv), "
        "4 files that are no films (notes.txt, report.pdf, x.csv, ...), 1 folder (old)\n"
    )
    find_films([str(write_film("only.png", tmp_path / "films").parent)])
    assert capsys.readouterr().err == ""


def test_a_dicom_file_without_suffix_is_found_in_a_folder(tmp_path):
    (tmp_path / "IM0001").write_bytes(bytes(128) + b"DICM" + bytes(50))
    films, _ = find_films([str(tmp_path)])
    assert names(films) == ["IM0001"]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.png", ["b.png", "text.png"]),
        ("?.png", ["b.png"]),
        ("**/deep.png", ["deep.png"]),
        ("i*r", ["deep.png"]),
    ],
)
def test_a_quoted_pattern_is_expanded(folder, pattern, found):
    films, problems = find_films([str(folder / pattern)])
    assert set(found) <= set(names(films))
    assert names(films) == sorted(names(films))
    assert problems == []


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(tmp_path, write_film):
    film = write_film("scan[1].png")
    write_film("scan1.png")
    assert find_films([str(film)]) == ([film], [])


def test_a_file_named_outright_is_left_to_the_reader(tmp_path):
    missing = tmp_path / "missing.png"
    assert find_films([str(missing)]) == ([missing], [])


def test_each_film_comes_once_in_the_order_given(folder):
    films, _ = find_films([str(folder / "b.png"), str(folder / "?.png"), str(folder / "a.PNG")])
    assert names(films) == ["b.png", "a.PNG"]


def test_what_stands_for_no_film_is_one_problem_each(tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    films, problems = find_films([str(empty), str(tmp_path / "*.dcm")])
    assert films == []
    assert [Path(problem.where).name for problem in problems] == ["empty", "*.dcm"]
    assert "folders inside it are not searched" in str(problems[0])


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

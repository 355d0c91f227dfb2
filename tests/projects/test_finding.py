from __future__ import annotations

import os

import pytest

from cephsure.errors import InputError
from cephsure.projects import Project
from cephsure.projects.finding import find_films
from made_projects import SET, film_files


@pytest.fixture
def films(tmp_path):
    with Project.create(tmp_path / "project", SET) as project:
        project.add_films(film_files(tmp_path / "films", 3))
        return project.films()


def find(films, tmp_path, images=None):
    return find_films(films, tmp_path / "project" / "project.sqlite", images=images)


def test_films_that_were_not_moved_are_where_they_were(films, tmp_path):
    assert find(films, tmp_path) == {film.film_id: film.path for film in films}


def test_a_renamed_film_is_found_by_its_content(films, tmp_path):
    renamed = films[1].path.rename(films[1].path.with_name("other name.png"))
    assert find(films, tmp_path)[2] == renamed


def test_films_beside_the_project_are_found(films, tmp_path):
    inside, beside = tmp_path / "project" / "a.png", tmp_path / "b.png"
    films[0].path.rename(inside)
    films[1].path.rename(beside)
    assert find(films, tmp_path) == {1: inside, 2: beside, 3: films[2].path}


def test_films_anywhere_below_a_named_folder_are_found(films, tmp_path):
    deep = tmp_path / "archive" / "2026" / "x.png"
    deep.parent.mkdir(parents=True)
    films[2].path.rename(deep)
    (deep.parent / "dangling.png").symlink_to("nowhere")
    assert 3 not in find(films, tmp_path)
    assert find(films, tmp_path, tmp_path / "archive")[3] == deep
    with pytest.raises(InputError, match=r"no such folder of films .*--images"):
        find(films, tmp_path, tmp_path / "absent")


def test_another_file_in_a_films_place_is_not_the_film(films, tmp_path):
    size = films[0].size_bytes
    films[0].path.write_bytes(b"x" * size)
    (films[0].path.parent / "also.png").write_bytes(b"y" * size)
    films[1].path.write_bytes(b"longer than it was")
    assert set(find(films, tmp_path)) == {3}


def test_a_film_that_was_only_touched_is_still_it(films, tmp_path):
    os.utime(films[0].path, (1, 1))
    assert find(films, tmp_path)[1] == films[0].path


def test_a_folder_that_is_gone_is_no_failure(films, tmp_path):
    for film in films:
        film.path.unlink()
    films[0].path.parent.rmdir()
    assert find(films, tmp_path) == {}


def test_an_imported_project_has_names_only_which_are_sought_beside_it(films, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "films")  # where a file of that name lies
    with Project.open(tmp_path / "project") as project, project._database.write() as connection:
        connection.execute("UPDATE films SET path = name")
    with Project.open(tmp_path / "project") as project:
        assert find(project.films(), tmp_path) == {}
        assert len(find(project.films(), tmp_path, tmp_path / "films")) == 3

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from cephsure.projects import PointEdit, Project
from made_projects import fresh, small_project


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with small_project(tmp_path) as made:
        made.record(1, [PointEdit(1, "edit", 5, 6)], who="anna", request_id=fresh())
    return made.path


def test_check_says_that_a_project_is_whole(cephsure, project):
    outcome = cephsure("project", "check", "project")
    assert (outcome.status, outcome.out) == (0, "project: whole · 2 films, 1 edit\n")


def test_check_names_what_is_wrong(cephsure, project):
    with closing(sqlite3.connect(project)) as other:
        other.executescript("UPDATE points SET x_px = 1")
    outcome = cephsure("project", "check", project)
    assert outcome.status == 1
    assert outcome.out == f"{project}: film 1, point 1: is not as the events left it\n"


@pytest.mark.parametrize("command", [("check",), ("backup",), ("export", "to.zip")])
def test_what_is_no_project_is_one_line(cephsure, project, command, tmp_path):
    outcome = cephsure("project", command[0], "absent", *command[1:])
    assert outcome.status == 2
    assert outcome.lines == ["error: absent: there is no such project (give a project's folder, or its file)"]
    assert not (tmp_path / "to.zip").exists()


def test_backup_lies_beside_the_project_by_its_date(cephsure, project):
    outcome = cephsure("project", "backup", "project")
    (copy,) = project.parent.glob("project-2*.sqlite")
    assert outcome.out == f"project/{copy.name}: a copy of project\n"
    with Project.open(copy) as copied:
        assert copied.last_event() == 1


def test_backup_goes_where_it_is_wanted_but_over_nothing(cephsure, project):
    assert cephsure("project", "backup", "project", "copy.sqlite").status == 0
    outcome = cephsure("project", "backup", "project", "copy.sqlite")
    assert outcome.status == 2
    assert outcome.lines == ["error: copy.sqlite: is there already (name another file)"]


def test_export_and_import(cephsure, project, tmp_path):
    assert cephsure("project", "export", "project", "a.zip").out == "a.zip: 2 films, 2 predictions, 1 edit\n"
    assert cephsure("project", "import", "a.zip", "new").out == "new: 2 films, 2 predictions, 1 edit\n"
    assert cephsure("project", "check", "new").status == 0
    outcome = cephsure("project", "import", "films/film1.png", "third")
    assert outcome.status == 2
    assert "film1.png: is no exported project, or damaged" in outcome.err

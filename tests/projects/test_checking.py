from __future__ import annotations

import re
import sqlite3
from contextlib import closing

import pytest

from cephsure.projects import PointEdit, Ruler
from cephsure.projects.checking import check
from made_projects import fresh, small_project


@pytest.fixture
def project(tmp_path):
    with small_project(tmp_path) as made:
        made.record(1, [PointEdit(1, "edit", 5, 6), PointEdit(2, "accept")], who="anna", request_id=fresh())
        made.record_scale(1, Ruler((0, 0), (300, 400), 50), who="anna", request_id=fresh())
        yield made


def test_a_whole_project_has_no_problem(project):
    assert check(project.path.parent) == check(project.path) == []


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        (
            "DROP TRIGGER events_never_go; DELETE FROM points; DELETE FROM events WHERE event_id = 2",
            "events: 3 were stored, 2 are there",
        ),
        ("DROP TRIGGER events_never_go", "trigger events_never_go is missing"),
        ("CREATE TABLE extra (a)", "table extra is not ours"),
        (
            "DROP INDEX events_of_film; CREATE INDEX events_of_film ON events (who)",
            "events_of_film was changed",
        ),
        ("UPDATE points SET x_px = 7 WHERE landmark = 1", "film 1, point 1: is not as the events left it"),
        ("DELETE FROM points WHERE landmark = 2", "film 1, point 2: is not as"),
        ("UPDATE film_states SET scale = NULL", "film 1: its state or scale is not as"),
        ("UPDATE film_states SET event_id = 1", "film 1: its state or scale is not as"),
        ("UPDATE points SET event_id = 99 WHERE landmark = 1", "points: refers to a row of events"),
        (
            "DROP TRIGGER events_never_change; UPDATE events SET revision = 7 WHERE event_id = 2",
            "event 2 does not follow",
        ),
        (
            "DROP TRIGGER predictions_never_go; DELETE FROM points; DELETE FROM predictions",
            "predictions: 2 were stored, 0 are there",
        ),
    ],
)
def test_what_is_wrong_is_named(project, script, problem):
    with closing(sqlite3.connect(project.path)) as other:
        other.executescript(script)
    found = check(project.path)
    assert any(re.search(problem, line) for line in found), found


def test_many_problems_are_cut_short(project):
    for film_id in (1, 2):
        for landmark in range(3, 20):
            edit = [PointEdit(landmark, "accept")]
            project.record(film_id, edit, who="anna", request_id=fresh())
    with closing(sqlite3.connect(project.path)) as other:
        other.executescript("UPDATE points SET y_px = 1")
    found = check(project.path)
    assert (len(found), found[-1]) == (21, "and 16 more of the like")


def test_damage_below_the_tables_is_found(project):
    project.close()
    with closing(sqlite3.connect(project.path)) as other:
        page = other.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'events_of_film'").fetchone()[0]
        size = other.execute("PRAGMA page_size").fetchone()[0]
    content = bytearray(project.path.read_bytes())
    content[(page - 1) * size + 8 : (page - 1) * size + 64] = b"\xff" * 56
    project.path.write_bytes(content)
    assert check(project.path) != []


def test_rows_that_refer_to_nothing_are_cut_short_too(project):
    with closing(sqlite3.connect(project.path)) as other:
        other.executescript(
            "WITH RECURSIVE n(i) AS (VALUES (3) UNION SELECT i + 1 FROM n WHERE i < 50)"
            " INSERT INTO points SELECT 77, i, 'edited', 1, 1, 'a', NULL, 1, 1 FROM n"
        )
    assert len(check(project.path)) == 20

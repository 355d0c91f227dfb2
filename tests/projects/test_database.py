from __future__ import annotations

import os
import pickle
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from cephsure.errors import InputError
from cephsure.projects import Conflict, PointEdit, Project, database, is_project, migrations, rows
from cephsure.projects.checking import check
from made_projects import SET, document, fresh, small_project


@pytest.fixture
def project(tmp_path):
    with small_project(tmp_path) as made:
        made.record(1, [PointEdit(3, "edit", 5, 6)], who="anna", request_id="r")
        yield made


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET who = 'bob'",
        "DELETE FROM events",
        "INSERT OR REPLACE INTO events SELECT * FROM events",
        f"REPLACE INTO events SELECT 9, {rows.EVENT_COLUMNS.partition(', ')[2]} FROM events",  # noqa: S608
        "UPDATE requests SET content = '{}'",
        "DELETE FROM requests",
        "REPLACE INTO requests VALUES ('r', '{}')",
        "UPDATE predictions SET doubt = 0",
        "DELETE FROM predictions",
        "REPLACE INTO predictions SELECT * FROM predictions",
    ],
)
def test_what_was_stored_is_never_changed_even_by_another_program(project, statement):
    with (
        closing(sqlite3.connect(project.path)) as other,  # without our settings of the connection
        pytest.raises(sqlite3.IntegrityError, match=r"are never (changed|deleted|replaced)"),
    ):
        other.execute(statement)


@pytest.mark.parametrize(
    ("statement", "complaint"),
    [
        ("INSERT INTO points VALUES (9, 1, 'edited', 1, 1, 'a', NULL, 1, 1)", "FOREIGN KEY"),
        ("INSERT INTO points VALUES (1, 1, 'lost', 1, 1, 'a', NULL, 1, 1)", "CHECK"),
        ("INSERT INTO points VALUES (1, 1, 'edited', 'left', 1, 'a', NULL, 1, 1)", "cannot store TEXT"),
        ("UPDATE film_states SET scale = 'no json'", None),
        ("DELETE FROM films", "FOREIGN KEY"),
    ],
)
def test_tables_are_strict(project, statement, complaint):
    with project._database._turn:
        if complaint is None:
            project._database._connection.execute(statement)
        else:
            with pytest.raises(sqlite3.IntegrityError, match=complaint):
                project._database._connection.execute(statement)


def test_the_file_is_kept_as_safely_as_sqlite_can(project):
    def setting(name):
        return project._database._connection.execute(f"PRAGMA {name}").fetchone()[0]

    assert (setting("journal_mode"), setting("synchronous"), setting("foreign_keys")) == ("delete", 2, 1)


def test_a_newer_project_is_refused_and_left_as_it_is(project):
    path = project.path
    with closing(sqlite3.connect(path)) as other:
        other.execute(f"PRAGMA user_version = {migrations.VERSION + 1}")
    before = path.read_bytes()
    project.close()
    for work in (Project.open, check):
        with pytest.raises(InputError, match=r"is a project of a newer cephsure .*left as it is"):
            work(path.parent)
    assert is_project(path.parent)
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


@pytest.fixture
def newer(monkeypatch):
    """A cephsure that comes after this one: its films have a patient, its points another rule."""
    monkeypatch.setattr(migrations, "VERSION", 3)
    steps = {
        1: "ALTER TABLE films ADD COLUMN patient TEXT; CREATE TRIGGER t BEFORE DELETE ON films"
        " BEGIN SELECT RAISE(ABORT, 'never; not even here'); END;",
        2: "CREATE TABLE patients (patient TEXT PRIMARY KEY) STRICT;",
    }
    monkeypatch.setattr(migrations, "MIGRATIONS", steps)
    return steps


def test_an_older_project_is_brought_to_the_present_and_a_copy_kept(project, newer, monkeypatch):
    events, path = project.events_since(0), project.path
    project.close()
    with Project.open(path) as opened:
        assert opened.events_since(0) == events
        assert opened._database.version() == 3
        assert opened._database._connection.execute("SELECT patient FROM films").fetchall() != []
        assert opened._database._connection.execute("PRAGMA foreign_keys").fetchone()[0] == 1
    monkeypatch.undo()
    copy = path.with_name("project-schema-1.sqlite")
    with Project.open(copy) as old:
        assert old.events_since(0) == events


def test_a_migration_that_fails_changes_nothing(project, newer):
    newer[2] = "CREATE TABLE patients (patient TEXT) STRICT; DROP TABLE no_such_table;"
    project.close()
    before = project.path.read_bytes()
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        Project.open(project.path)
    assert project.path.read_bytes() == before
    newer[2] = "PRAGMA foreign_keys = OFF; UPDATE points SET event_id = 99;"
    with pytest.raises(InputError, match="cannot be brought from schema 1 to the present"):
        Project.open(project.path)
    assert project.path.read_bytes() == before


def test_a_schema_without_a_way_to_the_present_is_refused(project, newer):
    project.close()
    del newer[1]
    with pytest.raises(InputError, match="has schema 1, which nothing can read any more"):
        Project.open(project.path)


def test_two_programs_may_bring_one_project_to_the_present(project, newer):
    old = database.Database(project.path, database.connect(project.path, "rw"))
    Project.open(project.path).close()
    old.migrate()
    assert old.version() == 3
    old.close()


def test_a_full_disk_is_one_line_and_loses_nothing(project):
    connection = project._database._connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(InputError, match=r"project.sqlite: cannot be stored: the disk is full \(make room"):
        project.store_prediction(1, document(notes="x" * 100_000))
    connection.execute("PRAGMA max_page_count = 1000000")
    project.record(1, [PointEdit(4, "accept")], who="anna", request_id=fresh())
    assert check(project.path) == []
    assert [point.landmark for point in project.film(1).points] == [3, 4]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_read_only_folder_is_one_line(project):
    project.close()
    folder = project.path.parent
    folder.chmod(0o500)
    try:
        with Project.open(folder) as opened, pytest.raises(InputError, match=r"cannot be (stored|opened)"):
            opened.record(1, [PointEdit(4, "accept")], who="anna", request_id=fresh())
        with Project.open(folder, read_only=True) as opened:
            assert opened.last_event() == 1
    finally:
        folder.chmod(0o700)


def test_a_project_opened_to_be_read_cannot_be_written(project):
    with (
        Project.open(project.path, read_only=True) as reader,
        pytest.raises(InputError, match="cannot be stored: the file or its folder is read-only"),
    ):
        reader.record(1, [PointEdit(4, "accept")], who="anna", request_id=fresh())


def test_a_locked_project_is_one_line(project):
    project._database._connection.execute("PRAGMA busy_timeout = 50")
    with closing(sqlite3.connect(project.path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(InputError, match="another program is writing in it"):
            project.record(1, [PointEdit(4, "accept")], who="anna", request_id=fresh())
        other.execute("ROLLBACK")
    project.record(1, [PointEdit(4, "accept")], who="anna", request_id=fresh())


def test_what_is_no_project_is_said(tmp_path):
    (tmp_path / "text.sqlite").write_text("no database at all, but long enough to look into" * 4)
    with closing(sqlite3.connect(tmp_path / "other.sqlite")) as other:
        other.execute("CREATE TABLE t (a)")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe.sqlite")
    for name, complaint in [
        ("text.sqlite", "is no cephsure project, or damaged"),
        ("other.sqlite", "is no cephsure project"),
        ("folder", "holds no project"),
        ("absent", "there is no such project"),
        ("pipe.sqlite", "there is no such project"),
    ]:
        with pytest.raises(InputError, match=complaint) as error:
            Project.open(tmp_path / name)
        assert "\n" not in str(error.value)
        assert not is_project(tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("folder", "other.sqlite", "pipe.sqlite", "text.sqlite")
    ]


def test_a_damaged_project_is_one_line(project):
    project.close()
    content = bytearray(project.path.read_bytes())
    content[100:] = b"\xff" * (len(content) - 100)
    project.path.write_bytes(content)
    with pytest.raises(InputError, match="is damaged"):
        Project.open(project.path)


def test_a_place_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"):
        Project.create(tmp_path / "file" / "project", SET)


def test_a_copy_that_cannot_be_written_is_said(project):
    with pytest.raises(InputError, match="cannot be"):
        project._database.copy_to(Path("/proc/copy.sqlite"))


def test_what_is_no_fault_of_the_disk_stays_ours(project):
    with (
        pytest.raises(sqlite3.OperationalError, match="no such table"),
        project._database.write() as connection,
    ):
        connection.execute("SELECT 1 FROM absent")


def test_a_conflict_comes_whole_out_of_another_process(project):
    conflict = Conflict("it changed", where="here", remedy="look", current=project.film(1).points)
    again = pickle.loads(pickle.dumps(conflict))  # noqa: S301 - our own
    assert (str(again), again.current) == (str(conflict), conflict.current)

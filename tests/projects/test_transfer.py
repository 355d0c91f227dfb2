from __future__ import annotations

import json
import zipfile

import pytest

from cephsure.errors import InputError
from cephsure.projects import PointEdit, Project, Ruler
from cephsure.projects.checking import check
from cephsure.projects.transfer import backup, export, import_
from made_projects import SET, fresh, small_project


@pytest.fixture
def project(tmp_path):
    with small_project(tmp_path) as made:
        made.record(
            1, [PointEdit(1, "edit", 5.125, 6), PointEdit(2, "accept")], who="anna", request_id=fresh()
        )
        made.record(1, [PointEdit(1, "missing", base_revision=1)], who="bob", request_id=fresh())
        made.undo(1, who="bob", request_id=fresh())
        made.record_scale(2, Ruler((0, 0), (300, 400), 50), who="anna", request_id=fresh())
        made.record_note(2, "größer", who="anna", request_id=fresh())
        made.change_settings(level=0.9)
        yield made


def test_a_backup_is_a_project_although_somebody_works_in_it(project, tmp_path):
    project._database._connection.execute("BEGIN IMMEDIATE")  # halfway through another edit
    copy = backup(project.path.parent, tmp_path / "copies" / "monday.sqlite")
    project._database._connection.execute("ROLLBACK")
    assert check(copy) == []
    with Project.open(copy) as copied:
        assert copied.events_since(0) == project.events_since(0)
        copied.record(1, [PointEdit(3, "accept")], who="anna", request_id=fresh())
    with pytest.raises(InputError, match="is there already"):
        backup(project.path, copy)


def test_what_is_exported_and_imported_is_the_same_project(project, tmp_path):
    archive, folder = tmp_path / "a.zip", tmp_path / "imported"
    counts = export(project.path, archive)
    assert counts == {"films": 2, "predictions": 2, "requests": 5, "events": 6}
    assert import_(archive, folder) == counts
    assert check(folder) == []
    with Project.open(folder) as again:
        assert (again.name, again.made_at, again.settings) == (project.name, project.made_at, {"level": 0.9})
        assert again.landmark_set == SET
        assert again.events_since(0) == project.events_since(0)
        for film_id in (1, 2):
            old, new = project.film(film_id, who="bob"), again.film(film_id, who="bob")
            assert (new.points, new.review, new.undo, new.redo) == (
                old.points,
                old.review,
                old.undo,
                old.redo,
            )
            assert (new.film.sha256, new.film.name) == (old.film.sha256, old.film.name)
            assert (
                json.loads(new.prediction.document)["landmarks"]
                == (json.loads(old.prediction.document)["landmarks"])
            )
        # Requests are known there too.
        assert again.undo(1, who="bob", request_id=project.history(1)[-1].request_id).events


def test_no_folders_name_leaves_the_machine(project, tmp_path):
    export(project.path, tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as content:
        text = "".join(content.read(name).decode() for name in content.namelist())
    assert str(tmp_path) not in text
    assert "some/film.png" not in text
    assert "größer" in text


def test_a_project_is_not_imported_over_another(project, tmp_path):
    export(project.path, tmp_path / "a.zip")
    with pytest.raises(InputError, match="is there already"):
        import_(tmp_path / "a.zip", project.path.parent)


def rewritten(archive, changes):
    """The same ZIP file with other contents, None for no such file."""
    with zipfile.ZipFile(archive) as old:
        contents = {name: old.read(name).decode() for name in old.namelist()}
    with zipfile.ZipFile(archive, "w") as new:
        for name, text in contents.items():
            changed = changes[name](text) if name in changes else text
            if changed is not None:
                new.writestr(name, changed)


@pytest.mark.parametrize(
    ("name", "change", "complaint"),
    [
        ("project.json", lambda _: None, "it lacks project.json"),
        ("project.json", lambda _: "{", "is not valid JSON"),
        ("project.json", lambda _: "[]", "is no exported project"),
        ("project.json", lambda t: t.replace("project/1", "project/9"), "is of schema cephsure.project/9"),
        ("project.json", lambda t: t.replace('"settings": {', '"settings": 1, "more": {'), "must be objects"),
        ("project.json", lambda t: t.replace('"number": 2', '"number": 7'), "expected 2"),
        ("project.json", lambda t: t.replace('"name": "a study"', '"name": ""'), "must be one line"),
        ("films.jsonl", lambda t: t.splitlines()[0], r"films|FOREIGN KEY"),
        (
            "films.jsonl",
            lambda t: t.replace('"sha256"', '"hash"'),
            "films.jsonl:1: must be an object with the keys",
        ),
        (
            "films.jsonl",
            lambda t: t.replace('"film_id": 2', '"film_id": "two"'),
            "films.jsonl:2: cannot be a row",
        ),
        (
            "films.jsonl",
            lambda t: t.replace('"film_id": 2', '"film_id": []'),
            "films.jsonl:2: cannot be a row",
        ),
        (
            "films.jsonl",
            lambda t: t.replace('"film_id": 2', f'"film_id": {2**70}'),
            "films.jsonl:2: cannot be a row",
        ),
        ("events.jsonl", lambda t: t.split("\n", 1)[1], "is damaged: event 2 does not|is damaged: event 3"),
        (
            "events.jsonl",
            lambda t: "\n".join(t.splitlines()[:4] + t.splitlines()[5:]),
            "6 events 5 are there",
        ),
        ("events.jsonl", lambda t: t.replace("missing", "misplaced"), "is damaged: "),
    ],
)
def test_a_damaged_file_is_refused_and_leaves_nothing_behind(project, tmp_path, name, change, complaint):
    archive = tmp_path / "a.zip"
    export(project.path, archive)
    rewritten(archive, {name: change})
    with pytest.raises(InputError, match=complaint) as error:
        import_(archive, tmp_path / "imported")
    assert str(archive) in str(error.value)
    assert not (tmp_path / "imported" / "project.sqlite").exists()


def test_what_is_no_zip_file_or_cut_off_is_refused(project, tmp_path):
    archive = tmp_path / "a.zip"
    archive.write_bytes(b"no zip file")
    with pytest.raises(InputError, match="is no exported project, or damaged"):
        import_(archive, tmp_path / "b")
    export(project.path, archive)
    content = bytearray(archive.read_bytes())
    content[60:160] = b"\0" * 100
    archive.write_bytes(content)
    with pytest.raises(InputError, match=r"a\.zip"):
        import_(archive, tmp_path / "b")


def test_a_line_without_end_is_refused(project, tmp_path, monkeypatch):
    export(project.path, tmp_path / "a.zip")
    monkeypatch.setattr("cephsure.projects.transfer._MOST_LINE", 100)
    with pytest.raises(InputError, match="is too large"):
        import_(tmp_path / "a.zip", tmp_path / "b")

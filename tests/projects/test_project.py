from __future__ import annotations

import hashlib
import threading

import pytest

from cephsure.errors import InputError
from cephsure.projects import Conflict, NewFilm, NoSuchFilm, PointEdit, Project, QueueFilter, Ruler
from cephsure.projects.checking import check
from made_projects import SET, document, film_files, fresh, small_project


def test_a_new_project_says_what_it_is(tmp_path):
    with Project.create(tmp_path / "a", SET, settings={"model": "default-ensemble"}) as project:
        assert (project.name, project.landmark_set, project.settings) == (
            "a",
            SET,
            {"model": "default-ensemble"},
        )
        assert project.change_settings(level=0.9) == {"model": "default-ensemble", "level": 0.9}
        assert project.queue() == []
        assert project.last_event() == 0
    with Project.open(tmp_path / "a") as again, Project.open(tmp_path / "a" / "project.sqlite") as by_file:
        assert again.settings == by_file.settings == {"model": "default-ensemble", "level": 0.9}
        assert again.made_at == project.made_at


def test_a_project_is_not_made_twice_in_one_folder(tmp_path):
    Project.create(tmp_path, SET).close()
    with pytest.raises(InputError, match="is there already"):
        Project.create(tmp_path, SET)


def test_what_a_broken_off_creation_left_is_no_project_and_can_be_made_anew(tmp_path):
    (tmp_path / "project.sqlite").touch()
    with pytest.raises(InputError, match="is no cephsure project"):
        Project.open(tmp_path)
    Project.create(tmp_path, SET).close()
    Project.open(tmp_path).close()


def test_a_project_without_its_row_is_damaged(tmp_path):
    with Project.create(tmp_path, SET) as project, project._database.write() as connection:
        connection.execute("DELETE FROM project")
    with pytest.raises(InputError, match="does not say what it is"):
        Project.open(tmp_path)


def test_two_paths_of_one_content_are_one_film(tmp_path):
    one, two = film_files(tmp_path / "films", 2)
    twin = tmp_path / "twin.png"
    twin.write_bytes(one.read_bytes())
    with Project.create(tmp_path / "project", SET) as project:
        added = project.add_films([one, two, twin, tmp_path / "absent.png", NewFilm(tmp_path / "a\0b")])
        assert added.film_ids == (1, 2, 1, None, None)
        assert "absent.png: cannot be read: No such file" in added.problems[0]
        assert len(added.problems) == 2
        first = project.films()[0]
        assert (first.path, first.name) == (one, "film1.png")
        assert first.sha256 == hashlib.sha256(one.read_bytes()).hexdigest()


def test_a_moved_film_is_known_again(tmp_path):
    (film,) = film_files(tmp_path / "films", 1)
    with Project.create(tmp_path / "project", SET) as project:
        project.add_films([NewFilm(film, width_px=500, height_px=600)])
        moved = film.rename(tmp_path / "renamed.png")
        assert project.add_films([NewFilm(moved, unread="it is\nnothing")]).film_ids == (1,)
        record = project.films()[0]
        assert (record.path, record.name, record.unread) == (moved, "renamed.png", "it is%0Anothing")
        again = moved.rename(tmp_path / "again.png")
        project.set_film_path(1, again)
        assert project.film(1).film.path == again
        other = tmp_path / "other.png"
        other.write_bytes(b"something else")
        with pytest.raises(InputError, match="its content is another"):
            project.set_film_path(1, other)


def test_a_film_of_an_undecodable_name_keeps_it(tmp_path):
    film = tmp_path / "m\udcfcller\n.png"
    film.write_bytes(b"film")
    with Project.create(tmp_path / "project", SET) as project:
        project.add_films([film])
        assert project.films()[0].path == film
        assert project.queue()[0].name == "m%FCller%0A.png"


def test_the_newest_prediction_counts_and_all_are_kept(tmp_path):
    with small_project(tmp_path) as project:
        stored = project.store_prediction(1, document(verdict="unfit", error_mm=7.0), reader_sha256="cd" * 32)
        assert (stored.verdict, stored.doubt, stored.mm_per_px) == ("unfit", 7.0, (0.1, 0.1))
        assert (stored.model, stored.model_sha256, stored.reader_sha256) == ("a-model", "ab" * 32, "cd" * 32)
        assert project.film(1).prediction == stored
        assert project.store_prediction(2, document(), doubt=3.5).doubt == 3.5
        with project._database.read() as connection:
            assert connection.execute("SELECT count(*) FROM predictions").fetchone()[0] == 4
        with pytest.raises(NoSuchFilm, match="there is no film 9"):
            project.store_prediction(9, document())


def test_an_acknowledged_request_is_stored_once_whatever_comes_between(tmp_path):
    with small_project(tmp_path) as project:
        edits = [PointEdit(3, "edit", 5, 6), PointEdit(4, "accept")]
        first = project.record(1, edits, who="anna", request_id="r")
        project.record(1, [PointEdit(3, "missing", base_revision=1)], who="bob", request_id="s")
        assert project.record(1, edits, who="anna", request_id="r") == first
        assert [(p.value.state, p.value.x_px, p.revision) for p in first.points] == [
            ("edited", 5.0, 1),
            ("accepted", 40.0, 1),
        ]
        assert len(project.history(1)) == 3
        with pytest.raises(InputError, match="was used for another request"):
            project.record(1, edits[:1], who="anna", request_id="r")


def test_what_a_reload_shows_is_what_was_acknowledged(tmp_path):
    with small_project(tmp_path) as project:
        recorded = project.record(1, [PointEdit(3, "edit", 5.25, 6.5)], who="anna", request_id="r")
    with Project.open(tmp_path / "project") as again:
        assert again.film(1).points == recorded.points
        assert again.events_since(0) == recorded.events
        assert again.events_since(1) == ()
        assert again.history(2) == ()


def test_two_windows_cannot_overwrite_each_other_but_edits_of_different_points_merge(tmp_path):
    with small_project(tmp_path) as one, Project.open(tmp_path / "project") as two:
        one.record(1, [PointEdit(3, "edit", 5, 6)], who="anna", request_id=fresh())
        two.record(1, [PointEdit(4, "edit", 7, 8)], who="bob", request_id=fresh())
        with pytest.raises(Conflict, match="point 3 was changed since you saw it") as conflict:
            two.record(1, [PointEdit(5, "accept"), PointEdit(3, "edit", 9, 9)], who="bob", request_id=fresh())
        assert [(p.landmark, p.value.who, p.revision) for p in conflict.value.current] == [(3, "anna", 1)]
        # Nothing of a refused request is stored, its identifier included.
        assert [p.landmark for p in one.film(1).points] == [3, 4]
        assert one.last_event() == 2


def test_threads_take_turns(tmp_path):
    with small_project(tmp_path) as project:

        def edit(landmark):
            for revision in range(5):
                at = PointEdit(landmark, "edit", revision, revision, base_revision=revision)
                project.record(1, [at], who="anna", request_id=f"{landmark}-{revision}")

        threads = [threading.Thread(target=edit, args=(landmark,)) for landmark in range(1, 5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [p.revision for p in project.film(1).points] == [5] * 4
    assert check(tmp_path / "project") == []


def test_a_film_shows_its_state_ruler_and_notes(tmp_path):
    with small_project(tmp_path) as project:
        assert project.film(1).state == "predicted"
        project.record_scale(1, Ruler((0, 0), (300, 400), 50), who="anna", request_id=fresh())
        project.record_state(1, "reviewed", who="anna", request_id=fresh())
        project.record_note(1, "the chin is cut off", who="bob", request_id=fresh())
        view = project.film(1)
        assert (view.state, view.review.who, view.review.ruler.mm_per_px) == ("reviewed", "anna", 0.1)
        assert [event.kind for event in project.history(1)] == ["scale", "film", "note"]
        assert project.review(1) == view.review
        project.record_scale(1, None, who="bob", request_id=fresh())
        assert project.film(1).review.ruler is None


def test_annotations_are_each_persons_own_last_word(tmp_path):
    with small_project(tmp_path) as project:
        project.record(1, [PointEdit(3, "edit", 5, 6), PointEdit(4, "refer")], who="anna", request_id=fresh())
        project.record(1, [PointEdit(3, "edit", 7, 8, 1)], who="bob", request_id=fresh())
        project.record_state(2, "reviewed", who="bob", request_id=fresh())
        anna, bob, second = project.annotations()
        assert (anna.who, anna.marks_px, anna.others) == ("anna", {3: (5.0, 6.0)}, {4: "referred"})
        assert (bob.who, bob.marks_px, bob.reviewed) == ("bob", {3: (7.0, 8.0)}, False)
        assert (second.film.film_id, second.who, second.marks_px, second.reviewed) == (2, "bob", {}, True)
        assert project.annotations("anna") == (anna,)


def test_the_queue_takes_a_filter(tmp_path):
    with small_project(tmp_path) as project:
        assert [row.film_id for row in project.queue(QueueFilter(text="FILM2"))] == [2]

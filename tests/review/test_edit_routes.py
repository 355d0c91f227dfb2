from __future__ import annotations

import sqlite3

import pytest

from cephsure.errors import InputError
from cephsure.projects import Project


def row_of(answer, number):
    return next(row for row in answer["points"] if row["number"] == number)


def test_edit_is_stored_and_shown_again(client, film_a):
    answer = client.edit(film_a, {"number": 3, "action": "edit", "x_px": 100.25, "y_px": 200.5})
    assert answer.status_code == 200
    said = answer.json()
    assert len(said["event_ids"]) == 1
    assert (said["can_undo"], said["can_redo"], said["state"]) == (True, False, "predicted")
    row = row_of(said, 3)
    assert {key: row[key] for key in ("state", "x_px", "y_px", "revision", "who")} == {
        "state": "edited",
        "x_px": 100.25,
        "y_px": 200.5,
        "revision": 1,
        "who": "anna",
    }
    assert row["at"].startswith("20")
    shown = client.get(f"/v1/films/{film_a}").json()
    assert shown["points"] == said["points"]
    counts = {film["film_id"]: film["points"] for film in client.get("/v1/films").json()["films"]}
    assert counts[film_a]["edited"] == 1


def test_what_was_acknowledged_is_in_the_file(client, film_a, project):
    client.edit(film_a, {"number": 3, "action": "edit", "x_px": 100.25, "y_px": 200.5})
    with Project.open(project.path, read_only=True) as other:
        (point,) = other.film(film_a).points
    assert (point.value.x_px, point.value.who) == (100.25, "anna")


def test_accepted_point_stands_where_it_was_predicted(client, film_a):
    mark = client.get(f"/v1/films/{film_a}").json()["prediction"]["landmarks"][1]
    row = row_of(client.edit(film_a, {"number": 2, "action": "accept"}).json(), 2)
    assert (row["state"], row["x_px"], row["y_px"]) == ("accepted", mark["x_px"], mark["y_px"])


@pytest.mark.parametrize(
    ("action", "state"), [("missing", "missing"), ("refer", "referred"), ("reset", "predicted")]
)
def test_other_actions(client, film_a, action, state):
    assert row_of(client.edit(film_a, {"number": 2, "action": action}).json(), 2)["state"] == state


def test_same_request_is_answered_alike_and_stored_once(client, film_a, project):
    edit = {"number": 3, "action": "edit", "x_px": 100, "y_px": 200}
    first = client.edit(film_a, edit, request_id="the-same-one")
    again = client.edit(film_a, edit, request_id="the-same-one")
    assert again.status_code == 200
    assert again.json() == first.json()
    assert project.last_event() == 1


def test_name_of_a_request_is_not_used_twice(client, film_a):
    client.edit(film_a, {"number": 3, "action": "accept"}, request_id="the-same-one")
    answer = client.edit(film_a, {"number": 4, "action": "accept"}, request_id="the-same-one")
    assert answer.status_code == 400
    assert "identifier" in answer.json()["error"]


def test_two_persons_cannot_overwrite_each_other(client, other, film_a):
    client.edit(film_a, {"number": 3, "action": "edit", "x_px": 100, "y_px": 200})
    answer = other.edit(film_a, {"number": 3, "action": "edit", "x_px": 150, "y_px": 200})
    assert answer.status_code == 409
    said = answer.json()
    (row,) = said["current"]
    assert (row["x_px"], row["who"], row["revision"]) == (100, "anna", 1)
    assert said["remedy"]
    edit = {"number": 3, "action": "edit", "x_px": 150, "y_px": 200, "base_revision": 1}
    row = row_of(other.edit(film_a, edit).json(), 3)
    assert (row["x_px"], row["who"], row["revision"]) == (150, "ben", 2)


def test_edits_of_different_points_merge(client, other, film_a):
    client.edit(film_a, {"number": 3, "action": "edit", "x_px": 100, "y_px": 200})
    points = other.edit(film_a, {"number": 4, "action": "edit", "x_px": 50, "y_px": 60}).json()["points"]
    assert [(row["number"], row["who"]) for row in points] == [(3, "anna"), (4, "ben")]


def test_conflict_stores_nothing_of_its_request(client, other, film_a, project):
    client.edit(film_a, {"number": 3, "action": "accept"})
    answer = other.edit(film_a, {"number": 4, "action": "accept"}, {"number": 3, "action": "accept"})
    assert answer.status_code == 409
    assert project.last_event() == 1


@pytest.mark.parametrize(
    "edit",
    [
        {"number": 20, "action": "accept"},
        {"number": 0, "action": "accept"},
        {"number": 1, "action": "edit"},
        {"number": 1, "action": "edit", "x_px": 1.0},
        {"number": 1, "action": "edit", "x_px": -5, "y_px": 1},
        {"number": 1, "action": "edit", "x_px": 1e9, "y_px": 1},
    ],
)
def test_impossible_edits_are_refused_in_one_line(client, film_a, project, edit):
    answer = client.edit(film_a, edit)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert project.last_event() == 0


def test_undo_and_redo(client, film_a):
    before = client.get(f"/v1/films/{film_a}").json()["points"]
    assert before == []
    client.edit(film_a, {"number": 3, "action": "edit", "x_px": 100, "y_px": 200})
    undone = client.post(f"/v1/films/{film_a}/undo", json={"request_id": client.id()}).json()
    assert row_of(undone, 3)["state"] == "predicted"
    assert row_of(undone, 3)["x_px"] is None
    assert (undone["can_undo"], undone["can_redo"]) == (False, True)
    redone = client.post(f"/v1/films/{film_a}/redo", json={"request_id": client.id()}).json()
    assert (row_of(redone, 3)["state"], row_of(redone, 3)["x_px"]) == ("edited", 100)


@pytest.mark.parametrize("what", ["undo", "redo"])
def test_nothing_to_take_back(client, film_a, what):
    answer = client.post(f"/v1/films/{film_a}/{what}", json={"request_id": client.id()})
    assert answer.status_code == 400
    assert answer.json()["error"] == f"there is nothing to {what}"


def test_nobody_undoes_what_somebody_else_changed_since(client, other, film_a):
    client.edit(film_a, {"number": 3, "action": "accept"})
    other.edit(film_a, {"number": 3, "action": "missing", "base_revision": 1})
    answer = client.post(f"/v1/films/{film_a}/undo", json={"request_id": client.id()})
    assert answer.status_code == 409
    assert answer.json()["current"][0]["who"] == "ben"


def test_films_state(client, film_a):
    def say(state):
        body = {"request_id": client.id(), "state": state}
        return client.post(f"/v1/films/{film_a}/state", json=body).json()

    order = [row["film_id"] for row in client.get("/v1/films").json()["films"]]
    after = order[order.index(film_a) + 1] if film_a != order[-1] else None
    said = say("reviewed")
    assert (said["state"], said["next"]) == ("reviewed", after)
    assert client.get("/v1/films?state=reviewed").json()["films"][0]["film_id"] == film_a
    assert client.get("/v1/films?state=open").json()["counts"]["reviewed"] == 1
    assert say("referred")["state"] == "referred"
    assert say("reopened")["state"] == "predicted"


def test_ruler_gives_the_scale_and_the_film_is_predicted_with_it(
    client, film_a, project, mm_per_px, wait_until
):
    length_px = 500
    body = {
        "request_id": client.id(),
        "from": [100, 50],
        "to": [100 + length_px, 50],
        "length_mm": 1.1 * mm_per_px * length_px,
    }
    said = client.post(f"/v1/films/{film_a}/scale", json=body).json()
    assert said["scale"]["source"] == "ruler"
    assert said["scale"]["mm_per_px"] == pytest.approx([1.1 * mm_per_px] * 2)
    wait_until(lambda: len(project.predictions(film_a)) == 2)
    newest = project.film(film_a).prediction
    assert newest.mm_per_px == pytest.approx((1.1 * mm_per_px,) * 2)
    wait_until(
        lambda: client.get(f"/v1/films/{film_a}").json()["prediction"]["film"]["spacing_source"] == "user"
    )
    # Taken back, the film is predicted with its own scale again.
    client.post(f"/v1/films/{film_a}/undo", json={"request_id": client.id()})
    wait_until(lambda: len(project.predictions(film_a)) == 3)
    assert project.film(film_a).prediction.mm_per_px == pytest.approx((mm_per_px,) * 2)


def test_head_objects_to_an_impossible_scale(client, film_a, mm_per_px):
    body = {"request_id": client.id(), "from": [100, 50], "to": [600, 50], "length_mm": 2 * mm_per_px * 500}
    said = client.post(f"/v1/films/{film_a}/scale", json=body).json()
    assert "times the usual size" in said["scale"]["warning"]


@pytest.mark.parametrize(
    "ruler",
    [
        {"from": [1, 1], "to": [1, 1], "length_mm": 5},
        {"from": [1, 1], "to": [200, 1], "length_mm": 0},
        {"from": [1, 1], "to": [200, 1], "length_mm": -1},
        {"from": [1, 1], "to": [1e6, 1], "length_mm": 5},
        {"from": [1], "to": [200, 1], "length_mm": 5},
    ],
)
def test_impossible_rulers(client, film_a, project, ruler):
    answer = client.post(f"/v1/films/{film_a}/scale", json={"request_id": client.id(), **ruler})
    assert answer.status_code in {400, 422}
    assert project.last_event() == 0


def test_what_cannot_be_stored_may_be_tried_again(client, film_a, project, monkeypatch):
    def full(*_, **__):
        raise InputError("cannot be stored: the disk is full", where=project.path)

    monkeypatch.setattr(project, "record", full)
    answer = client.edit(film_a, {"number": 3, "action": "accept"})
    assert answer.status_code == 503
    assert answer.json()["error"] == "cannot be stored: the disk is full"


def test_failure_of_ours_is_said_in_one_line(client, film_a, project, monkeypatch):
    def broken(*_, **__):
        raise sqlite3.ProgrammingError("secret path")

    monkeypatch.setattr(project, "record", broken)
    answer = client.edit(film_a, {"number": 3, "action": "accept"})
    assert answer.status_code == 500
    assert answer.json()["error"] == "a failure of cephsure: ProgrammingError"


def test_others_are_told_of_an_edit(client, other, film_a):
    last = other.get("/v1/events").json()["last"]
    client.edit(film_a, {"number": 3, "action": "accept"})
    told = other.get(f"/v1/events?after={last}&wait_s=10").json()
    assert told["films"] == [film_a]
    assert told["last"] > last

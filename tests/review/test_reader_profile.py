from __future__ import annotations

import json
from dataclasses import replace

import pytest

from cephsure.review import reader_profile
from cephsure.review.child import LostError
from cephsure.review.reader_profile import reader_path


def test_card_asks_where_definitions_part(client, film_a):
    said = client.get(f"/v1/profile?film_id={film_a}").json()
    assert said["needed"]
    assert said["film_id"] == film_a
    assert said["reader"]["name"] == "definition"
    assert said["answered"] == {}
    question = said["questions"][0]
    assert question["distance_mm"] > 1
    assert {place["key"] for place in question["places"]} == {"junior", "senior"}
    film = client.get(f"/v1/films/{film_a}").json()
    for place in question["places"]:
        assert 0 <= place["x_px"] < film["width_px"]
        assert place["words"]


def test_film_is_chosen_where_none_is_named(client):
    said = client.get("/v1/profile").json()
    assert said["film_id"] is not None
    assert said["questions"]
    assert client.get("/v1/profile?film_id=99").status_code == 404


def test_a_film_that_cannot_be_read_is_passed_over(client, desk, monkeypatch):
    rows = desk.queue()
    unread = next(row for row in rows if row.state == "unread")
    others = [row for row in rows if row is not unread]
    # Before it is tried to be predicted it is in the queue as any other, and may be its first.
    monkeypatch.setattr(
        desk, "queue", lambda: [replace(row, state="waiting", verdict=None) for row in (unread, *others)]
    )
    said = client.get("/v1/profile").json()
    assert said["film_id"] == others[0].film_id
    assert said["questions"]
    monkeypatch.setattr(desk, "queue", lambda: [replace(unread, state="waiting")])
    assert client.get("/v1/profile").json()["questions"] == []


def test_answers_make_a_reader_whose_marks_are_foretold(client, film_ids, project, wait_until):
    number = client.get("/v1/profile").json()["questions"][0]["number"]
    said = client.post("/v1/profile", json={"answers": {str(number): "senior"}, "name": "Dr. Ö/../x"}).json()
    assert not said["needed"]
    assert said["answered"] == {str(number): "senior"}
    assert "profile" in said["reader"]["for_whom"]
    files = list((project.path.parent / "readers").iterdir())
    assert [file.suffix for file in files] == [".json"]
    assert json.loads(files[0].read_text())["kind"] == "profile"
    wait_until(lambda: len(project.predictions(film_ids["a.png"])) == 2)
    shown = client.get(f"/v1/films/{film_ids['a.png']}").json()
    assert shown["prediction"]["reader"]["kind"] == "profile"
    assert client.get("/v1/project").json()["profile"] == {"needed": False}


def test_card_is_put_away(client):
    assert not client.post("/v1/profile", json={"skip": True}).json()["needed"]
    assert not client.get("/v1/project").json()["profile"]["needed"]


@pytest.mark.parametrize("answers", [{}, {"1": "nobody"}, {"99": "senior"}])
def test_answers_that_mean_nothing(client, project, answers):
    answer = client.post("/v1/profile", json={"answers": answers})
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert project.settings.get("reader") is None


def test_process_that_is_lost_is_said(client, monkeypatch, inline):
    def lost(*_, **__):
        raise LostError("its process ended")

    monkeypatch.setattr(inline, "do", lost)
    answer = client.post("/v1/profile", json={"answers": {"1": "senior"}})
    assert answer.status_code == 400
    assert answer.json()["error"] == "was not done: its process ended"


def test_questions_are_found_once(client, film_a, monkeypatch):
    first = client.get(f"/v1/profile?film_id={film_a}").json()
    monkeypatch.setattr(reader_profile, "waited_for", None)
    assert client.get(f"/v1/profile?film_id={film_a}").json() == first


@pytest.mark.parametrize(
    ("name", "file"),
    [("anna", "anna.json"), ("../../x", "x.json"), ("///", "reader.json"), ("é" * 200, "é" * 80 + ".json")],
)
def test_readers_files_stay_in_the_project(tmp_path, name, file):
    assert reader_path(tmp_path, name) == tmp_path / "readers" / file

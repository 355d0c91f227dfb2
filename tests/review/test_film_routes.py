from __future__ import annotations

import json

import pytest

from cephsure.workflows.predict import PredictOptions, predict_films


def test_queue_shows_films_in_the_order_of_doubt(client, project):
    answer = client.get("/v1/films").json()
    assert [row["film_id"] for row in answer["films"]] == [row.film_id for row in project.queue()]
    by_name = {row["name"]: row for row in answer["films"]}
    assert by_name["a.png"]["state"] == "predicted"
    assert by_name["a.png"]["doubt"] > 0
    assert by_name["c.png"]["state"] == "unread"
    assert by_name["c.png"]["why"] == "the file is cut off"
    assert answer["counts"] == {
        "films": 3,
        "waiting": 0,
        "predicted": 2,
        "unread": 1,
        "reviewed": 0,
        "referred": 0,
    }


def test_sample_film_has_its_credit_line_and_other_films_none(client, film_ids):
    credit = client.get(f"/v1/films/{film_ids['a.png']}").json()["credit"]
    assert "National Library of Medicine" in credit
    assert client.get(f"/v1/films/{film_ids['b.png']}").json()["credit"] is None


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("text=A.PN", {"a.png"}),
        ("state=unread", {"c.png"}),
        ("state=open", {"a.png", "b.png", "c.png"}),
        ("state=reviewed", set()),
        ("verdict=fit", set()),
        ("reason=CUT", {"c.png"}),
        ("reason=nothing+of+the+kind", set()),
    ],
)
def test_queue_is_filtered(client, query, names):
    rows = client.get(f"/v1/films?{query}").json()["films"]
    assert {row["name"] for row in rows} == names


@pytest.mark.parametrize("query", ["verdict=good", "state=x"])
def test_unknown_filters_are_said(client, query):
    answer = client.get(f"/v1/films?{query}")
    assert answer.status_code == 422
    assert query.partition("=")[0] in answer.json()["error"]


def test_film_shows_what_predict_gives(client, film_a, film_folder, mm_per_px, model):
    shown = client.get(f"/v1/films/{film_a}").json()
    options = PredictOptions(mm_per_px=mm_per_px)
    (found,) = predict_films([film_folder / "a.png"], model, options=options).results
    document = json.loads(found.model_dump_json())
    assert shown["prediction"]["landmarks"] == document["landmarks"]
    assert shown["prediction"]["film"] == document["film"]
    assert (shown["verdict"], shown["why"]) == (found.verdict, found.why)
    for mark in document["landmarks"]:
        assert shown["regions"]["0.9"][str(mark["number"])] == mark["region"]


def test_regions_grow_with_their_level(client, film_a):
    regions = client.get(f"/v1/films/{film_a}").json()["regions"]
    assert list(regions) == ["0.5", "0.8", "0.9", "0.95"]
    for number in regions["0.9"]:
        areas = [regions[level][number]["area_mm2"] for level in regions]
        assert areas == sorted(areas)


def test_film_that_cannot_be_read(client, film_ids):
    shown = client.get(f"/v1/films/{film_ids['c.png']}").json()
    assert shown["state"] == "unread"
    assert shown["prediction"] is None
    assert shown["regions"] == {}
    assert shown["scale"]["mm_per_px"] is None


def test_neighbours_are_those_of_the_queue(client):
    order = [row["film_id"] for row in client.get("/v1/films").json()["films"]]
    shown = [client.get(f"/v1/films/{film_id}").json() for film_id in order]
    assert [film["previous"] for film in shown] == [None, *order[:-1]]
    assert [film["next"] for film in shown] == [*order[1:], None]


@pytest.mark.parametrize("path", ["", "/pixels", "/thumbnail", "/history", "/heatmap/1"])
def test_there_is_no_such_film(client, path):
    assert client.get(f"/v1/films/99{path}").status_code == 404
    assert client.get(f"/v1/films/x{path}").status_code == 422


@pytest.mark.parametrize(
    "path", ["/v1/films/1/../../etc/passwd", "/v1/films/..%2f..%2fetc", "/v1/films/1/pixels/x"]
)
def test_paths_lead_nowhere(client, path):
    assert client.get(path).status_code in {404, 405, 422}


def test_history_tells_every_event(client, film_a):
    client.edit(film_a, {"number": 1, "action": "accept"})
    client.post(f"/v1/films/{film_a}/undo", json={"request_id": client.id()})
    events = client.get(f"/v1/films/{film_a}/history").json()["events"]
    assert [(event["kind"], event["action"], event["who"]) for event in events] == [
        ("point", "accept", "anna"),
        ("undo", "accept", "anna"),
    ]
    assert events[1]["undoes"] == events[0]["event_id"]
    assert events[0]["after"]["state"] == "accepted"

from __future__ import annotations

import threading
import time

import pytest

from cephsure import __version__


def test_project_says_what_it_is(client, facts):
    said = client.get("/v1/project").json()
    assert said["name"] == "project"
    assert said["model"] == {"name": "default-baseline", "kind": "baseline"}
    assert said["reader"] == {"name": "definition", "for_whom": "a reader not met before"}
    assert (said["who"], said["version"], said["analysis"], said["level"]) == (
        "anna",
        __version__,
        "isbi",
        0.9,
    )
    assert [mark["code"] for mark in said["landmarks"]] == list(facts.bundle.landmark_set.codes)
    assert said["landmarks"][0]["definition"]
    assert "steiner" in [analysis["name"] for analysis in said["analyses"]]
    assert said["counts"]["films"] == 3
    assert "not a medical device" in said["notice"].lower()
    assert said["profile"] == {"needed": True}
    assert said["trouble"] is None


def test_each_persons_name_is_shown(other):
    assert other.get("/v1/project").json()["who"] == "ben"


def test_reader_that_cannot_be_used_is_said(client, project):
    project.change_settings(reader="nobody")
    said = client.get("/v1/project").json()["reader"]
    assert said["name"] == "nobody"
    assert "no reader" in said["for_whom"]


def test_events_answer_at_once_where_something_is_new(client):
    said = client.get("/v1/events?after=0&wait_s=20").json()
    assert said["films"] == [1, 2, 3]
    assert said["counts"]["films"] == 3
    assert said["waiting"] == 0


def test_events_wait_for_an_edit(client, other, film_a):
    last = client.get("/v1/events").json()["last"]
    timer = threading.Timer(0.3, lambda: other.edit(film_a, {"number": 1, "action": "accept"}))
    timer.start()
    started = time.monotonic()
    said = client.get(f"/v1/events?after={last}&wait_s=20").json()
    assert time.monotonic() - started < 19
    assert said["films"] == [film_a]
    timer.join()


@pytest.mark.parametrize(
    "query", ["after=-1", "after=x", "wait_s=1000", "wait_s=-1", "wait_s=nan", "wait_s=inf"]
)
def test_nonsense_is_not_waited_for(client, query):
    assert client.get(f"/v1/events?{query}").status_code == 422

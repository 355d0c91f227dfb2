"""The loop through the page's interface; what a site calibration itself gives is tested with its workflow."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import ClassVar

import pytest

from cephsure.errors import InputError
from cephsure.review.jobs import CalibrateSite

GAIN = {"mre_mm": 1.5, "coverage": 0.9, "area_mm2": 20.0, "accepted": 0.5}


@pytest.fixture
def calibrated(monkeypatch, facts):
    """What a calibration gives; a test can make it fail or wait."""

    class Script:
        error: Exception | None = None
        go_on = threading.Event()
        jobs: ClassVar[list] = []

    def run(self, desk, tell):
        Script.jobs.append(self)
        tell("films", 1, 2)
        assert Script.go_on.wait(30)
        if Script.error is not None:
            raise Script.error
        from cephsure.uncertainty.readers.reader import write_reader

        reader = facts.reader("junior").model_copy(update={"kind": "site", "name": self.who, "films": 1})
        write_reader(reader, self.out)
        return {
            "films": 1,
            "promise": reader.for_whom,
            "about": "about",
            "withdrawn": None,
            "gains": [{"films": 0, **GAIN}, {"films": 1, **GAIN, "mre_mm": 1.0}],
            "errors": {},
        }

    monkeypatch.setattr(CalibrateSite, "run", run)
    Script.error, Script.jobs = None, []
    Script.go_on = threading.Event()
    Script.go_on.set()
    return Script


def review(client, film_id):
    body = {"request_id": client.id(), "state": "reviewed"}
    assert client.post(f"/v1/films/{film_id}/state", json=body).status_code == 200


def finished(client, wait_until):
    wait_until(lambda: client.get("/v1/loop").json()["job"]["state"] != "running")
    return client.get("/v1/loop").json()


def test_nothing_is_corrected_yet(client):
    said = client.get("/v1/loop").json()
    assert (said["corrected"], said["offer"], said["job"], said["result"], said["monitor"]) == (
        0,
        None,
        None,
        None,
        None,
    )
    assert said["offers"] == [1, 5, 10, 20]
    assert said["next"]
    for what in ("calibrate", "apply"):
        answer = client.post(f"/v1/loop/{what}", json={})
        assert answer.status_code == 400
        assert answer.json()["remedy"]


def test_first_corrected_film_is_offered_learned_and_applied(  # noqa: PLR0917
    client, other, film_ids, calibrated, project, wait_until
):
    client.edit(film_ids["a.png"], {"number": 1, "action": "accept"})
    said = client.get("/v1/loop").json()
    assert (said["corrected"], said["reviewed"], said["offer"]) == (1, 0, None)  # one point is no film
    review(client, film_ids["a.png"])
    said = client.get("/v1/loop").json()
    assert (said["reviewed"], said["offer"], said["readers"]) == (1, 1, {"anna": 1})
    assert other.get("/v1/loop").json()["corrected"] == 0
    assert client.post("/v1/loop/calibrate", json={}).status_code == 200
    said = finished(client, wait_until)
    assert said["job"]["state"] == "done"
    assert said["offer"] is None
    assert said["result"]["before"]["error_mm"] == 1.5
    assert said["result"]["after"]["error_mm"] == 1.0
    assert (project.path.parent / said["result"]["file"]).is_file()
    (job,) = calibrated.jobs
    assert (job.project, job.who) == (project.path.parent, "anna")
    said = client.post("/v1/loop/apply", json={}).json()
    assert said["applied"]["films"] == 1
    wait_until(lambda: len(project.predictions(film_ids["b.png"])) == 2)
    assert len(project.predictions(film_ids["a.png"])) == 1  # its points were marked by the first one
    assert client.get("/v1/project").json()["reader"]["name"] == "anna"
    shown = client.get(f"/v1/films/{film_ids['b.png']}").json()
    assert shown["prediction"]["reader"]["kind"] == "site"


def test_one_calibration_at_a_time(client, film_a, calibrated, wait_until):
    client.edit(film_a, {"number": 1, "action": "accept"})
    calibrated.go_on.clear()
    client.post("/v1/loop/calibrate", json={})
    wait_until(lambda: client.get("/v1/loop").json()["job"]["total"] == 2)
    again = client.post("/v1/loop/calibrate", json={})
    assert again.status_code == 400
    assert "running already" in again.json()["error"]
    calibrated.go_on.set()
    finished(client, wait_until)


def test_films_without_a_scale_teach_nothing(client, desk, film_a, monkeypatch):
    client.edit(film_a, {"number": 1, "action": "accept"})
    monkeypatch.setattr(type(desk), "film", lambda *_: SimpleNamespace(mm_per_px=None))
    answer = client.post("/v1/loop/calibrate", json={})
    assert answer.status_code == 400
    assert answer.json()["error"] == "none of the corrected films has a scale"
    assert "Ruler" in answer.json()["remedy"]


def test_failed_calibration_is_said(client, film_a, calibrated, wait_until):
    client.edit(film_a, {"number": 1, "action": "accept"})
    calibrated.error = InputError("no film has errors in mm", remedy="give the scale by --mm-per-px")
    client.post("/v1/loop/calibrate", json={})
    said = finished(client, wait_until)
    assert said["job"]["state"] == "failed"
    assert "no film has errors in mm" in said["job"]["error"]
    assert said["result"] is None


def test_monitor_follows_the_corrected_films(client, film_ids):
    film = client.get(f"/v1/films/{film_ids['a.png']}").json()
    marks = film["prediction"]["landmarks"]
    client.edit(film_ids["a.png"], *({"number": mark["number"], "action": "accept"} for mark in marks))
    far = {"number": 1, "action": "edit", "x_px": marks[0]["x_px"] + 200, "y_px": marks[0]["y_px"]}
    client.edit(film_ids["b.png"], far, {"number": 2, "action": "accept"})
    said = client.get("/v1/loop").json()["monitor"]
    rows = said["rows"]
    assert [row["name"] for row in rows] == ["a.png", "b.png"]
    assert rows[0]["share"] > 0.9
    assert rows[1]["share"] == 0.5
    assert rows[1]["running"] == pytest.approx((rows[0]["share"] + 0.5) / 2)
    assert said["level"] == 0.9
    assert not said["alarm"]
    assert "2 corrected films" in said["words"]


def test_alarm_is_said(client, film_ids, monkeypatch):
    from cephsure.review import watching
    from cephsure.uncertainty.monitor import watch

    monkeypatch.setattr(watching, "watch", lambda shares, *, level: watch([*shares] * 20, level=level)[-1:])
    client.edit(film_ids["a.png"], {"number": 1, "action": "edit", "x_px": 3, "y_px": 3})
    said = client.get("/v1/loop").json()["monitor"]
    assert said["alarm"]
    assert "does not hold" in said["words"]


def test_points_without_a_region_are_not_watched(client, film_ids):
    client.edit(film_ids["c.png"], {"number": 1, "action": "place", "x_px": 3, "y_px": 3})
    assert client.get("/v1/loop").json()["monitor"] is None

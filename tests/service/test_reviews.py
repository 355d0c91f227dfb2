"""A review project through the service: what people decided elsewhere, and exports of it."""

from __future__ import annotations

import csv
import io
import json

import pydicom
import pytest

from cephsure.errors import FilmError, InputError
from cephsure.exports.prediction_json import render
from cephsure.projects import PointEdit, Project
from cephsure.review.documents import FilmFacts, FilmHistory, FilmQueue
from cephsure.service.dicom_object import MakeDicomObject
from cephsure.service.exports import EXPORTS
from cephsure.service.reviews import Reviews
from cephsure.workflows.reviewed_films import ProjectFilm


@pytest.fixture(scope="session")
def document(desk, sample):
    return render(desk.model.predict(sample.path, mm_per_px=sample.mm_per_px))


@pytest.fixture
def reviewer(tmp_path, desk, sample, document):
    """The project as another process has it open, with a predicted film and one that is not."""
    (tmp_path / "other.png").write_bytes(sample.path.read_bytes() + b" ")
    with Project.create(tmp_path / "project", desk.model.landmark_set) as project:
        project.add_films([sample.path, tmp_path / "other.png"])
        project.store_prediction(1, document)
        yield project


@pytest.fixture
def client(make_client, reviewer):
    return make_client(project=reviewer.path.parent)


def edit(reviewer, *edits):
    reviewer.record(1, edits, who="anna", request_id=f"request-{reviewer.last_event()}")


def test_the_queue_and_a_film_are_as_openapi_says(client, reviewer):
    edit(reviewer, PointEdit(1, "edit", 100.0, 200.0), PointEdit(2, "missing"))
    queue = FilmQueue.model_validate(client.get("/v1/films").json())
    assert queue.counts["films"] == 2
    assert {film.film_id for film in queue.films} == {1, 2}
    film = FilmFacts.model_validate(client.get("/v1/films/1").json())
    assert [(point.number, point.state, point.who) for point in film.points] == [
        (1, "edited", "anna"),
        (2, "missing", "anna"),
    ]
    history = FilmHistory.model_validate(client.get("/v1/films/1/history").json())
    assert len(history.events) == 2
    FilmFacts.model_validate(client.get("/v1/films/2").json())
    described = client.get("/openapi.json").json()
    assert {"/v1/films", "/v1/films/{film_id}", "/v1/films/{film_id}/export"} <= set(described["paths"])


def test_what_another_process_stores_is_seen(client, reviewer):
    assert client.get("/v1/films/1").json()["points"] == []
    edit(reviewer, PointEdit(1, "edit", 100.0, 200.0))
    assert len(client.get("/v1/films/1").json()["points"]) == 1
    reviewer.record_state(1, "reviewed", who="anna", request_id="request-state")
    assert client.get("/v1/films").json()["counts"]["reviewed"] == 1


def test_nothing_can_be_changed(client):
    body = {"request_id": "12345678", "state": "reviewed"}
    assert client.post("/v1/films/1/state", json=body).status_code == 404
    with pytest.raises(InputError):
        client.reviews.desk.project.change_settings(analysis="downs")


def test_a_film_that_is_not_there(client):
    for path in ("/v1/films/9", "/v1/films/9/history", "/v1/films/9/export"):
        assert client.get(path).status_code == 404
    assert client.get("/v1/films/2/export").status_code == 400
    assert "known: json, csv" in client.get("/v1/films/1/export?format=none").json()["remedy"]
    assert client.get("/v1/films/1/export?format=analysis&analysis=none").status_code == 400


def test_exports_hold_what_people_decided(client, reviewer, sample):
    edit(reviewer, PointEdit(1, "edit", 100.0, 200.0), PointEdit(2, "missing"), PointEdit(3, "accept"))
    reviewer.record_state(1, "reviewed", who="anna", request_id="request-state")
    answer = client.get("/v1/films/1/export")
    assert answer.headers["content-disposition"] == 'attachment; filename="film-1.reviewed.json"'
    found = answer.json()
    assert (found["observer"], found["is_complete"]) == ("anna", True)
    assert "Research use only" in found["disclaimer"]
    first, second, third, fourth = found["points"][:4]
    assert (first["x_px"], first["origin"], first["who"]) == (100.0, "edited", "anna")
    assert first["y_mm"] == pytest.approx(200 * sample.mm_per_px)
    assert (second["x_px"], second["y_mm"], second["origin"]) == (None, None, "missing")
    assert (third["origin"], fourth["origin"]) == ("accepted", "predicted")
    rows = list(csv.DictReader(io.StringIO(client.get("/v1/films/1/export?format=csv").text)))
    assert [row["origin"] for row in rows[:4]] == ["edited", "missing", "accepted", "predicted"]
    assert rows[1]["x_px"] == ""
    measured = client.get("/v1/films/1/export?format=analysis&analysis=steiner").json()
    assert measured["schema"] == "cephsure.analysis/2"
    assert measured["film"]["path"] == sample.path.name


class Here:
    """Does jobs in this process."""

    @staticmethod
    def do(job, *, seconds):
        return job.run(None, lambda *_: None)

    @staticmethod
    def end():
        pass


@pytest.fixture
def reading_here(monkeypatch, client):
    """Reports are made in this process."""
    monkeypatch.setattr(client.reviews.desk.pictures, "_small", Here())


@pytest.mark.usefixtures("reading_here")
def test_a_structured_report(client, reviewer):
    pytest.importorskip("highdicom", reason="needs the extra 'dicom'")
    edit(reviewer, PointEdit(1, "edit", 100.0, 200.0))
    answer = client.get("/v1/films/1/export?format=dicom-sr&analysis=steiner")
    written = pydicom.dcmread(io.BytesIO(answer.content))
    assert (written.Modality, written.CompletionFlag) == ("SR", "PARTIAL")
    reviewer.record_state(1, "reviewed", who="anna", request_id="request-state")
    answer = client.get("/v1/films/1/export?format=dicom-sr")
    assert pydicom.dcmread(io.BytesIO(answer.content)).VerificationFlag == "VERIFIED"


@pytest.mark.usefixtures("reading_here")
def test_a_presentation_state_is_of_a_dicom_film(client):
    pytest.importorskip("highdicom", reason="needs the extra 'dicom'")
    answer = client.get("/v1/films/1/export?format=dicom-gsps")
    assert answer.status_code == 422
    assert answer.json()["error"].startswith("film 1: ")  # by its number: a file's name may be a patient's
    assert "DICOM" in answer.json()["error"]


@pytest.mark.usefixtures("reading_here")
@pytest.mark.parametrize("fmt", ["html", "dicom-sr"])
def test_a_film_whose_file_is_another_by_now(client, reviewer, tmp_path, document, fmt):
    reviewer.store_prediction(2, document)
    (tmp_path / "other.png").write_bytes(b"other")
    assert client.get(f"/v1/films/2/export?format={fmt}").status_code == 422
    (tmp_path / "other.png").unlink()
    assert client.get(f"/v1/films/2/export?format={fmt}").status_code == 422
    assert client.get(f"/v1/films/2/export?format={fmt}&analysis=none").status_code == 400


def test_a_file_that_is_not_found(facts):
    film = ProjectFilm(1, "a.png", "0" * 64, None, None)
    with pytest.raises(FilmError, match=r"a.png: is not found any more"):
        MakeDicomObject(film, "dicom-sr", "isbi").run(None, lambda *_: None)


@pytest.mark.usefixtures("reading_here")
@pytest.mark.parametrize("fmt", [fmt for fmt in EXPORTS if fmt != "dicom-gsps"])
def test_every_format(client, reviewer, fmt):
    if fmt == "pdf":
        pytest.importorskip("reportlab", reason="needs the extra 'report'")
    if fmt.startswith("dicom") or fmt == "fhir":
        pytest.importorskip("highdicom", reason="needs the extra 'dicom'")
    edit(reviewer, PointEdit(1, "edit", 123.5, 200.0))
    answer = client.get(f"/v1/films/1/export?format={fmt}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == EXPORTS[fmt].media_type
    if answer.headers["content-type"].endswith("json"):
        json.loads(answer.text)


def test_a_folder_without_a_project(tmp_path, facts):
    with pytest.raises(InputError):
        Reviews(tmp_path, facts)


def test_the_projects_own_model_is_taken(reviewer, facts):
    reviewer.change_settings(model="default-mc-dropout")
    reviews = Reviews(reviewer.path.parent, facts)
    assert reviews.desk.facts.bundle.name == "default-mc-dropout"
    reviews.close()
    reviewer.change_settings(model="absent")
    with pytest.raises(InputError):
        Reviews(reviewer.path.parent, facts)

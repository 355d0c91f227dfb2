"""A review without processes of its own: what they do is done here, and each film is predicted once."""

from __future__ import annotations

import itertools
import shutil
import time
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("fastapi", reason="the review page needs the extra 'review'")

from starlette.testclient import TestClient

from cephsure import films, load_model, sample_films
from cephsure.projects import Project
from cephsure.review import pictures, predictor
from cephsure.review.access import Access
from cephsure.review.app import make_app
from cephsure.review.desk import Desk
from cephsure.review.jobs import ModelDesk, PredictFilm
from cephsure.review.model_facts import ModelFacts
from cephsure.review.page_files import PageFile

MODEL = "default-baseline"
PORT = 8123
BASE = f"http://127.0.0.1:{PORT}"
PAGE = {
    "index.html": PageFile(b"<!doctype html>", "text/html; charset=utf-8", '"index"'),
    "app.css": PageFile(b"body{}", "text/css; charset=utf-8", '"css"'),
    "texts/en.json": PageFile(b"{}", "application/json", '"en"'),
}
_names = itertools.count()


@pytest.fixture(scope="session")
def model():
    return load_model(MODEL)


@pytest.fixture(scope="session")
def facts():
    return ModelFacts.of(MODEL)


@pytest.fixture(scope="session")
def film_folder(tmp_path_factory):
    """Two heads, the second one brighter and shifted, and a file that is no film."""
    folder = tmp_path_factory.mktemp("films")
    sample = sample_films.sample_film("vhm_lateral_0deg")
    shutil.copy(sample.path, folder / "a.png")
    grey = np.round(films.read(sample.path).pixels * 255)
    shifted = np.roll(np.clip(grey + 12, 0, 255), 9, axis=1).astype(np.uint8)
    Image.fromarray(shifted).save(folder / "b.png")
    (folder / "c.png").write_bytes(b"\x89PNG\r\n\x1a\n, but no more of it")
    return folder


@pytest.fixture(scope="session")
def mm_per_px():
    return sample_films.sample_film("vhm_lateral_0deg").mm_per_px


class InlineChild:
    """Does jobs in this process; predictions are kept, so that each film is seen by networks once."""

    model = None
    predicted: ClassVar[dict] = {}

    def __init__(self, make_desk, *arguments, name):
        self.done = []

    def do(self, job, *, seconds, on_progress=None):
        self.done.append(job)
        desk = ModelDesk(MODEL)
        desk.__dict__["model"] = self.model
        tell = on_progress or (lambda *_: None)
        if not isinstance(job, PredictFilm):
            return job.run(desk, tell)
        key = (job.sha256, job.mm_per_px, str(job.reader))
        if key not in self.predicted:
            self.predicted[key] = job.run(desk, tell)
        return self.predicted[key]

    def end(self):
        pass


@pytest.fixture
def inline(monkeypatch, model):
    """Jobs are done in this process; gives the class, in whose place a test can put another."""
    monkeypatch.setattr(InlineChild, "model", model)
    monkeypatch.setattr(predictor, "Child", InlineChild)
    monkeypatch.setattr(pictures, "Child", InlineChild)
    return InlineChild


@pytest.fixture
def project(tmp_path, film_folder, facts):
    """A project of three films."""
    found = Project.create(tmp_path / "project", facts.bundle.landmark_set, settings={"model": MODEL})
    found.add_films(sorted(film_folder.iterdir()))
    return found


@pytest.fixture
def desk(project, facts, inline, mm_per_px):
    """A desk whose films are all predicted."""
    made = Desk(project, facts, mm_per_px=mm_per_px)
    made.start()
    until(lambda: not any(row.state == "waiting" for row in project.queue()))
    yield made
    made.close()


@pytest.fixture
def access():
    return Access(port=PORT, who="anna")


@pytest.fixture
def app(desk, access):
    return make_app(desk, access, PAGE)


class Client(TestClient):
    """A browser that has been let in; ``id`` gives names of requests."""

    def __init__(self, app, access, who="anna"):
        super().__init__(app, base_url=BASE, follow_redirects=False, raise_server_exceptions=False)
        session = replace(access.session_of_token(access.token), who=who)
        access._sessions[session.secret] = session
        self.cookies.set(access.cookie, session.secret)

    @staticmethod
    def id():
        return f"request-{next(_names)}"

    def edit(self, film_id, *edits, request_id=None):
        body = {"request_id": request_id or self.id(), "edits": list(edits)}
        return self.post(f"/v1/films/{film_id}/edits", json=body)


@pytest.fixture
def client(app, access):
    return Client(app, access)


@pytest.fixture
def other(app, access):
    """Another person's browser."""
    return Client(app, access, who="ben")


@pytest.fixture
def film_ids(client):
    """By name."""
    return {row["name"]: row["film_id"] for row in client.get("/v1/films").json()["films"]}


@pytest.fixture
def film_a(film_ids):
    return film_ids["a.png"]


@pytest.fixture
def wait_until():
    return until


def until(is_so, *, seconds=60.0):
    """Wait for what another thread or process does."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.01)

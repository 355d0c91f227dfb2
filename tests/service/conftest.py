"""A service without a process of its own: its jobs are done here, by one model."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("prometheus_client", reason="the service needs the extra 'serve'")
pytest.importorskip("python_multipart", reason="the service needs the extra 'serve'")

from starlette.testclient import TestClient

from cephsure import load_model, sample_films
from cephsure.review.model_facts import ModelFacts
from cephsure.review.model_process import QuietModel
from cephsure.service.app import make_app
from cephsure.service.callers import Callers
from cephsure.service.film_queue import FilmQueue
from cephsure.service.metrics import Metrics
from cephsure.service.reviews import Reviews
from cephsure.service.service import Service
from cephsure.service.uploads import UploadLimits

MODEL = "default-baseline"
PORT = 8124
BASE = f"http://127.0.0.1:{PORT}"


@pytest.fixture(scope="session")
def sample():
    return sample_films.sample_film("vhm_lateral_0deg")


@pytest.fixture(scope="session")
def desk():
    made = object.__new__(QuietModel)
    made.model = load_model(MODEL)
    return made


@pytest.fixture(scope="session")
def facts():
    return ModelFacts.of(MODEL)


class InlineChild:
    """Does jobs in this process; ``before`` is called first, and may wait or fail."""

    def __init__(self, desk):
        self.desk, self.done, self.ended, self.before = desk, [], False, lambda _: None

    def do(self, job, *, seconds, on_progress=None):
        self.done.append(job)
        self.before(job)
        return job.run(self.desk, lambda *_: None)

    def end(self):
        self.ended = True


@pytest.fixture
def child(desk):
    return InlineChild(desk)


@pytest.fixture
def make_client(child, facts):
    """Makes a client of a service with options; ``client.service`` is what it works with."""
    clients = []

    def make(
        *, token_sha256=None, host="127.0.0.1", names=(), places=4, limits=None, project=None, **options
    ):
        metrics = Metrics(MODEL)
        queue = FilmQueue(child, places=places, on_film=metrics.film_took)
        service = Service(facts, queue, metrics, limits=limits or UploadLimits(), **options)
        queue.ready = True
        callers = Callers(PORT, host, token_sha256, frozenset(names))
        reviews = None if project is None else Reviews(project, facts)
        client = TestClient(make_app(service, callers, reviews), base_url=BASE, raise_server_exceptions=False)
        client.service, client.reviews = service, reviews
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.service.queue.end()
        if client.reviews is not None:
            client.reviews.close()


@pytest.fixture
def client(make_client):
    return make_client()


@pytest.fixture(scope="session")
def small_film():
    """A film of a size of its own that is quick to read: what networks make of it is no head."""
    ramp = np.add.outer(np.arange(90), np.arange(70)).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(ramp).save(stream, "PNG")
    return stream.getvalue()

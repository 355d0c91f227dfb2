"""The server itself: slow clients, clients that go away, its start and its end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time

import httpx
import pytest

from cephsure.errors import BundleError, InputError
from cephsure.review.child import LostError
from cephsure.service import serve as serving
from cephsure.service.connections import ImpatientProtocol
from cephsure.service.serve import ServeOptions, serve
from cephsure.service.uploads import UploadLimits

MODEL = "default-baseline"
FORM = b'--x\r\nContent-Disposition: form-data; name="film"; filename="a.png"\r\n\r\n'


def head(length):
    return (
        b"POST /v1/predict HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Length: %d\r\n"
        b"Content-Type: multipart/form-data; boundary=x\r\n\r\n"
    ) % (PORT[0], length)


PORT = [0]


def until(is_so, seconds=30.0):
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.01)


@pytest.fixture
def running(monkeypatch, child):
    """Starts a server in a thread, whose jobs are done in this process; gives its client."""
    servers, threads, failures = [], [], []

    class Kept(serving.Server):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            servers.append(self)

    monkeypatch.setattr(serving, "Server", Kept)
    monkeypatch.setattr(serving, "Child", lambda *_, **__: child)

    def start(**options):
        addresses, ready = [], threading.Event()

        def run():
            try:
                serve(
                    ServeOptions(model=MODEL, **options),
                    on_ready=lambda address: (addresses.append(address), ready.set()),
                )
            except Exception as error:  # noqa: BLE001 - the test looks at it
                failures.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        threads.append(thread)
        assert ready.wait(60)
        PORT[0] = int(addresses[0].rpartition(":")[2])
        client = httpx.Client(base_url=addresses[0], timeout=60)
        client.server, client.thread, client.failures = servers[-1], thread, failures
        return client

    yield start
    for server in servers:
        server.handle_exit(signal.SIGINT, None)
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


def is_ended(connection):
    """Whether nothing more comes from the other side."""
    try:
        return connection.recv(100) == b""
    except ConnectionResetError:
        return True


def is_closed(connection):
    """Whether the other side takes no more."""
    try:
        connection.sendall(b"x")
    except (ConnectionResetError, BrokenPipeError):
        return True
    return False


def connected():
    return socket.create_connection(("127.0.0.1", PORT[0]), timeout=30)


def test_a_film_is_answered(running, small_film):
    with running() as client:
        until(lambda: client.get("/v1/health").status_code == 200)
        assert client.post("/v1/predict", files={"film": small_film}).json()["film"]["width_px"] == 70


def test_a_client_that_sends_too_slowly_is_cut_off(running, small_film):
    with running(limits=UploadLimits(grace_s=0.2), places=2) as client, connected() as slow:
        slow.sendall(head(10**6) + FORM)
        until(lambda: client.get("/v1/health").json()["requests_in_progress"] == 1)
        assert client.post("/v1/predict", files={"film": small_film}).status_code == 200
        assert slow.recv(100).startswith(b"HTTP/1.1 408")
        until(lambda: client.get("/v1/health").json()["requests_in_progress"] == 0)


def test_a_client_that_sends_no_head_is_cut_off(running, monkeypatch):
    monkeypatch.setattr(ImpatientProtocol, "head_seconds", 0.2)
    running()
    with connected() as silent, connected() as slow:
        slow.sendall(b"GET /v1/hea")
        for each in (silent, slow):
            assert is_ended(each)


def test_a_client_that_goes_on_sending_after_its_answer_is_cut_off(running, monkeypatch):
    monkeypatch.setattr(ImpatientProtocol, "head_seconds", 0.2)
    running(limits=UploadLimits(most_bytes=10))
    with connected() as slow:
        slow.sendall(head(10**6) + FORM)
        assert slow.recv(100).startswith(b"HTTP/1.1 413")
        until(lambda: is_closed(slow))


def test_connections_are_used_again(running):
    with running() as client:
        for _ in range(3):
            client.get("/v1/health/live")
        assert client.server.server_state.total_requests == 3
        with connected() as broken:
            broken.sendall(b"NONSENSE\r\n\r\n")
            assert broken.recv(100).startswith(b"HTTP/1.1 400")


def test_the_work_of_a_client_that_goes_away_is_dropped(running, child, small_film):
    begun, go_on = threading.Event(), threading.Event()
    with running() as client:
        until(lambda: client.get("/v1/health").status_code == 200)
        child.before = lambda _: (begun.set(), go_on.wait(30))
        body = FORM + small_film + b"\r\n--x--\r\n"
        with connected() as first, connected() as second:
            first.sendall(head(len(body)) + body)
            assert begun.wait(30)
            second.sendall(head(len(body)) + body)
            until(lambda: client.get("/v1/health").json()["requests_in_progress"] == 2)
        until(lambda: client.get("/v1/health").json()["requests_in_progress"] == 0)
        go_on.set()
        assert client.post("/v1/predict", files={"film": small_film}).status_code == 200
        assert len(child.done) == 3  # the model's first use, the film that was begun, and the last one
        assert 'status="499"' in client.get("/metrics").text


def test_what_is_begun_is_finished_and_nothing_new_taken(running, child, small_film):
    begun, go_on, answers = threading.Event(), threading.Event(), []
    with running() as client:
        until(lambda: client.get("/v1/health").status_code == 200)
        child.before = lambda _: (begun.set(), go_on.wait(30))
        url = client.base_url.join("/v1/predict")
        request = threading.Thread(target=lambda: answers.append(httpx.post(url, files={"film": small_film})))
        request.start()
        assert begun.wait(30)
        client.server.handle_exit(signal.SIGTERM, None)
        until(lambda: client.get("/v1/health").status_code == 503)
        late = client.post("/v1/predict", files={"film": small_film})
        assert late.status_code == 503
        assert "retry-after" in late.headers
        go_on.set()
        request.join(30)
        client.thread.join(30)
        assert not client.thread.is_alive()
        assert answers[0].status_code == 200
        assert child.ended


@pytest.mark.parametrize("error", [BundleError("is damaged", where="bundle"), LostError("its process ended")])
def test_a_model_that_cannot_be_loaded_ends_the_service(running, child, error):
    def fail(_):
        raise error

    child.before = fail
    client = running()
    client.thread.join(30)
    assert client.failures == [error]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"model": "none"}, "none"),
        ({"reader": "nobody"}, "there is no reader"),
        ({"host": "0.0.0.0"}, "others in the network"),  # noqa: S104
        ({"host": "192.0.2.1"}, "others in the network"),
    ],
)
def test_what_cannot_be_served(options, complaint):
    with pytest.raises(InputError, match=complaint):
        serve(ServeOptions(**{"model": MODEL} | options), on_ready=lambda _: None)


def test_the_service_as_a_user_starts_it(small_film, tmp_path):
    """Its own process, with the model in another one; SIGTERM ends both, and the exit status is 0."""
    command = [sys.executable, "-m", "cephsure", "serve", "--port", "0", "--model", MODEL]
    program = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    try:
        address = program.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:")
        answer = httpx.post(f"{address}/v1/predict", files={"film": small_film}, timeout=120)
        assert answer.status_code == 200
        program.send_signal(signal.SIGTERM)
        out, err = program.communicate(timeout=60)
        assert (program.returncode, out) == (0, "")
        assert err.splitlines()[-1] == "stopped: what was begun is done"
    finally:
        program.kill()
        program.wait()

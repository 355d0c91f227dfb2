from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest

from cephsure.errors import BundleError, InputError
from cephsure.projects import Project
from cephsure.review import serve
from cephsure.review.serve import (
    ReviewOptions,
    add_films,
    check_options,
    open_desk,
    project_beside,
    review,
)

MODEL = "default-baseline"


@pytest.fixture
def running(monkeypatch, inline, tmp_path):
    """Starts a server in a thread; gives its start address, what it told, and how to stop it."""
    servers, threads = [], []

    class Kept(serve.Server):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            servers.append(self)

    monkeypatch.setattr(serve, "Server", Kept)

    def stop():
        for server in servers:
            server.handle_exit(signal.SIGINT, None)
        for thread in threads:
            thread.join(30)
            assert not thread.is_alive()

    def start(films, project, **options):
        addresses, told, ready = [], [], threading.Event()

        def on_ready(address):
            addresses.append(address)
            ready.set()

        arguments = {
            "options": ReviewOptions(model=MODEL, **options),
            "on_ready": on_ready,
            "tell": told.append,
        }
        thread = threading.Thread(target=review, args=(films, project), kwargs=arguments)
        thread.start()
        threads.append(thread)
        assert ready.wait(60)
        return addresses[0], told

    yield start, stop
    stop()


def test_films_are_served_from_a_free_port(running, film_folder, tmp_path, wait_until, mm_per_px):
    start, stop = running
    films = [*sorted(film_folder.iterdir()), tmp_path / "absent.png"]
    address, told = start(films, tmp_path / "p", who="anna", mm_per_px=mm_per_px)
    assert len(told) == 1
    assert "absent.png" in told[0]
    with httpx.Client(base_url=address.partition("/start")[0], follow_redirects=False) as browser:
        assert browser.get("/v1/project").status_code == 401
        assert browser.get(address).status_code == 303
        assert browser.get("/v1/project").json()["who"] == "anna"
        wait_until(lambda: browser.get("/v1/events").json()["counts"]["waiting"] == 0)
        last = browser.get("/v1/events").json()["last"]
        # A page that waits does not keep the server from stopping.
        waiting = threading.Thread(target=browser.get, args=(f"/v1/events?after={last}&wait_s=25",))
        waiting.start()
        stop()
        waiting.join(10)
        assert not waiting.is_alive()
    with Project.open(tmp_path / "p") as project:
        assert project.settings["model"] == MODEL
        assert project.settings["mm_per_px"] == mm_per_px


def test_more_films_come_while_the_first_ones_are_looked_at(
    running, film_folder, tmp_path, monkeypatch, wait_until
):
    monkeypatch.setattr(serve, "_AT_ONCE", 1)
    start, _ = running
    start(sorted(film_folder.iterdir()), tmp_path / "p")
    with Project.open(tmp_path / "p", read_only=True) as project:
        wait_until(lambda: len(project.films()) == 3)


def test_port_that_is_taken_is_said(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        options = ReviewOptions(port=port, model=MODEL)
        with pytest.raises(InputError, match=f"cannot listen on port {port}"):
            review([], tmp_path / "p", options=options, on_ready=print, tell=print)
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"who": ""}, "nobody can be called"),
        ({"who": "Mean"}, "nobody can be called"),
        ({"who": "a\nb"}, "nobody can be called"),
        ({"who": "x" * 100}, "nobody can be called"),
        ({"host": "0.0.0.0"}, "others in the network"),  # noqa: S104
        ({"host": "0.0.0.0", "allow_remote": True}, "needs a password"),  # noqa: S104
        ({"host": "0.0.0.0", "allow_remote": True, "password": "short"}, "at least 10"),  # noqa: S104
    ],
)
def test_impossible_options(options, complaint):
    with pytest.raises(InputError, match=complaint):
        check_options(ReviewOptions(**options))


def test_password_for_others():
    options = ReviewOptions(host="0.0.0.0", allow_remote=True, password="four words at random")  # noqa: S104, S106
    assert check_options(options).is_right("four words at random")
    assert check_options(ReviewOptions()) is None


def test_desk_of_a_new_and_of_a_known_project(tmp_path, inline):
    desk = open_desk(tmp_path / "p", ReviewOptions(model=MODEL, reader="senior", mm_per_px=0.2))
    desk.close()
    desk = open_desk(tmp_path / "p", ReviewOptions())
    assert desk.facts.bundle.name == MODEL
    assert (desk.reader_asked, desk.predictor.mm_per_px, desk.predictor.reader.key) == (
        "senior",
        0.2,
        "senior",
    )
    desk.close()


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"mm_per_px": 9.0}, InputError),
        ({"model": "none"}, BundleError),
        ({"model": MODEL, "reader": "none"}, InputError),
    ],
)
def test_what_no_desk_can_be_made_of(tmp_path, inline, options, error):
    with pytest.raises(error):
        open_desk(tmp_path / "p", ReviewOptions(**options))


def test_model_of_other_landmarks_is_refused(tmp_path, dot_bundles, inline):
    open_desk(tmp_path / "p", ReviewOptions(model=MODEL)).close()
    with pytest.raises(InputError, match="finds the landmarks"):
        open_desk(tmp_path / "p", ReviewOptions(model=str(dot_bundles())))


def test_reader_of_an_earlier_run_that_is_gone_is_said(tmp_path, inline):
    open_desk(tmp_path / "p", ReviewOptions(model=MODEL)).close()
    with Project.open(tmp_path / "p") as project:
        project.change_settings(reader="readers/gone.json")
    with pytest.raises(InputError, match="--reader definition"):
        open_desk(tmp_path / "p", ReviewOptions())
    open_desk(tmp_path / "p", ReviewOptions(reader="definition")).close()


def test_project_lies_beside_its_films(tmp_path):
    assert project_beside([], tmp_path / "films") == tmp_path / "films-review"
    assert project_beside([tmp_path / "a.png"], None) == tmp_path / "review"


def test_adding_nothing(desk):
    assert add_films(desk, [], print) == []


def test_adding_ends_with_the_project(desk, film_folder, monkeypatch, wait_until):
    told = []

    def closed(*_):
        raise RuntimeError("closed")

    monkeypatch.setattr(desk.project, "add_films", closed)
    serve._add_later(desk, [film_folder / "a.png"], told.append)
    wait_until(lambda: told)
    assert told == ["left out: closed"]


class Program:
    """``cephsure review`` as a user starts it."""

    def __init__(self, *arguments, cwd):
        # Those who run the tests may have the signal ignored (nohup, a job in the background).
        start = (
            "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
            "from cephsure.__main__ import main; main()"
        )
        command = [sys.executable, "-c", start, "review", *arguments, "--no-browser", "--model", MODEL]
        package = str(Path(serve.__file__).parents[2])
        self.process = subprocess.Popen(
            command,
            cwd=cwd,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": package},
        )
        self.address = self.process.stdout.readline().strip()
        self.browser = httpx.Client(base_url=self.address.partition("/start")[0], timeout=60)
        self.browser.get(self.address)

    def children(self):
        found = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True, check=False
        )
        return [int(pid) for pid in found.stdout.split()]

    def end(self, sent):
        self.process.send_signal(sent)
        out, err = self.process.communicate(timeout=60)
        self.browser.close()
        return out, err


def is_alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")
def test_program_from_start_to_end(tmp_path, film_folder, wait_until):
    program = Program(str(film_folder), "--project", "p", "--as", "anna", cwd=tmp_path)
    assert program.address.startswith("http://127.0.0.1:")
    browser = program.browser
    wait_until(lambda: browser.get("/v1/events").json()["counts"]["predicted"] == 2, seconds=120)
    body = {"request_id": "12345678", "edits": [{"number": 1, "action": "edit", "x_px": 5, "y_px": 6}]}
    assert browser.post("/v1/films/1/edits", json=body).status_code == 200
    children = program.children()
    out, err = program.end(signal.SIGINT)
    assert out == ""
    assert err.splitlines()[-1] == f"stopped; every correction is in {tmp_path / 'p'}"
    assert "Traceback" not in err
    assert program.process.returncode == 130
    wait_until(lambda: not any(map(is_alive, children)))
    with Project.open(tmp_path / "p") as project:
        (point,) = project.film(1).points
        assert (point.value.x_px, point.value.who) == (5.0, "anna")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")
def test_killed_program_loses_nothing_and_leaves_no_process(tmp_path, film_folder, wait_until):
    program = Program(str(film_folder), "--project", "p", "--as", "anna", cwd=tmp_path)
    body = {"request_id": "12345678", "edits": [{"number": 1, "action": "edit", "x_px": 5, "y_px": 6}]}
    assert program.browser.post("/v1/films/1/edits", json=body).status_code == 200
    wait_until(lambda: len(program.children()) > 1)
    children = program.children()
    program.end(signal.SIGKILL)
    wait_until(lambda: not any(map(is_alive, children)), seconds=120)
    with Project.open(tmp_path / "p") as project:
        (point,) = project.film(1).points
        assert point.value.x_px == 5.0

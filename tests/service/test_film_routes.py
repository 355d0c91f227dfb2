"""Films through the service: what it answers is what the commands print."""

from __future__ import annotations

import json
import shutil
import sys
import threading

import jsonschema
import pytest

from cephsure.cli import terminal
from cephsure.cli.app import main
from cephsure.exports import prediction_json
from cephsure.review.child import FailedError, LostError
from cephsure.service.uploads import UploadLimits

MODEL = "default-baseline"
WHAT = {"model": MODEL}


@pytest.fixture
def printed(monkeypatch, capsys):
    """What a command prints on standard output."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["cephsure", *map(str, arguments), "--model", MODEL, "--json", "-"])
        monkeypatch.setattr(terminal, "settings", terminal.Settings())
        with pytest.raises(SystemExit):
            main()
        return capsys.readouterr().out

    return run


def send(client, film, where="/v1/predict", name="film.png", headers=None, **fields):
    return client.post(where, files={"film": (name, film)}, data=fields, headers=headers)


def test_a_named_film_is_answered_as_the_command_prints_it(make_client, sample, printed):
    client = make_client(roots=(sample.path.parent,))
    body = {"path": str(sample.path), "mm_per_px": sample.mm_per_px, "level": 0.8}
    answer = client.post("/v1/predict", json=body)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.text == printed("predict", sample.path, "--mm-per-px", sample.mm_per_px, "--level", 0.8)
    jsonschema.Draft202012Validator(prediction_json.schema()).validate(answer.json())


def test_a_sent_film_is_answered_as_the_command_prints_it_but_for_the_path(client, sample, printed):
    answer = send(client, sample.path.read_bytes(), name="../../Mueller.png", mm_per_px=sample.mm_per_px)
    expected = json.loads(printed("predict", sample.path, "--mm-per-px", sample.mm_per_px))
    expected["film"]["path"] = None
    assert answer.json() == expected
    assert "Mueller" not in answer.text


def test_measurements_are_as_the_command_prints_them(make_client, sample, printed):
    client = make_client(roots=(sample.path.parent,))
    body = {"path": str(sample.path), "mm_per_px": sample.mm_per_px, "analysis": "steiner,downs"}
    answer = client.post("/v1/analyze", json=body)
    arguments = ("--mm-per-px", sample.mm_per_px, "--analysis", "steiner,downs")
    assert answer.text == printed("analyze", sample.path, *arguments)


@pytest.mark.parametrize(
    ("fields", "status", "complaint"),
    [
        ({"mm_per_px": "-1"}, 400, "mm_per_px: Input should be greater than 0"),
        ({"mm_per_px": "nan"}, 400, "mm_per_px"),
        ({"mm_per_px": "40"}, 400, "40"),
        ({"samples": "2"}, 400, "1 to 1 samples"),
        ({"reader": "/etc/passwd"}, 400, "there is no reader '/etc/passwd'"),
        ({"model": "other"}, 400, "model: Extra inputs are not permitted"),
        ({"level": "1.5"}, 400, "level"),
        ({"thorough": "perhaps"}, 400, "thorough"),
    ],
)
def test_options_that_cannot_be_are_said(client, small_film, fields, status, complaint):
    answer = send(client, small_film, **fields)
    assert answer.status_code == status, answer.text
    assert complaint in answer.json()["error"]


def test_readers_are_by_name(make_client, small_film):
    client = make_client(reader="definition")
    assert send(client, small_film, reader="mean").status_code in (200, 400)
    assert send(client, small_film, where="/v1/analyze", analysis="none").status_code == 400
    answer = send(client, small_film, where="/v1/analyze", reader="senior", mm_per_px=0.2)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "the file is empty"),
        (b"GIF89a" + bytes(100), "a GIF image, not a film"),
        (b"\x89PNG\r\n\x1a\n and no more", "cut off"),
        (b"PK\x03\x04" + bytes(100), "a ZIP archive, not a film"),
    ],
)
def test_what_is_no_film_is_said_without_a_place(client, content, complaint):
    answer = send(client, content)
    assert answer.status_code == 422
    assert complaint in answer.json()["error"]
    assert "the given bytes" not in answer.json()["error"]
    assert answer.json().keys() == {"error", "remedy"}


def test_a_named_film_that_is_none_is_said_with_its_place(make_client, tmp_path):
    (tmp_path / "a (1).png").write_bytes(b"text")
    answer = make_client(roots=(tmp_path,)).post("/v1/predict", json={"path": str(tmp_path / "a (1).png")})
    assert answer.status_code == 422
    assert answer.json()["error"].startswith(f"{tmp_path}/a (1).png: a text file")


@pytest.mark.parametrize("path", ["/etc/passwd", "{root}/../other/b.png", "{root}/link.png", "a.png"])
def test_paths_that_lead_elsewhere_are_refused(make_client, tmp_path, small_film, path):
    root, other = tmp_path / "root", tmp_path / "other"
    root.mkdir()
    other.mkdir()
    (other / "b.png").write_bytes(small_film)
    (root / "link.png").symlink_to(other / "b.png")
    answer = make_client(roots=(root.resolve(),)).post("/v1/predict", json={"path": path.format(root=root)})
    assert answer.status_code == 400


def test_the_same_request_with_its_key_gets_the_same_answer(client, child, small_film):
    key = {"Idempotency-Key": "key-00001"}
    first = send(client, small_film, headers=key)
    assert send(client, small_film, headers=key, name="other.png").text == first.text
    assert len(child.done) == 1
    for other in (
        send(client, small_film, headers=key, facing="left"),
        send(client, small_film + b" ", headers=key),
        send(client, small_film, where="/v1/analyze", headers=key),
    ):
        assert other.status_code == 422
        assert "Idempotency-Key" in other.json()["error"]
    assert send(client, small_film, headers={"Idempotency-Key": "short"}).status_code == 422


def test_more_requests_than_places_are_asked_to_come_later(make_client, child, small_film):
    client = make_client(places=1)
    running, go_on = threading.Event(), threading.Event()
    child.before = lambda _: (running.set(), go_on.wait(30))
    answers = []
    thread = threading.Thread(target=lambda: answers.append(send(client, small_film)))
    thread.start()
    assert running.wait(30)
    refused = send(client, small_film)
    assert client.get("/v1/health").json()["requests_in_progress"] == 1
    go_on.set()
    thread.join(30)
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert answers[0].status_code == 200
    assert client.get("/v1/health").json()["requests_in_progress"] == 0


@pytest.mark.parametrize(
    ("error", "status"), [(LostError("it ended"), 503), (FailedError("KeyError: 'Mueller'"), 500)]
)
def test_a_process_that_fails(client, child, small_film, error, status):
    def fail(_):
        raise error

    child.before = fail
    answer = send(client, small_film)
    assert answer.status_code == status
    assert "Mueller" not in answer.text
    assert ("retry-after" in answer.headers) == (status == 503)
    child.before = lambda _: None
    assert send(client, small_film).status_code == 200


def test_a_service_that_is_being_stopped_takes_nothing_new(client, small_film):
    client.service.queue.end()
    answer = send(client, small_film)
    assert answer.status_code == 503
    assert "stopped" in answer.json()["error"]
    assert client.get("/v1/health").status_code == 503


@pytest.mark.parametrize(
    ("request_", "status", "complaint"),
    [
        ({"content": b"x", "headers": {"content-type": "image/png"}}, 415, "multipart/form-data"),
        ({"json": {"file": "a"}}, 400, "path of a film"),
        ({"json": ["a"]}, 400, "path of a film"),
        ({"content": b"{", "headers": {"content-type": "application/json"}}, 400, "not JSON"),
        ({"content": b"[" * 60_000, "headers": {"content-type": "application/json"}}, 400, "not JSON"),
        ({"content": b" " * 70_000, "headers": {"content-type": "application/json"}}, 413, "larger than"),
        ({"data": {"facing": "left"}, "files": {"other": b"x"}}, 400, "no file 'film'"),
        ({"files": [("film", b"x"), ("film", b"y")]}, 400, "Too many files"),
        ({"files": {"film": b"x"}, "data": {"facing": ["left", "right"]}}, 400, "'facing' twice"),
        ({"files": {"film": b"x"}, "data": {"facing": "x" * 5000}}, 400, "exceeded maximum size"),
        ({"content": b"x", "headers": {"content-type": "multipart/form-data"}}, 400, "boundary"),
        ({"files": {"film": b"x" * 2_200_000}}, 413, "larger than"),
    ],
)
def test_bodies_that_cannot_be(make_client, request_, status, complaint):
    client = make_client(limits=UploadLimits(most_bytes=2**21))
    answer = client.post("/v1/predict", **request_)
    assert answer.status_code == status, answer.text
    assert complaint in answer.json()["error"]


def test_a_body_larger_than_its_headers_say(make_client):
    client = make_client(limits=UploadLimits(most_bytes=1000))
    content = (b"x" * 1000 for _ in range(100))  # sent in chunks, without a length
    headers = {"content-type": "multipart/form-data; boundary=x"}
    assert client.post("/v1/predict", content=content, headers=headers).status_code == 413


def test_a_copy_of_a_film_elsewhere_is_another_film(make_client, sample, tmp_path):
    shutil.copy(sample.path, tmp_path / "b.png")
    client = make_client(roots=(tmp_path.resolve(),))
    answer = client.post("/v1/predict", json={"path": str(tmp_path / "b.png")})
    assert answer.json()["film"]["path"] == str(tmp_path / "b.png")

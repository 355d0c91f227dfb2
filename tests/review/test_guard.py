"""What hostile pages, programs and bodies meet, on every kind of route."""

from __future__ import annotations

import json

import pytest
from starlette.testclient import TestClient

from cephsure.review.guard import MOST_BODY_BYTES, SECURITY_HEADERS

ROUTES = ["/", "/page/app.css", "/v1/project", "/v1/films", "/v1/films/1/pixels", "/v1/loop", "/nothing"]


@pytest.fixture
def stranger(app):
    return TestClient(app, base_url="http://127.0.0.1:8123", follow_redirects=False)


@pytest.mark.parametrize("path", ROUTES)
def test_nobody_comes_in_without_a_session(stranger, path):
    answer = stranger.get(path)
    assert answer.status_code == 401
    assert "cephsure review printed" in answer.json()["error"]


def test_nobody_changes_anything_without_a_session(stranger, film_a, project):
    answer = stranger.post(f"/v1/films/{film_a}/state", json={"request_id": "12345678", "state": "reviewed"})
    assert answer.status_code == 401
    assert project.last_event() == 0


@pytest.mark.parametrize(
    "cookie", ["", "x", "cephsure-8123=", "cephsure-8123=guess", ";;==", '"', "cephsure-8123=\x7f"]
)
def test_cookies_of_others(stranger, cookie):
    assert stranger.get("/v1/project", headers={"cookie": cookie}).status_code == 401


@pytest.mark.parametrize("path", ["/", "/v1/project", "/start", "/login"])
@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8123", "127.0.0.1:1", "127.0.0.1", "[", "", "a b"]
)
def test_other_hosts_are_refused(client, path, host):
    assert client.get(path, headers={"host": host}).status_code == 421


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1", "https://127.0.0.1:8123"]
)
def test_other_origins_are_refused(client, film_a, project, origin):
    body = {"request_id": "12345678", "state": "reviewed"}
    answer = client.post(f"/v1/films/{film_a}/state", json=body, headers={"origin": origin})
    assert answer.status_code == 403
    assert client.get("/v1/project", headers={"origin": origin}).status_code == 403
    assert project.last_event() == 0


def test_own_origin_is_let_through(client, film_a):
    body = {"request_id": "12345678", "state": "reviewed"}
    answer = client.post(f"/v1/films/{film_a}/state", json=body, headers={"origin": "http://127.0.0.1:8123"})
    assert answer.status_code == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_pictures_are_no_part_of_other_pages(client, film_a, site):
    answer = client.get(f"/v1/films/{film_a}/thumbnail", headers={"sec-fetch-site": site})
    assert answer.status_code == 403
    assert client.get("/", headers={"sec-fetch-site": site}).status_code == 200  # a link leads here


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "application/jsonp"],
)
def test_forms_change_nothing(client, film_a, project, kind):
    body = json.dumps({"request_id": "12345678", "state": "reviewed"})
    answer = client.post(f"/v1/films/{film_a}/state", content=body, headers={"content-type": kind})
    assert answer.status_code == 415
    assert project.last_event() == 0


def test_large_bodies_are_refused_by_their_headers(client, film_a):
    answer = client.post(f"/v1/films/{film_a}/edits", json={"x": "y" * MOST_BODY_BYTES})
    assert answer.status_code == 413


@pytest.mark.parametrize("length", ["-1", "1e3", "99999999999999", "x"])
def test_nonsense_lengths_are_refused(client, film_a, length):
    headers = {"content-type": "application/json", "content-length": length}
    assert client.post(f"/v1/films/{film_a}/edits", content=b"{}", headers=headers).status_code == 413


def test_large_bodies_are_refused_whatever_their_headers_say(client, film_a):
    def pieces():
        for _ in range(20):
            yield b" " * (MOST_BODY_BYTES // 10)

    headers = {"content-type": "application/json"}
    answer = client.post(f"/v1/films/{film_a}/edits", content=pieces(), headers=headers)
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"x"',
        b"[" * 100_000,
        b'{"request_id": "12345678", "edits": []}',
        b'{"request_id": "12345678", "edits": [{"number": 1, "action": "accept", "extra": 1}]}',
        b'{"request_id": "12345678", "edits": [{"number": 1, "action": "drop"}]}',
        b'{"request_id": "12345678", "edits": [{"number": 1, "action": "edit", "x_px": NaN, "y_px": 1}]}',
        b'{"request_id": "12345678", "edits": [{"number": 1, "action": "edit", "x_px": 1e999, "y_px": 1}]}',
        b'{"request_id": "12345678", "edits": [{"number": 1e99, "action": "accept"}]}',
        b'{"request_id": "", "edits": [{"number": 1, "action": "accept"}]}',
        b'{"request_id": "1234567\\u0000", "edits": [{"number": 1, "action": "accept"}]}',
        b'{"request_id": "12345678", "edits": [{"number": 1, "action": "accept", "base_revision": -1}]}',
        b"\xff\xfe",
    ],
)
def test_nonsense_bodies_end_in_one_line(client, film_a, project, body):
    headers = {"content-type": "application/json"}
    answer = client.post(f"/v1/films/{film_a}/edits", content=body, headers=headers)
    assert answer.status_code in {400, 422}
    error = answer.json()["error"]
    assert error
    assert "\n" not in error
    assert project.last_event() == 0


@pytest.mark.parametrize("path", ["/", "/v1/project", "/nothing", "/start", "/v1/films/999"])
def test_every_answer_has_its_headers(client, stranger, path):
    for answer in (client.get(path), stranger.get(path), client.get(path, headers={"host": "evil"})):
        for name, value in SECURITY_HEADERS.items():
            assert answer.headers[name] == value
        assert "access-control-allow-origin" not in answer.headers
        assert answer.headers["cache-control"] in {"no-store", "private, no-cache"}


def test_no_description_of_the_interface_is_served(client):
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert client.get(path).status_code == 404


def test_preflights_of_other_pages_allow_nothing(client):
    headers = {"origin": "http://evil.example", "access-control-request-method": "POST"}
    answer = client.options("/v1/films", headers=headers)
    assert answer.status_code == 403
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_sockets_are_not_served(client):
    with pytest.raises(Exception), client.websocket_connect("/v1/events"):  # noqa: B017
        pass

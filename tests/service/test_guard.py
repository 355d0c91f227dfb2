"""What strangers and hostile pages meet."""

from __future__ import annotations

import hashlib
import logging

import pytest

from cephsure.review.guard import SECURITY_HEADERS
from cephsure.service.guard import where_of

TOKEN = "a-long-random-token-of-more-than-32-letters"  # noqa: S105 - a test's
ROUTES = ["/v1/models", "/v1/version", "/metrics", "/nothing", "/docs"]


@pytest.fixture
def guarded(make_client):
    every_address = "0.0.0.0"  # noqa: S104
    digest = hashlib.sha256(TOKEN.encode()).digest()
    return make_client(token_sha256=digest, host=every_address, names=["ceph.example"])


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize(
    "given", [None, "", "Bearer", "Bearer x", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}é".encode()]
)
def test_nobody_comes_in_without_the_token(guarded, path, given):
    answer = guarded.get(path, headers={} if given is None else {"authorization": given})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


def test_the_token_lets_in(guarded):
    assert guarded.get("/v1/version", headers={"authorization": f"bearer {TOKEN}"}).status_code == 200
    twice = [("authorization", f"Bearer {TOKEN}"), ("authorization", f"Bearer {TOKEN}")]
    assert guarded.get("/v1/version", headers=twice).status_code == 401


@pytest.mark.parametrize("path", ["/openapi.json", "/v1/health", "/v1/health/live"])
def test_what_tells_of_no_film_needs_no_token(guarded, path):
    assert guarded.get(path).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8124", "127.0.0.1:1", "[", "", "a b"])
def test_other_hosts_are_refused(client, host):
    assert client.get("/v1/health", headers={"host": host}).status_code == 421


@pytest.mark.parametrize("more", [{"x": "y" * 40_000}, {f"x-{k}": "y" for k in range(120)}])
def test_large_heads_are_refused(client, more):
    assert client.get("/v1/health", headers=more).status_code == 431


@pytest.mark.parametrize("host", ["ceph.example", "ceph.example:443", "10.1.2.3:80", "localhost:9"])
def test_hosts_that_were_allowed(guarded, host):
    assert guarded.get("/v1/health", headers={"host": host}).status_code == 200
    assert guarded.get("/v1/health", headers={"host": "evil.example"}).status_code == 421


@pytest.mark.parametrize(
    "headers", [{"origin": "http://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}]
)
def test_pages_in_a_browser_are_refused(client, small_film, headers):
    assert client.post("/v1/predict", files={"film": small_film}, headers=headers).status_code == 403


def test_every_answer_has_its_headers(client):
    for path in ("/v1/health", "/nothing"):
        answer = client.get(path)
        assert SECURITY_HEADERS.items() <= {name: answer.headers[name] for name in SECURITY_HEADERS}.items()
        assert answer.headers["cache-control"] == "no-store"
    assert client.get("/nothing").json() == {"error": "Not Found", "remedy": None}
    assert client.put("/v1/predict").status_code == 405


def test_a_failure_of_ours_is_told_by_its_place_alone(client, child, small_film, caplog):
    def fail(_):
        raise KeyError("Mueller^Anna")

    child.before = fail
    with caplog.at_level(logging.DEBUG):
        answer = client.post("/v1/predict", files={"film": small_film})
    assert answer.status_code == 500
    assert "Mueller" not in caplog.text + answer.text
    assert caplog.text.count("KeyError at") == 1


def test_an_error_that_was_not_raised_has_no_place():
    assert where_of(KeyError("x")) == "KeyError"


def test_the_log_has_patterns_not_paths(client, caplog):
    with caplog.at_level(logging.INFO):
        client.get("/v1/Mueller")
        client.request("MUELLER", "/v1/health")
    assert "GET none 404" in caplog.text
    assert "other /v1/health 405" in caplog.text
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("cephsure")]
    assert "ueller" not in "".join(ours).lower()
    assert "Mueller" not in client.get("/metrics").text


def test_websockets_are_closed(client):
    with pytest.raises(Exception), client.websocket_connect("/v1/predict"):  # noqa: B017
        pass

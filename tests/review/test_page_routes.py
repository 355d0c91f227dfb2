from __future__ import annotations

import pytest
from starlette.testclient import TestClient
from tests.review.conftest import BASE, PAGE

from cephsure.review.access import Password
from cephsure.review.app import make_app

WORDS = "four words at random"


@pytest.fixture
def stranger(app):
    return TestClient(app, base_url=BASE, follow_redirects=False)


def test_start_address_lets_in(stranger, access):
    answer = stranger.get(f"/start?token={access.token}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{access.cookie}=")
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert access.token not in cookie
    assert stranger.get("/v1/project").json()["who"] == "anna"


@pytest.mark.parametrize("query", ["", "?token=", "?token=x", "?token=%00", "?token=é"])
def test_another_token_does_not(stranger, query):
    answer = stranger.get(f"/start{query}")
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


def test_page_and_its_files(client):
    answer = client.get("/")
    assert answer.content == b"<!doctype html>"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "private, no-cache"
    assert client.get("/page/texts/en.json").json() == {}
    assert client.get("/page/app.css", headers={"if-none-match": '"css"'}).status_code == 304


@pytest.mark.parametrize(
    "path",
    [
        "x.js",
        "../app.py",
        "..%2fapp.py",
        "%2e%2e/app.py",
        "/etc/passwd",
        "texts",
        "app.css/",
        "APP.CSS",
        "app.css%00",
    ],
)
def test_nothing_else_is_served(client, path):
    answer = client.get(f"/page/{path}")
    assert answer.status_code in {404, 422}
    assert answer.headers["content-type"] == "application/json"


def test_nobody_logs_in_where_there_is_no_password(stranger):
    assert stranger.get("/login").status_code == 404
    assert stranger.post("/login", data={"who": "ben", "password": WORDS}).status_code == 401


@pytest.fixture
def remote(desk, access):
    access.password = Password(WORDS)
    return TestClient(make_app(desk, access, PAGE), base_url=BASE, follow_redirects=False)


def test_password_lets_others_in_by_their_names(remote):
    assert "Your name" in remote.get("/login").text
    answer = remote.post("/login", data={"who": "  Ben ", "password": WORDS})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert remote.get("/v1/project").json()["who"] == "Ben"


@pytest.mark.parametrize(
    ("sent", "status", "told"),
    [
        ({"who": "<b>", "password": "wrong"}, 401, "That is not the password, &lt;b&gt;."),
        ({"password": WORDS}, 400, "Say your name"),
        ({"who": "mean", "password": WORDS}, 400, "another one than mean"),
        ({"who": "\x00\n", "password": WORDS}, 400, "Say your name"),
    ],
)
def test_others_stay_out(remote, sent, status, told):
    answer = remote.post("/login", data=sent)
    assert answer.status_code == status
    assert told in answer.text
    assert "set-cookie" not in answer.headers


def test_guessing_ends(remote):
    for _ in range(10):
        remote.post("/login", data={"who": "eve", "password": "wrong"})
    assert remote.post("/login", data={"who": "eve", "password": WORDS}).status_code == 429


def test_forms_with_many_fields_are_refused(remote):
    body = "&".join(f"a{number}=1" for number in range(1000))
    headers = {"content-type": "application/x-www-form-urlencoded"}
    assert remote.post("/login", content=body, headers=headers).status_code == 400

from __future__ import annotations

import pytest

from cephsure.errors import InputError
from cephsure.review.access import (
    Access,
    Password,
    TooManyTriesError,
    check_address,
    is_loopback,
    is_own_origin,
)


def test_token_lets_in_and_nothing_else_does():
    access = Access(port=1, who="anna")
    session = access.session_of_token(access.token)
    assert session.who == "anna"
    assert access.session(session.secret) == session
    assert access.session_of_token("") is None
    assert access.session_of_token(access.token + "é") is None
    assert access.session(None) is None
    assert access.session("guess") is None


def test_tokens_of_two_runs_differ():
    assert Access(port=1).token != Access(port=1).token
    assert len(Access(port=1).token) > 40


def test_cookies_of_two_ports_have_two_names():
    assert Access(port=1).cookie != Access(port=2).cookie


@pytest.mark.parametrize(
    ("host", "address"),
    [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::1", "[::1]")],  # noqa: S104
)
def test_start_address_leads_to_this_machine(host, address):
    assert Access(port=80, host=host).start_url.startswith(f"http://{address}:80/start?token=")


def test_old_sessions_go_when_there_are_too_many():
    access = Access(port=1)
    first = access.session_of_token(access.token)
    for _ in range(1000):
        access.session_of_token(access.token)
    assert access.session(first.secret) is None


def test_password():
    password = Password("four words at random")
    assert password.is_right("four words at random")
    assert not password.is_right("four words at randoM")
    assert "four" not in str(vars(password))
    assert Password("four words at random")._hash != password._hash  # salted


def test_short_password_is_refused():
    with pytest.raises(InputError, match="at least 10"):
        Password("secret")


def test_sessions_by_password_bear_each_persons_name():
    access = Access(port=1, password=Password("four words at random"))
    assert access.session_of_password("four words at random", "ben").who == "ben"
    assert access.session_of_password("wrong", "ben") is None
    assert Access(port=1).session_of_password("four words at random", "ben") is None


def test_passwords_cannot_be_tried_for_long():
    access = Access(port=1, password=Password("four words at random"))
    for _ in range(10):
        access.session_of_password("wrong", "eve")
    with pytest.raises(TooManyTriesError):
        access.session_of_password("four words at random", "eve")


@pytest.mark.parametrize(
    ("host", "header", "known"),
    [
        ("127.0.0.1", "127.0.0.1:80", True),
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "LOCALHOST:80", True),
        ("127.0.0.1", "[::1]:80", True),
        ("127.0.0.1", "127.0.0.1:81", False),
        ("127.0.0.1", "127.0.0.1:", False),
        ("127.0.0.1", "127.0.0.1:80:80", False),
        ("127.0.0.1", "evil.example:80", False),
        ("127.0.0.1", "evil.example", False),
        ("127.0.0.1", "192.168.0.7:80", False),
        ("127.0.0.1", "localhost.evil.example:80", False),
        ("127.0.0.1", "", False),
        ("127.0.0.1", "[::1]", True),
        ("192.168.0.7", "192.168.0.7:80", True),
        ("192.168.0.7", "127.0.0.1:80", False),
        ("192.168.0.7", "evil.example:80", False),
        ("0.0.0.0", "192.168.0.7:80", True),  # noqa: S104
        ("0.0.0.0", "127.0.0.1:80", True),  # noqa: S104
        ("0.0.0.0", "evil.example:80", False),  # noqa: S104
    ],
)
def test_host_header(host, header, known):
    assert Access(port=80, host=host).knows_host(header) is known


def test_machines_own_name_is_known_where_others_are_let_in(monkeypatch):
    monkeypatch.setattr("socket.gethostname", lambda: "Clinic")
    assert Access(port=80, host="0.0.0.0").knows_host("clinic:80")  # noqa: S104
    assert not Access(port=80).knows_host("clinic:80")


@pytest.mark.parametrize(
    ("origin", "known"),
    [
        (None, True),
        ("http://127.0.0.1:80", True),
        ("HTTP://127.0.0.1:80", True),
        ("https://127.0.0.1:80", False),
        ("http://127.0.0.1:81", False),
        ("null", False),
        ("http://evil.example", False),
    ],
)
def test_origin(origin, known):
    assert is_own_origin(origin, "127.0.0.1:80") is known


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.3.2.1"])
def test_this_machine_needs_no_password(host):
    check_address(host, allow_remote=False, has_password=False)


@pytest.mark.parametrize(
    ("host", "allowed", "has_password", "complaint"),
    [
        ("0.0.0.0", False, True, "could reach the films"),  # noqa: S104
        ("192.168.0.7", True, False, "needs a password"),
        ("::", False, False, "could reach the films"),
        ("clinic", True, True, "no address"),
    ],
)
def test_others_need_both(host, allowed, has_password, complaint):
    with pytest.raises(InputError, match=complaint):
        check_address(host, allow_remote=allowed, has_password=has_password)


def test_others_are_let_in_with_both():
    check_address("0.0.0.0", allow_remote=True, has_password=True)  # noqa: S104


def test_loopback():
    assert not is_loopback("localhost")
    assert is_loopback("::1")

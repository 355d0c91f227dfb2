"""Who gets in: a token in the start address, passwords, the sessions that come of them, and which hosts.

A web page of somebody else that is open in the same browser can send requests to this machine too. It has no
session's cookie (SameSite=Strict), and what names another host or comes from another origin is refused.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
import socket
import threading
import time
from dataclasses import dataclass, field

from cephsure.errors import InputError

LOOPBACK = "127.0.0.1"
LEAST_PASSWORD = 10
"""Characters that a password for others has at least."""
MOST_NAME = 60
"""Characters of a person's name."""
_LOCAL_NAMES = frozenset({"localhost"})
# scrypt (RFC 7914) with 16 MiB: some 50 ms a try.
_COST, _BLOCK, _PARALLEL = 2**14, 8, 1
_TRIES, _TRIES_WITHIN_S = 10, 60.0
_MOST_SESSIONS = 1000


@dataclass(frozen=True, slots=True)
class Session:
    """One browser that was let in, and the person who sits before it."""

    secret: str
    who: str


class Password:
    """A password, of which only the scrypt hash is kept."""

    def __init__(self, text: str) -> None:
        if len(text) < LEAST_PASSWORD:
            raise InputError(
                f"the password has {len(text)} characters, at least {LEAST_PASSWORD} are needed",
                remedy="four words at random are easy to remember and hard to guess",
            )
        self._salt = secrets.token_bytes(16)
        self._hash = self._hashed(text)

    def is_right(self, tried: str) -> bool:
        """Whether it is the password."""
        return hmac.compare_digest(self._hash, self._hashed(tried))

    def _hashed(self, text: str) -> bytes:
        content = text.encode("utf-8", "surrogatepass")
        return hashlib.scrypt(content, salt=self._salt, n=_COST, r=_BLOCK, p=_PARALLEL)


@dataclass(slots=True)
class Access:
    """Lets browsers in.

    Attributes:
        port: the server's.
        host: the address that it listens on.
        who: the person who started it; sessions by the start address are theirs.
        password: lets others in, who say their name; None where nobody else is let in.
        token: in the start address.
    """

    port: int
    host: str = LOOPBACK
    who: str = "reviewer"
    password: Password | None = None
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    _sessions: dict[str, Session] = field(default_factory=dict)
    _tries: list[float] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def cookie(self) -> str:
        """The cookie's name: browsers do not tell ports apart, two reviews on one machine must."""
        return f"cephsure-{self.port}"

    @property
    def start_url(self) -> str:
        """The address that lets in whoever started the server."""
        shown = LOOPBACK if is_every_address(self.host) else self.host
        return f"http://{in_url(shown)}:{self.port}/start?token={self.token}"

    def session_of_token(self, token: str) -> Session | None:
        """A session for the start address's token; None if it is not the token."""
        right = hmac.compare_digest(token.encode("utf-8", "surrogatepass"), self.token.encode())
        return self._begin(self.who) if right else None

    def session_of_password(self, password: str, who: str) -> Session | None:
        """A session for somebody who knows the password; None if it is not the password.

        Raises:
            TooManyTriesError: it was tried too often of late.
        """
        if self.password is None:
            return None
        with self._lock:
            now = time.monotonic()
            self._tries = [at for at in self._tries if now - at < _TRIES_WITHIN_S]
            if len(self._tries) >= _TRIES:
                raise TooManyTriesError
            self._tries.append(now)
        if not self.password.is_right(password):
            return None
        with self._lock:
            self._tries.remove(now)
        return self._begin(who)

    def session(self, secret: str | None) -> Session | None:
        """The session of a cookie."""
        return None if secret is None else self._sessions.get(secret)

    def _begin(self, who: str) -> Session:
        session = Session(secrets.token_urlsafe(32), who)
        with self._lock:
            while len(self._sessions) >= _MOST_SESSIONS:
                del self._sessions[next(iter(self._sessions))]
            self._sessions[session.secret] = session
        return session

    def knows_host(self, header: str) -> bool:
        """Whether a request's Host is this server: else a name of another site was made to lead here."""
        name, port = host_and_port(header)
        return port == self.port and is_name_of(name, self.host)


class TooManyTriesError(Exception):
    """The password was tried too often."""


def check_address(host: str, *, allow_remote: bool, has_password: bool) -> None:
    """Refuse to listen where others can reach the films, unless that is asked for and a password is given.

    Raises:
        InputError: it is not.
    """
    if is_loopback(host) or host in _LOCAL_NAMES:
        return
    if not is_address(host):
        raise InputError(f"{host!r} is no address to listen on", remedy=f"give one such as {LOOPBACK}")
    if not allow_remote:
        raise InputError(
            f"on {host} others in the network could reach the films",
            remedy="give --allow-remote and a password if that is meant",
        )
    if not has_password:
        raise InputError(
            "--allow-remote needs a password",
            remedy="set the variable CEPHSURE_PASSWORD, or type it when asked in a terminal",
        )


def is_name_of(name: str, host: str) -> bool:
    """Whether a request may call by this name a server that listens on ``host``."""
    if is_loopback(name) or name in _LOCAL_NAMES:
        return is_loopback(host) or is_every_address(host)
    if is_loopback(host):
        return False
    # No foreign site's name is a bare address.
    return is_address(name) or name in {socket.gethostname().lower(), socket.getfqdn().lower()}


def is_own_origin(origin: str | None, host: str) -> bool:
    """Whether a request comes from a page of the server called ``host``; only browsers name one."""
    return origin is None or origin.lower() == f"http://{host.lower()}"


def is_loopback(name: str) -> bool:
    """Whether it is an address of this machine that no other machine can reach."""
    return is_address(name) and ipaddress.ip_address(name).is_loopback


def is_every_address(name: str) -> bool:
    """Whether it stands for all of this machine's addresses."""
    return is_address(name) and ipaddress.ip_address(name).is_unspecified


def is_address(name: str) -> bool:
    """Whether it is an IP address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def in_url(address: str) -> str:
    """An address as URLs have it."""
    return f"[{address}]" if ":" in address else address


def host_and_port(header: str) -> tuple[str, int]:
    """A Host header's name, in small letters, and its port; 80 where it names none, -1 for nonsense."""
    name, colon, port = header.strip().lower().rpartition(":")
    if not colon or port.endswith("]"):
        name, port = header.strip().lower(), "80"
    if name.startswith("[") and name.endswith("]"):
        name = name[1:-1]
    return name, int(port) if port.isascii() and port.isdecimal() and len(port) < 6 else -1

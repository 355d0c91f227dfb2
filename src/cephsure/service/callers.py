"""Who may ask: programs of this machine, or whoever has the token; and what names the server has."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cephsure.errors import InputError
from cephsure.review.access import host_and_port, is_address, is_loopback, is_name_of
from cephsure.text_files import read_text

if TYPE_CHECKING:
    from pathlib import Path

LEAST_TOKEN, MOST_TOKEN = 32, 512
"""Characters of a token. A long random one needs no slow hash: trying all is out of the question."""
OPEN_TO_ALL = "without a token all users and programs of this machine may ask"
NOT_ENCRYPTED = (
    "whoever in the network has the token may ask; what goes over it, films and token, is not encrypted: use "
    "it in a network that you trust, or behind a server with TLS"
)


@dataclass(frozen=True, slots=True)
class Callers:
    """Lets programs in.

    Attributes:
        port: the server's.
        host: the address that it listens on.
        token_sha256: of the token that each request must have; None where none is needed.
        names: other names by which it may be called, such as a proxy's.
    """

    port: int
    host: str
    token_sha256: bytes | None = None
    names: frozenset[str] = frozenset()

    def knows_host(self, header: str) -> bool:
        """Whether a request's Host is this server: else a name of another site was made to lead here.

        With a token any port will do: a container's or a proxy's is another one than the server's.
        """
        name, port = host_and_port(header)
        if name in self.names:
            return True
        return (port == self.port or self.token_sha256 is not None) and is_name_of(name, self.host)

    def lets_in(self, authorization: str) -> bool:
        """Whether a request with this ``Authorization`` may ask."""
        if self.token_sha256 is None:
            return True
        scheme, _, token = authorization.partition(" ")
        given = hashlib.sha256(token.strip().encode("utf-8", "surrogatepass")).digest()
        return hmac.compare_digest(given, self.token_sha256) and scheme.lower() == "bearer"


def check_callers(host: str, *, has_token: bool) -> None:
    """Refuse to listen where others can ask, unless there is a token.

    Raises:
        InputError: there is none, or ``host`` is no address.
    """
    if is_loopback(host) or host == "localhost":
        return
    if not is_address(host):
        raise InputError(f"{host!r} is no address to listen on", remedy="give one such as 127.0.0.1")
    if not has_token:
        raise InputError(
            f"on {host} others in the network could ask", remedy="give a --token-file that they must know"
        )


def token_of(path: Path) -> bytes:
    """The SHA-256 of the token in a file.

    Raises:
        InputError: the file cannot be read, or holds no token that is hard to guess.
    """
    token = read_text(path).strip()
    if not LEAST_TOKEN <= len(token) <= MOST_TOKEN or not token.isascii() or not token.isprintable():
        raise InputError(
            f"holds no token of {LEAST_TOKEN} to {MOST_TOKEN} characters, letters, digits and signs",
            where=path,
            remedy='make one: python -c "import secrets; print(secrets.token_urlsafe(32))"',
        )
    return hashlib.sha256(token.encode()).digest()

"""The socket that a server listens on: taken before anything else is done."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING

from cephsure.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

BACKLOG = 128
"""Connections that may wait to be taken."""


@contextlib.contextmanager
def listening_on(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that listens on an address; port 0 takes a free one.

    Raises:
        InputError: the port is taken, or the address is none of this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=BACKLOG)
        # Connections inherit it; else an answer waits 40 ms until the browser says that it has the head.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"cannot listen on port {port} of {host}: {reason}",
            remedy="give another --port, or 0 for a free one",
        ) from error
    try:
        yield listening
    finally:
        listening.close()

"""Stands before every request of the service: host, origin, token; counts and ends what takes too long."""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from typing import TYPE_CHECKING, Any

from starlette.datastructures import Headers

from cephsure.review.guard import is_of_another_page, refuse, with_headers

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from cephsure.service.callers import Callers
    from cephsure.service.metrics import Metrics

logger = logging.getLogger(__name__)

OPEN_PATHS = frozenset({"/openapi.json", "/v1/health", "/v1/health/live"})
"""What is answered without the token: it tells of no film."""
MOST_HEADERS, MOST_HEAD_BYTES = 100, 32 * 1024
"""What a request may say of itself."""
SEND_SECONDS = 30.0
"""How long a client may leave a part of its answer unread."""
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_BEARER = ((b"www-authenticate", b"Bearer"),)


class ServiceGuard:
    """An ASGI application before the application."""

    def __init__(
        self, app: ASGIApp, callers: Callers, metrics: Metrics, *, send_seconds: float = SEND_SECONDS
    ) -> None:
        self.app, self.callers, self._metrics, self._send_seconds = app, callers, metrics, send_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or refuse it in one line."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.perf_counter(), 499  # as others count a client that went away

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            async with asyncio.timeout(self._send_seconds):
                await send(message)

        answer = with_headers(watched)
        try:
            refusal = self._refusal(scope, Headers(scope=scope))
            if refusal is not None:
                more = _BEARER if refusal[0] == 401 else ()
                await refuse(answer, *refusal, more)
            else:
                await self.app(scope, receive, answer)
        except Exception as error:  # noqa: BLE001 - what it says may be of a film: only its place is told
            logger.error("a request failed: %s", where_of(error))  # noqa: TRY400
        finally:
            self._count(scope, status, time.perf_counter() - began)

    def _refusal(self, scope: Scope, headers: Headers) -> tuple[int, str, str | None] | None:
        """Status, reason and remedy where a request is refused; None where it is let through."""
        if len(scope["headers"]) > MOST_HEADERS or sum(map(_length, scope["headers"])) > MOST_HEAD_BYTES:
            return 431, "the request's headers are too large", None
        host = headers.get("host", "")
        if len(headers.getlist("host")) != 1 or not self.callers.knows_host(host):
            return 421, "this service is not called by this host's name", "see --allow-host of cephsure serve"
        if is_of_another_page(headers, host, scope["path"]):
            return 403, "the request comes from a page in a browser", None
        if scope["path"] in OPEN_PATHS:
            return None
        authorizations = headers.getlist("authorization")
        if len(authorizations) > 1 or not self.callers.lets_in("".join(authorizations)):
            return 401, "the token is missing or wrong", "send the header Authorization: Bearer TOKEN"
        return None

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        # The pattern, not the path, which may hold anything.
        route: Any = scope.get("route")
        known = scope["path"] if scope["path"] in OPEN_PATHS else "none"
        path = getattr(route, "path", None) or known
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._metrics.request(path, method, status, seconds)
        logger.info("%s %s %d %.3f s", method, path, status, seconds)


def _length(header: tuple[bytes, bytes]) -> int:
    return len(header[0]) + len(header[1])


def where_of(error: BaseException) -> str:
    """An error's type and the line that raised it, without its words."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"

"""Stands before every request: host, origin, session, size of what is sent; gives answers their headers."""

from __future__ import annotations

import json
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException

from cephsure.review.access import is_own_origin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from cephsure.review.access import Access

MOST_BODY_BYTES = 256 * 1024
"""What a request may send: the points of a film are a few thousand bytes."""
OPEN_PATHS = frozenset({"/start", "/login", "/favicon.ico"})
"""What is answered without a session."""
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; worker-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'"
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}
_LINKED_PATHS = frozenset({"/", "/start", "/login"})
_TOO_LARGE = "the request is larger than any correction"
_CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_FORM, _JSON = "application/x-www-form-urlencoded", "application/json"


class Guard:
    """An ASGI application before the application."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self.app, self.access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or refuse it in one line."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":  # nothing here is told by sockets
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = Headers(scope=scope)
        answer = with_headers(send)
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await refuse(answer, *refusal)
            return
        await self.app(scope, _limited(receive), answer)

    def _refusal(self, scope: Scope, headers: Headers) -> tuple[int, str] | None:
        """The status and the reason why a request is refused; None where it is let through."""
        method, path, host = scope["method"], scope["path"], headers.get("host", "")
        if len(headers.getlist("host")) != 1 or not self.access.knows_host(host):
            return 421, "this host is not the review page: open the address that cephsure review printed"
        if is_of_another_page(headers, host, path):
            return 403, "the request comes from a page of somebody else"
        if method in _CHANGING and (complaint := _about_body(headers, path)) is not None:
            return complaint
        if path in OPEN_PATHS:
            return None
        scope["session"] = session = self.access.session(_cookie(headers, self.access.cookie))
        if session is None:
            return 401, "not let in: open the address that cephsure review printed"
        return None


def is_of_another_page(headers: Headers, host: str, path: str) -> bool:
    """Whether a page of somebody else, open in a browser, sends a request."""
    return not is_own_origin(headers.get("origin"), host) or (
        headers.get("sec-fetch-site") in {"cross-site", "same-site"} and path not in _LINKED_PATHS
    )


def _about_body(headers: Headers, path: str) -> tuple[int, str] | None:
    """What is wrong with what a request says of its body."""
    wanted = _FORM if path == "/login" else _JSON
    # A form of another site's page can send three types of content, and JSON is none of them.
    if headers.get("content-type", "").partition(";")[0].strip().lower() != wanted:
        return 415, f"what is sent must be {wanted}"
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdecimal()) or len(length) > 9 or int(length) > MOST_BODY_BYTES:
        return 413, _TOO_LARGE
    return None


def _limited(receive: Receive) -> Receive:
    """Count what is received, whatever the headers say of it."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > MOST_BODY_BYTES:
            raise HTTPException(413, _TOO_LARGE)
        return message

    return counted


def with_headers(send: Send) -> Send:
    """Give every answer the headers that it must have."""

    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers[name] = value
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return with_headers


async def refuse(
    send: Send, status: int, what: str, remedy: str | None = None, more: Sequence[tuple[bytes, bytes]] = ()
) -> None:
    """Answer with what is wrong, before the application is asked; with ``more`` headers."""
    body = json.dumps({"error": what, "remedy": remedy}).encode()
    length = str(len(body)).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", length), *more]
    start: dict[str, Any] = {"type": "http.response.start", "status": status, "headers": headers}
    await send(start)
    await send({"type": "http.response.body", "body": body})


def _cookie(headers: Headers, name: str) -> str | None:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return None
    return None if found is None else found.value

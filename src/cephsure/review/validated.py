"""Answers that a browser keeps, and asks each time whether they are still the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import Response

if TYPE_CHECKING:
    from fastapi import Request


def validated(etag: str) -> dict[str, str]:
    """Headers of an answer that is still the same as long as its ETag is."""
    return {"ETag": etag, "Cache-Control": "private, no-cache"}


def unchanged(request: Request, etag: str) -> Response | None:
    """The short answer to a browser that has this already; None for one that has not."""
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=validated(etag))
    return None

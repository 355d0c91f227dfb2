"""The loop: what corrections teach, and what to correct next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from cephsure.review.bodies import Nothing
from cephsure.review.film_routes import session_of

if TYPE_CHECKING:
    from cephsure.review.loop import Loop


def loop_routes(loop: Loop) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/v1/loop")

    @routes.get("")
    def show(request: Request) -> JSONResponse:
        return JSONResponse(loop.document(session_of(request).who))

    @routes.post("/calibrate")
    def calibrate(_: Nothing, request: Request) -> JSONResponse:
        who = session_of(request).who
        loop.calibrate(who)
        return JSONResponse(loop.document(who))

    @routes.post("/apply")
    def apply(_: Nothing, request: Request) -> JSONResponse:
        who = session_of(request).who
        loop.apply(who)
        return JSONResponse(loop.document(who))

    return routes

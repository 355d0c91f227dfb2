"""Films: the queue, one film and its history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from cephsure.projects.records import FilmState, Verdict
from cephsure.review.film_documents import counts, event_row, film_document, queue_document

if TYPE_CHECKING:
    from cephsure.projects import QueueRow
    from cephsure.review.access import Session
    from cephsure.review.desk import Desk

AskedState = Literal[FilmState, "open"]
_DONE = ("reviewed", "referred")


def session_of(request: Request) -> Session:
    """The session of a request, which the guard has let through."""
    session: Session = request.scope["session"]
    return session


def film_routes(desk: Desk) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/v1/films")

    @routes.get("")
    def queue(
        verdict: Verdict | None = None,
        state: AskedState | None = None,
        reason: str | None = None,
        text: str | None = None,
    ) -> JSONResponse:
        last = desk.bulletin.last  # before the rows are read: what comes meanwhile is told again
        rows = desk.queue()
        wanted = [row for row in rows if _is_wanted(row, verdict, state, reason, text)]
        return JSONResponse({"films": queue_document(wanted), "counts": counts(rows), "last": last})

    @routes.get("/{film_id}")
    def film(film_id: int, request: Request) -> JSONResponse:
        found = desk.film(film_id)
        desk.predictor.look_at(film_id)
        _, after = desk.neighbours(film_id)
        if after is not None:
            desk.pictures.read_ahead(desk.film(after).view.film)
        return JSONResponse(film_document(desk, found, session_of(request).who))

    @routes.get("/{film_id}/history")
    def history(film_id: int) -> JSONResponse:
        return JSONResponse({"events": [event_row(event) for event in desk.project.history(film_id)]})

    return routes


def _is_wanted(
    row: QueueRow,
    verdict: Verdict | None,
    state: AskedState | None,
    reason: str | None,
    text: str | None,
) -> bool:
    why = row.unread or row.why or ""
    return (
        (verdict is None or row.verdict == verdict)
        and (state is None or row.state == state or (state == "open" and row.state not in _DONE))
        and (reason is None or reason.casefold() in why.casefold())
        and (text is None or text.casefold() in row.name.casefold())
    )

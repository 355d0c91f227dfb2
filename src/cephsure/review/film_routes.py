"""Films: the queue, one film and its history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from cephsure.projects.records import FilmState, Verdict
from cephsure.review.documents import FilmFacts, FilmHistory, FilmQueue
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


def film_routes(desk: Desk, *, looks_ahead: bool = True) -> APIRouter:
    """The routes; with ``looks_ahead`` a film that is asked for is predicted first, and the next one read."""
    routes = APIRouter(prefix="/v1/films")

    @routes.get("", response_model=FilmQueue)
    def queue(
        verdict: Verdict | None = None,
        state: AskedState | None = None,
        reason: str | None = None,
        text: str | None = None,
    ) -> JSONResponse:
        """The queue, the most doubtful film first."""
        last = desk.bulletin.last  # before the rows are read: what comes meanwhile is told again
        rows = desk.queue()
        wanted = [row for row in rows if _is_wanted(row, verdict, state, reason, text)]
        return JSONResponse({"films": queue_document(wanted), "counts": counts(rows), "last": last})

    @routes.get("/{film_id}", response_model=FilmFacts)
    def film(film_id: int, request: Request) -> JSONResponse:
        """A film: its newest prediction, and what people decided of its points."""
        found = desk.film(film_id)
        if looks_ahead:
            _look_ahead(desk, film_id)
        return JSONResponse(film_document(desk, found, session_of(request).who))

    @routes.get("/{film_id}/history", response_model=FilmHistory)
    def history(film_id: int) -> JSONResponse:
        """All that people did to a film."""
        return JSONResponse({"events": [event_row(event) for event in desk.project.history(film_id)]})

    return routes


def _look_ahead(desk: Desk, film_id: int) -> None:
    desk.predictor.look_at(film_id)
    _, after = desk.neighbours(film_id)
    if after is not None:
        desk.pictures.read_ahead(desk.film(after).view.film)


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

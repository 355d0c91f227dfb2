"""The project as a whole, what changed in it, and how its reader says to mark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from cephsure import __version__
from cephsure.cephalometry import shipped_analyses
from cephsure.review.bodies import Profile
from cephsure.review.film_documents import counts
from cephsure.review.film_routes import session_of

if TYPE_CHECKING:
    from cephsure.review.desk import Desk
    from cephsure.review.reader_profile import ReaderCard

NOTICE = "Research use only. Not a medical device."
MOST_WAIT_S = 25.0


def project_routes(desk: Desk, card: ReaderCard) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/v1")

    @routes.get("/project")
    def project(request: Request) -> JSONResponse:
        return JSONResponse(_project_document(desk, card, session_of(request).who))

    @routes.get("/events")
    async def events(
        after: Annotated[int, Query(ge=0)] = 0,
        wait_s: Annotated[float, Query(ge=0, le=MOST_WAIT_S, allow_inf_nan=False)] = 0.0,
    ) -> JSONResponse:
        await desk.bulletin.wait(after, wait_s)
        last = desk.bulletin.last
        films = desk.bulletin.changed_since(after)
        return JSONResponse(
            {
                "last": last,
                "films": films,
                "counts": counts(desk.queue()),
                "waiting": desk.predictor.waiting,
                "trouble": desk.predictor.trouble,
            }
        )

    @routes.get("/profile")
    def profile(film_id: int | None = None) -> JSONResponse:
        return JSONResponse(card.document(film_id))

    @routes.post("/profile")
    def answer_profile(body: Profile, request: Request) -> JSONResponse:
        if body.skip:
            card.skip()
        else:
            card.answer(body.answers, name=body.name or session_of(request).who)
        return JSONResponse(card.document(None))

    return routes


def _project_document(desk: Desk, card: ReaderCard, who: str) -> dict[str, Any]:
    settings, bundle = desk.project.settings, desk.facts.bundle
    return {
        "name": desk.project.name,
        "folder": str(desk.folder),
        "model": {"name": bundle.name, "kind": bundle.kind},
        "reader": desk.reader_words(),
        "who": who,
        "landmarks": [
            {
                "number": mark.number,
                "code": mark.code,
                "name": mark.name,
                "definition": mark.definition,
                "tissue": mark.tissue,
                "side": mark.side,
            }
            for mark in desk.project.landmark_set.landmarks
        ],
        "analyses": [{"name": name, "title": each.title} for name, each in shipped_analyses().items()],
        "analysis": settings.get("analysis", "isbi"),
        "level": settings.get("level", 0.9),
        "counts": counts(desk.queue()),
        "notice": NOTICE,
        "trouble": desk.predictor.trouble,
        "waiting": desk.predictor.waiting,
        "version": __version__,
        "last_event": desk.bulletin.last,
        "profile": {"needed": card.is_needed},
    }

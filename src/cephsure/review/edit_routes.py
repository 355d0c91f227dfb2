"""What people do to a film: edits of points, undo and redo, its state, its scale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from cephsure.projects import PointEdit, Ruler
from cephsure.review.bodies import Asked, Edits, Scale, State
from cephsure.review.film_documents import point_rows, scale_document
from cephsure.review.film_routes import session_of

if TYPE_CHECKING:
    from cephsure.projects import Recorded
    from cephsure.projects.records import ReviewState
    from cephsure.review.desk import Desk

_STATES: dict[str, ReviewState] = {"reviewed": "reviewed", "referred": "referred", "reopened": "open"}


def edit_routes(desk: Desk) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/v1/films/{film_id}")
    project = desk.project

    @routes.post("/edits")
    def edits(film_id: int, body: Edits, request: Request) -> JSONResponse:
        asked = [
            PointEdit(edit.number, edit.action, edit.x_px, edit.y_px, edit.base_revision)
            for edit in body.edits
        ]
        who = session_of(request).who
        stored = project.record(film_id, asked, who=who, request_id=body.request_id)
        return JSONResponse(_answer(desk, film_id, who, stored))

    @routes.post("/undo")
    def undo(film_id: int, body: Asked, request: Request) -> JSONResponse:
        who = session_of(request).who
        return JSONResponse(
            _answer(desk, film_id, who, project.undo(film_id, who=who, request_id=body.request_id))
        )

    @routes.post("/redo")
    def redo(film_id: int, body: Asked, request: Request) -> JSONResponse:
        who = session_of(request).who
        return JSONResponse(
            _answer(desk, film_id, who, project.redo(film_id, who=who, request_id=body.request_id))
        )

    @routes.post("/state")
    def state(film_id: int, body: State, request: Request) -> JSONResponse:
        who = session_of(request).who
        said = _STATES[body.state]
        stored = project.record_state(film_id, said, who=who, request_id=body.request_id)
        _, after = desk.neighbours(film_id)
        return JSONResponse({**_answer(desk, film_id, who, stored), "next": after})

    @routes.post("/scale")
    def scale(film_id: int, body: Scale, request: Request) -> JSONResponse:
        who = session_of(request).who
        ruler = Ruler(body.start, body.end, body.length_mm)
        stored = project.record_scale(film_id, ruler, who=who, request_id=body.request_id)
        return JSONResponse(_answer(desk, film_id, who, stored))

    return routes


def _answer(desk: Desk, film_id: int, who: str, stored: Recorded) -> dict[str, Any]:
    """What is told of an edit that is stored."""
    desk.bulletin.post(film_id)
    if any(event.about == "scale" for event in stored.events):
        desk.predictor.look_at(film_id)
        desk.predictor.want(film_id)
    view = desk.project.film(film_id, who=who)
    return {
        "points": point_rows(desk.project, view.points),
        "state": view.state,
        "can_undo": bool(view.undo),
        "can_redo": bool(view.redo),
        "event_ids": [event.event_id for event in stored.events],
        "scale": scale_document(desk, desk.film(film_id)),
        "predicting": desk.predictor.is_wanted(film_id),
    }

"""Errors as answers: one line and a remedy, by a status that says whose fault it is."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from cephsure.errors import FilmError, InputError, one_line
from cephsure.projects import Conflict, NoSuchFilm
from cephsure.review.film_documents import point_rows

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import Response

    from cephsure.review.desk import Desk

logger = logging.getLogger(__name__)


def answer_errors(app: FastAPI, desk: Desk | None) -> None:
    """Give an application, with a project's desk or without, its answers to what goes wrong."""

    def of_input(request: Request, error: Exception) -> Response:
        assert isinstance(error, InputError)
        # What the store says of its own file is no fault of the request: it may succeed later.
        is_stores = desk is not None and error.where == desk.project.path
        status = 503 if is_stores else 422 if isinstance(error, FilmError) else 400
        what = error.what if is_stores else str(error).removesuffix(f" ({error.remedy})")
        if isinstance(error, NoSuchFilm):
            status = 404
        if isinstance(error, Conflict) and desk is not None:
            film_id = int(request.path_params["film_id"])
            current = point_rows(desk.project, desk.project.film(film_id).points)
            return told(409, error.what, error.remedy, current=current)
        return told(status, what, error.remedy)

    def of_request(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"] if part != "body")
        return told(422, one_line(f"{place}: {first['msg']}" if place else str(first["msg"])))

    def of_http(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return told(error.status_code, one_line(str(error.detail)))

    def of_ours(_: Request, error: Exception) -> Response:
        logger.error("a request failed", exc_info=error)
        return told(500, f"a failure of cephsure: {type(error).__name__}")

    app.add_exception_handler(InputError, of_input)
    app.add_exception_handler(RequestValidationError, of_request)
    app.add_exception_handler(HTTPException, of_http)
    app.add_exception_handler(Exception, of_ours)


def told(status: int, what: str, remedy: str | None = None, **more: object) -> JSONResponse:
    """An answer that says what is wrong."""
    return JSONResponse({"error": what, "remedy": remedy, **more}, status_code=status)

"""The application: routes behind the guard, and what is said of errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import Depends, FastAPI
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from cephsure.review.answers import answer_errors, told
from cephsure.review.film_routes import film_routes as review_routes
from cephsure.service.export_routes import export_routes
from cephsure.service.film_queue import BusyError, FailedError, LostError, StoppingError
from cephsure.service.film_routes import REVIEW_PROBLEMS, film_routes
from cephsure.service.guard import ServiceGuard, logger
from cephsure.service.idempotency import OtherBodyError
from cephsure.service.openapi import describe
from cephsure.service.status_routes import status_routes

if TYPE_CHECKING:
    from starlette.requests import Request

    from cephsure.service.callers import Callers
    from cephsure.service.reviews import Reviews
    from cephsure.service.service import Service

_RETRY_S = 5


def make_app(service: Service, callers: Callers, reviews: Reviews | None = None) -> ServiceGuard:
    """The ASGI application over a service, and a project if there is one."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url="/openapi.json")
    answer_errors(app, None if reviews is None else reviews.desk)
    _answer_more_errors(app)
    app.include_router(film_routes(service))
    app.include_router(status_routes(service))
    if reviews is not None:
        fresh = [Depends(reviews.freshen)]
        for routes in (review_routes(reviews.desk, looks_ahead=False), export_routes(reviews.desk)):
            app.include_router(routes, dependencies=fresh, tags=["review"], responses=REVIEW_PROBLEMS)
    describe(app, has_token=callers.token_sha256 is not None)
    return ServiceGuard(app, callers, service.metrics)


def _answer_more_errors(app: FastAPI) -> None:
    """Give an application its answers to what goes wrong with the service itself."""

    def of_busy(_: Request, error: Exception) -> Response:
        assert isinstance(error, BusyError)
        answer = told(429, "as many requests are being answered as may be", "ask again later")
        answer.headers["Retry-After"] = str(error.retry_after_s)
        return answer

    def of_stopping(_: Request, _error: Exception) -> Response:
        return _later("the service is being stopped", "ask again when it runs again")

    def of_lost(_: Request, _error: Exception) -> Response:
        what = "the process that reads films ended, or took too long"
        return _later(what, "ask again; a film that does this twice is damaged, or made to do harm")

    def of_failure(_: Request, error: Exception) -> Response:
        if isinstance(error, FailedError):  # others are raised again, and the guard says where
            logger.error("a film failed in the process with the model")
        return told(500, "a failure of cephsure", "the command cephsure predict --debug tells more")

    def of_other_body(_: Request, _error: Exception) -> Response:
        return told(422, "the Idempotency-Key was used for another request", "take a new key for each")

    def of_gone(_: Request, _error: Exception) -> Response:
        return Response(status_code=499)  # nobody is there to read it

    app.add_exception_handler(BusyError, of_busy)
    app.add_exception_handler(StoppingError, of_stopping)
    app.add_exception_handler(LostError, of_lost)
    app.add_exception_handler(FailedError, of_failure)
    app.add_exception_handler(OtherBodyError, of_other_body)
    app.add_exception_handler(ClientDisconnect, of_gone)
    app.add_exception_handler(Exception, of_failure)


def _later(what: str, remedy: str) -> Response:
    answer = told(503, what, remedy)
    answer.headers["Retry-After"] = str(_RETRY_S)
    return answer

"""Films in, predictions and measurements out: what the commands print, for a film that is sent or named."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from fastapi import APIRouter, Header, Request, Response
from pydantic import ValidationError

from cephsure.errors import InputError
from cephsure.service.allowed_paths import read_allowed
from cephsure.service.asked import Analyze, AskedOfModel, Predict
from cephsure.service.documents import Problem
from cephsure.service.jobs import AnalyzeContent, FilmContent, PredictContent
from cephsure.service.openapi import ANALYSIS, PREDICTION, body_of
from cephsure.service.uploads import JSON, received, unless_gone

if TYPE_CHECKING:
    from collections.abc import Callable

    from cephsure.review.child import Job
    from cephsure.service.service import Service
    from cephsure.service.uploads import Received

Options = TypeVar("Options", bound=AskedOfModel)
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=8,
        max_length=100,
        pattern=r"^[A-Za-z0-9._:-]+$",
        description="A name of the caller's own for this request: the same request with it again gets the "
        "first one's answer.",
    ),
]
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": what}
    for status, what in {
        400: "The request cannot be: an option, a path that is not allowed.",
        401: "The token is missing or wrong.",
        408: "The film came too slowly.",
        413: "The film is too large.",
        415: "What is sent is neither a form nor JSON.",
        422: "What was sent is no film that can be read, an option is malformed, or the key was used before.",
        429: "Too many requests: ask again after as many seconds as Retry-After says.",
        500: "A failure of cephsure.",
        503: "The service is being stopped, or lost its process: ask again after Retry-After seconds.",
    }.items()
}

REVIEW_PROBLEMS: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "There is no such film."},
    **{status: PROBLEMS[status] for status in (400, 401, 422, 503)},
}


def film_routes(service: Service) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/v1", tags=["films"], responses=PROBLEMS)

    @routes.post("/predict", responses=PREDICTION, openapi_extra=body_of(Predict), response_class=Response)
    async def predict(request: Request, idempotency_key: IdempotencyKey = None) -> Response:
        """Find a film's landmarks: the line that `cephsure predict --json -` prints for it."""

        def job(film: FilmContent, asked: Predict) -> Job:
            return PredictContent(film, asked.options(service.reader_of(asked.reader)))

        return await _answered(service, request, Predict, job, idempotency_key)

    @routes.post("/analyze", responses=ANALYSIS, openapi_extra=body_of(Analyze), response_class=Response)
    async def analyze(request: Request, idempotency_key: IdempotencyKey = None) -> Response:
        """Measure a film: the line that `cephsure analyze --json -` prints for it."""

        def job(film: FilmContent, asked: Analyze) -> Job:
            return AnalyzeContent(film, asked.options(service.reader_of(asked.reader)))

        return await _answered(service, request, Analyze, job, idempotency_key)

    return routes


async def _answered(
    service: Service,
    request: Request,
    kind: type[Options],
    job: Callable[[FilmContent, Options], Job],
    key: str | None,
) -> Response:
    """Receive what is sent, have the job done in its turn, and answer with its document."""
    with service.queue.place():
        async with received(request, service.limits) as sent:
            asked = _checked(kind, sent.fields)
            service.reader_of(asked.reader)

            async def work() -> bytes:
                found = await service.queue.do(lambda: job(_film(service, sent), asked))
                service.metrics.film(found.verdict)
                text: str = found.text
                return text.encode()

            fingerprint = hashlib.sha256(request.url.path.encode() + sent.digest).digest()
            once = asyncio.create_task(service.remembered.once(key, fingerprint, work))
            return Response(await unless_gone(request, once), media_type=JSON)


def _checked(kind: type[Options], fields: dict[str, Any]) -> Options:
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{place}: {first['msg']}") from None


def _film(service: Service, sent: Received) -> FilmContent:
    """The film's content; of a path only now, in its turn."""
    if sent.film is not None:
        sent.film.seek(0)
        return FilmContent(sent.film.read())
    assert sent.path is not None
    content = read_allowed(sent.path, service.roots, most_bytes=service.limits.most_bytes)
    return FilmContent(content, sent.path)

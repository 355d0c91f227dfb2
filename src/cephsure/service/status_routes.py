"""How the service is, what it can be asked, and what Prometheus is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Response

from cephsure import __version__
from cephsure.cephalometry import shipped_analyses
from cephsure.service.documents import Health, LandmarkFacts, ModelFactsDocument, Models, Version
from cephsure.service.metrics import CONTENT_TYPE

if TYPE_CHECKING:
    from cephsure.service.service import Service


def status_routes(service: Service) -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["status"])

    def health_now() -> Health:
        queue = service.queue
        ready = queue.ready and not queue.is_stopping
        return Health(ready=ready, live=True, requests_in_progress=queue.taken, places=queue.places)

    not_ready: dict[int | str, dict[str, Any]] = {
        503: {"model": Health, "description": "The model is being loaded, or the service is being stopped."}
    }

    @routes.get("/v1/health", responses=not_ready)
    async def health(response: Response) -> Health:
        """Readiness: 200 when films are answered, else 503."""
        found = health_now()
        response.status_code = 200 if found.ready else 503
        return found

    @routes.get("/v1/health/live")
    async def live() -> Health:
        """Liveness: 200 as long as the service runs."""
        return health_now()

    @routes.get("/v1/version")
    async def version() -> Version:
        """What answers."""
        bundle = service.facts.bundle
        return Version(cephsure=__version__, model=bundle.name, model_sha256=bundle.sha256)

    models = Models(models=[_facts(service)])

    @routes.get("/v1/models")
    async def in_memory() -> Models:
        """The model in memory: its points, readers and analyses."""
        return models

    @routes.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    async def metrics() -> Response:
        """Counts for Prometheus; no film is named."""
        return Response(service.metrics.text(service.queue), headers={"content-type": CONTENT_TYPE})

    return routes


def _facts(service: Service) -> ModelFactsDocument:
    facts, bundle = service.facts, service.facts.bundle
    reader = facts.reader(service.reader)
    return ModelFactsDocument(
        name=bundle.name,
        kind=bundle.kind,
        recipe=bundle.recipe.name,
        sha256=bundle.sha256,
        members=len(bundle.members),
        landmark_set=bundle.landmark_set.name,
        landmarks=[
            LandmarkFacts(number=mark.number, code=mark.code, name=mark.name, definition=mark.definition)
            for mark in bundle.landmark_set.landmarks
        ],
        calibrated=facts.calibration is not None,
        gate=facts.gate is not None,
        readers=list(service.readers),
        default_reader=None if reader is None else reader.for_whom,
        analyses=list(shipped_analyses()),
    )

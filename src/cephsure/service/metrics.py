"""What Prometheus is told: how many requests, how long they take, how many wait; never a film's name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from cephsure import __version__

if TYPE_CHECKING:
    from cephsure.service.film_queue import FilmQueue

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 180)


class Metrics:
    """The service's own counts, apart from those of other parts of a program."""

    def __init__(self, model: str) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        Gauge("cephsure_info", "Version and model.", ["version", "model"], registry=registry).labels(
            __version__, model
        ).set(1)
        self._requests = Counter(
            "cephsure_requests", "Requests answered.", ["route", "method", "status"], registry=registry
        )
        self._seconds = Histogram(
            "cephsure_request_seconds",
            "From a request's head to the end of its answer.",
            ["route"],
            buckets=SECONDS,
            registry=registry,
        )
        self._films = Histogram(
            "cephsure_film_seconds",
            "What the process with the model takes for a film.",
            buckets=SECONDS,
            registry=registry,
        )
        self._verdicts = Counter("cephsure_films", "Films answered.", ["verdict"], registry=registry)
        self._taken = Gauge(
            "cephsure_requests_in_progress", "Requests for films, waiting or worked on.", registry=registry
        )
        self._ready = Gauge("cephsure_ready", "Whether the model is loaded.", registry=registry)

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request; ``route`` is its pattern, with no names in it."""
        self._requests.labels(route, method, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def film_took(self, seconds: float) -> None:
        """Count the time of a film."""
        self._films.observe(seconds)

    def film(self, verdict: str | None) -> None:
        """Count a film by its verdict."""
        self._verdicts.labels(verdict or "none").inc()

    def text(self, queue: FilmQueue) -> bytes:
        """All of it in Prometheus' text format."""
        self._taken.set(queue.taken)
        self._ready.set(queue.ready)
        found: bytes = generate_latest(self._registry)
        return found

"""Serves until it is stopped: finishes what it has begun, takes nothing new, ends its process."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import uvicorn

from cephsure.errors import InputError
from cephsure.review.access import LOOPBACK, in_url, is_every_address
from cephsure.review.child import Child, FailedError, LostError
from cephsure.review.listening import BACKLOG, listening_on
from cephsure.review.model_facts import ModelFacts
from cephsure.review.model_process import QuietModel
from cephsure.service.allowed_paths import checked_roots
from cephsure.service.app import make_app
from cephsure.service.callers import Callers, check_callers, token_of
from cephsure.service.connections import ImpatientProtocol
from cephsure.service.film_queue import FilmQueue
from cephsure.service.metrics import Metrics
from cephsure.service.reviews import Reviews
from cephsure.service.service import Service
from cephsure.service.uploads import UploadLimits
from cephsure.workflows.batch import DEFAULT_MODEL

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from pathlib import Path
    from types import FrameType

    from cephsure.inference.session import Device

PLACES = 64
GRACE_S = 30.0
_MOST_CONNECTIONS = 900
"""Fewer than the files that a process may usually have open."""
_CLOSING_S = 2


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """How to serve.

    Attributes:
        port: 0 takes a free one.
        host: the address to listen on.
        model: a shipped model's name or a bundle's folder.
        device: where it is computed.
        reader: whose marks are foretold if a request does not say; a name or a file.
        roots: folders whose films a request may name.
        project: whose review state and exports are read; None for none.
        token_file: holds the token that a request must have; needed beyond this machine.
        names: other names by which the service may be called.
        places: requests for films that are answered at once, waiting ones among them.
        grace_s: what may be finished in this time when the service is stopped.
        limits: of what a request sends.
    """

    port: int = 0
    host: str = LOOPBACK
    model: str = DEFAULT_MODEL
    device: Device = "cpu"
    reader: str | None = None
    roots: tuple[Path, ...] = ()
    project: Path | None = None
    token_file: Path | None = None
    names: tuple[str, ...] = ()
    places: int = PLACES
    grace_s: float = GRACE_S
    limits: UploadLimits = field(default_factory=UploadLimits)


class Server(uvicorn.Server):
    """Finishes what is asked before it ends; a second signal ends it at once."""

    def __init__(
        self, config: uvicorn.Config, queue: FilmQueue, *, grace_s: float, on_started: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self.trouble: Exception | None = None
        self._queue, self._grace_s, self._on_started = queue, grace_s, on_started
        self._tasks: set[asyncio.Task[None]] = set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, and to load the model."""
        await super().startup(sockets)
        if self.started:
            self._loop = asyncio.get_running_loop()
            self._on_started()
            self._begin(self._load())

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Be asked to stop."""
        if self._queue.is_stopping or not self.started:
            super().handle_exit(sig, frame)
            self.force_exit = True
            return
        self._loop.call_soon_threadsafe(lambda: self._begin(self._stop()))

    def _begin(self, work: object) -> None:
        task: asyncio.Task[None] = self._loop.create_task(work)  # type: ignore[arg-type]
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _load(self) -> None:
        try:
            await self._queue.start()
        except (InputError, FailedError, LostError) as error:
            if not self._queue.is_stopping:
                self.trouble = error
                self.should_exit = True

    async def _stop(self) -> None:
        await self._queue.stop(self._grace_s)
        self.should_exit = True


def serve(
    options: ServeOptions, *, on_ready: Callable[[str], None], tell: Callable[[str], None] = lambda _: None
) -> None:
    """Serve until SIGINT or SIGTERM, and return when all is closed.

    Args:
        options: how.
        on_ready: is given the service's address as soon as it is answered; the model may still be loading.
        tell: is told what the user should know, a line each.

    Raises:
        InputError: model, reader, token, a folder or the address cannot be used.
    """
    check_callers(options.host, has_token=options.token_file is not None)
    token = None if options.token_file is None else token_of(options.token_file)
    roots = checked_roots(options.roots)
    facts = ModelFacts.of(options.model)
    facts.reader(options.reader)  # complains of what is none
    with contextlib.ExitStack() as stack:
        listening = stack.enter_context(listening_on(options.host, options.port))
        port = listening.getsockname()[1]
        names = frozenset(name.lower() for name in options.names)
        callers = Callers(port, options.host, token, names)
        metrics = Metrics(facts.bundle.name)
        child = Child(QuietModel, options.model, options.device, name="cephsure-model")
        queue = FilmQueue(child, places=options.places, on_film=metrics.film_took)
        stack.callback(queue.end)
        reviews = None if options.project is None else Reviews(options.project, facts)
        if reviews is not None:
            stack.callback(reviews.close)
        service = Service(facts, queue, metrics, roots, options.reader, options.limits)
        config = uvicorn.Config(
            make_app(service, callers, reviews),
            http=ImpatientProtocol,
            ws="none",
            log_config=None,
            log_level="critical",  # its lines repeat what a request says of itself
            access_log=False,
            server_header=False,
            lifespan="off",
            limit_concurrency=_MOST_CONNECTIONS,
            timeout_graceful_shutdown=_CLOSING_S,
            backlog=BACKLOG,
        )
        shown = LOOPBACK if is_every_address(options.host) else options.host
        url = f"http://{in_url(shown)}:{port}"
        server = Server(config, queue, grace_s=options.grace_s, on_started=lambda: on_ready(url))
        with contextlib.suppress(KeyboardInterrupt):  # uvicorn raises the signal again when all is closed
            server.run(sockets=[listening])
        if server.trouble is not None:
            raise server.trouble
        tell("stopped: what was begun is done")

"""Films go through the process with the model one after the other; so many requests at once, no more."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from cephsure.review.child import FailedError, LostError
from cephsure.service.jobs import WarmUp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cephsure.review.child import Child, Job
    from cephsure.review.model_process import QuietModel

FILM_SECONDS = 180.0
"""What a film may take, a slow machine's networks included."""
MOST_RETRY_S = 60
_WARM_UP_SECONDS = 600.0
_FIRST_GUESS_S = 1.0
_SMOOTHING = 0.2


class BusyError(Exception):
    """As many requests are being answered as may be; ``retry_after_s`` says when to ask again."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__()
        self.retry_after_s = retry_after_s


class StoppingError(Exception):
    """The service is being stopped."""


class FilmQueue:
    """Keeps the process with the model at work.

    Attributes:
        ready: whether the model is loaded.
        taken: requests that are being answered, from before their films have arrived.
        seconds: what a film takes, a running mean.
    """

    def __init__(
        self,
        child: Child[QuietModel],
        *,
        places: int,
        on_film: Callable[[float], None],
        seconds: float = FILM_SECONDS,
    ) -> None:
        self.places, self.ready, self.taken, self.seconds = places, False, 0, _FIRST_GUESS_S
        self._child, self._most_seconds, self._on_film = child, seconds, on_film
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="cephsure-model")
        self._stopping = self._ended = False
        self._idle = asyncio.Event()

    @property
    def is_stopping(self) -> bool:
        """Whether no new requests are taken."""
        return self._stopping

    async def start(self) -> None:
        """Load the model; raises what the process raises where it cannot be used."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, lambda: self._child.do(WarmUp(), seconds=_WARM_UP_SECONDS))
        self.ready = True

    @contextlib.contextmanager
    def place(self) -> Iterator[None]:
        """A place for one request, as long as it is answered.

        Raises:
            BusyError: there is none.
            StoppingError: no more are given.
        """
        if self._stopping:
            raise StoppingError
        if self.taken >= self.places:
            wait_s = math.ceil(self.taken * self.seconds / 2)  # when half of the places are free
            raise BusyError(min(max(wait_s, 1), MOST_RETRY_S))
        self.taken += 1
        self._idle.clear()
        try:
            yield
        finally:
            self.taken -= 1
            if not self.taken:
                self._idle.set()

    async def do(self, make_job: Callable[[], Job]) -> Any:
        """Do a job as soon as those before it are done; cancelled while it waits, it is dropped.

        ``make_job`` is called in its turn, so that only one film's content is in memory.

        Raises:
            InputError: the input is at fault.
            FailedError: we are.
            LostError: the process ended.
            StoppingError: the service was stopped while the job waited.
        """
        if self._ended:
            raise StoppingError
        future = self._thread.submit(self._work, make_job)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            if self._ended and future.cancelled():
                raise StoppingError from None
            raise

    def _work(self, make_job: Callable[[], Job]) -> Any:
        job = make_job()
        began = time.perf_counter()
        try:
            return self._child.do(job, seconds=self._most_seconds)
        finally:
            took = time.perf_counter() - began
            self.seconds += _SMOOTHING * (took - self.seconds)
            self._on_film(took)

    async def stop(self, grace_s: float) -> None:
        """Take no more requests, finish what is being answered within a time, and end the process."""
        self._stopping = True
        if self.taken:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), grace_s)
        self.end()

    def end(self) -> None:
        """End the process; what waits is dropped."""
        self._stopping = self._ended = True
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._child.end()


__all__ = ["BusyError", "FailedError", "FilmQueue", "LostError", "StoppingError"]

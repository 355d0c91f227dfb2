"""A process beside the server that does what may crash, hang or take its time: one job after the other.

Films come from anywhere; what is made to do harm ends this process at most, and the next job has a new one.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from cephsure.errors import InputError, one_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

Desk = TypeVar("Desk")

START_SECONDS = 120.0
"""What a new process may need for its imports on a busy machine, beside the first job's own time."""
_END_SECONDS = 2.0


class Job(Protocol):
    """Something to be done in the process; it and its result are picklable."""

    def run(self, desk: Any, tell: Callable[[str, int, int], None]) -> Any:
        """Do it; ``desk`` is what the process keeps, ``tell`` takes what is counted, how many of how many."""
        ...


class LostError(Exception):
    """The process ended, or did not answer in time, while it did a job."""


class FailedError(Exception):
    """A job failed by a failure of ours; its text is one line."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the process says: how far it is, the result, or what went wrong."""

    result: Any = None
    error: Exception | None = None
    progress: tuple[str, int, int] | None = None


class Child(Generic[Desk]):
    """A process that is started when a job needs it, and again after it was lost."""

    def __init__(self, make_desk: Callable[..., Desk], *arguments: Any, name: str) -> None:
        self._make_desk, self._arguments, self._name = make_desk, arguments, name
        self._process: SpawnProcess | None = None
        self._connection: Connection | None = None
        self._turn = threading.Lock()
        self._ended = False

    @property
    def pid(self) -> int | None:
        """The running process's identifier."""
        process = self._process
        return None if process is None else process.pid

    def do(
        self, job: Job, *, seconds: float, on_progress: Callable[[str, int, int], None] | None = None
    ) -> Any:
        """Do a job and give its result.

        Args:
            job: one at a time; others wait.
            seconds: what it may take, from one word of its progress to the next.
            on_progress: is told how far it is.

        Raises:
            InputError: the input is at fault.
            FailedError: we are.
            LostError: the process was killed, crashed, or did not answer in time; it is ended.
        """
        with self._turn:
            connection, extra = self._started()
            try:
                connection.send(job)
                answer = self._receive(connection, seconds + extra)
                while answer.progress is not None:
                    if on_progress is not None:
                        on_progress(*answer.progress)
                    answer = self._receive(connection, seconds)
            except (EOFError, OSError) as error:
                self._end()
                raise LostError("its process ended") from error
            except BaseException:  # its answer would be taken for the next job's
                self._end()
                raise
        if answer.error is not None:
            raise answer.error
        return answer.result

    def _receive(self, connection: Connection, seconds: float) -> _Answer:
        if not connection.poll(seconds):
            raise LostError(f"its process did not answer within {seconds:.0f} s")
        received: _Answer = connection.recv()
        return received

    def _started(self) -> tuple[Connection, float]:
        """The connection to the process, and how many seconds a new one may need to start."""
        if self._ended:
            raise LostError("it has ended")
        if self._process is not None and self._connection is not None and self._process.is_alive():
            return self._connection, 0.0
        self._end()
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        self._process = context.Process(
            target=work, args=(theirs, self._make_desk, self._arguments), name=self._name, daemon=True
        )
        self._process.start()
        theirs.close()
        self._connection = ours
        return ours, START_SECONDS

    def end(self) -> None:
        """End the process for good; a job that it does is lost."""
        self._ended = True
        self._end()

    def _end(self) -> None:
        process, connection = self._process, self._connection
        self._process = self._connection = None
        if process is not None:
            process.kill()
            process.join(_END_SECONDS)
        if connection is not None:
            connection.close()


def work(connection: Connection, make_desk: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    """Do jobs until the server has gone: what the process runs."""
    with contextlib.suppress(ValueError):  # elsewhere than in the main thread there is nothing to ignore
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is meant for the server, which ends this
    desk = None
    while True:
        try:
            job = connection.recv()
        except (EOFError, OSError):
            return
        try:
            desk = make_desk(*arguments) if desk is None else desk
            answer = _Answer(job.run(desk, _teller(connection)))
        except InputError as error:
            answer = _Answer(error=error)
        except Exception as error:  # noqa: BLE001 - a failure of one job must not end the others
            answer = _Answer(error=FailedError(one_line(f"{type(error).__name__}: {error}")))
        try:
            connection.send(answer)
        except OSError:
            return


def _teller(connection: Connection) -> Callable[[str, int, int], None]:
    last = [-1.0]

    def tell(what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if done == total or now - last[0] > 0.1:
            last[0] = now
            connection.send(_Answer(progress=(what, done, total)))

    return tell

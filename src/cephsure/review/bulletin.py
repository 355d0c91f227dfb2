"""What changed, for pages that wait to be told: each change has a number, and each film its last one."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from dataclasses import dataclass, field


@dataclass(slots=True)
class Bulletin:
    """Numbers changes since the server was started; threads may post, event loops may wait.

    Attributes:
        last: the last change's number; 0 where there is none.
    """

    last: int = 0
    _films: dict[int, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = field(default_factory=set)
    _closed: bool = False

    def post(self, *films: int) -> int:
        """Say that some films changed, or with none that something else did; the change's number."""
        with self._lock:
            self.last += 1
            self._films.update(dict.fromkeys(films, self.last))
            self._wake()
            return self.last

    def close(self) -> None:
        """End all waiting: the server ends."""
        with self._lock:
            self._closed = True
            self._wake()

    def changed_since(self, number: int) -> list[int]:
        """The films that changed after a change; all that ever did where its number is of another run."""
        with self._lock:
            after = number if number <= self.last else 0
            return sorted(film for film, last in self._films.items() if last > after)

    def number_of(self, film: int) -> int:
        """The number of a film's last change; 0 where there is none."""
        return self._films.get(film, 0)

    async def wait(self, number: int, seconds: float) -> None:
        """Wait until something changes after a change, the time is over, or the server ends."""
        told = asyncio.Event()
        entry = (asyncio.get_running_loop(), told)
        with self._lock:
            # A number of another run of the server: whoever has it must look at everything again.
            if self._closed or number != self.last:
                return
            self._waiting.add(entry)
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(told.wait(), seconds)
        finally:
            with self._lock:
                self._waiting.discard(entry)

    def _wake(self) -> None:
        for loop, told in self._waiting:
            with contextlib.suppress(RuntimeError):  # a loop that was closed meanwhile
                loop.call_soon_threadsafe(told.set)

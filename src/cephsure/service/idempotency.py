"""The same request again, after an answer that did not arrive: it gets the first one's answer."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

MOST_ANSWERS, MOST_BYTES = 256, 16 * 2**20
"""What is remembered; the oldest answers are forgotten first, and all when the service stops."""


class OtherBodyError(Exception):
    """The key was used for another request."""


@dataclass(slots=True)
class _Entry:
    fingerprint: bytes
    task: asyncio.Task[bytes]
    waiting: int = 0


class Remembered:
    """Answers by the keys of their requests."""

    def __init__(self, *, most_answers: int = MOST_ANSWERS, most_bytes: int = MOST_BYTES) -> None:
        self._most_answers, self._most_bytes = most_answers, most_bytes
        self._entries: OrderedDict[str, _Entry] = OrderedDict()

    async def once(
        self, key: str | None, fingerprint: bytes, answer: Callable[[], Coroutine[Any, Any, bytes]]
    ) -> bytes:
        """The answer to a request: of the first one with its key, which may still be worked on.

        Only answers are remembered: after an error the same request is tried anew. When all who wait for an
        answer have gone, the work on it is cancelled.

        Raises:
            OtherBodyError: the key was used for a request of another ``fingerprint``.
        """
        if key is None:
            return await answer()
        entry = self._entries.get(key)
        if entry is None:
            entry = self._entries[key] = _Entry(fingerprint, asyncio.create_task(answer()))
            entry.task.add_done_callback(lambda task: self._done(key, task))
        elif entry.fingerprint != fingerprint:
            raise OtherBodyError
        entry.waiting += 1
        try:
            return await asyncio.shield(entry.task)
        finally:
            entry.waiting -= 1
            if not entry.waiting and not entry.task.done():
                self._entries.pop(key, None)
                entry.task.cancel()

    def _done(self, key: str, task: asyncio.Task[bytes]) -> None:
        entry = self._entries.get(key)
        if entry is None or entry.task is not task:
            return
        if task.cancelled() or task.exception() is not None:
            del self._entries[key]
            return
        done = [(each, entry) for each, entry in self._entries.items() if entry.task.done()]
        held = sum(len(entry.task.result()) for _, entry in done)
        for oldest, entry in done:
            if len(done) <= self._most_answers and held <= self._most_bytes:
                break
            held -= len(entry.task.result())
            del self._entries[oldest]
            done = done[1:]

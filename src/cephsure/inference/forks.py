"""What networks need where a process is forked: threads that are there, and a word where nothing will work.

A forked process has the memory of its parent but none of its threads, and no place on its GPU; and what
another thread was computing when it was forked, holding a lock, nobody ever finishes there.
"""

from __future__ import annotations

import os
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any

from cephsure.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future


class Threads(Executor):
    """As many threads as there are cores; a forked process has its own."""

    def __init__(self) -> None:
        self._pools: dict[int, ThreadPoolExecutor] = {}

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Do something in one of the threads."""
        pool = self._pools.get(os.getpid())
        if pool is None:
            made = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="cephsure")
            pool = self._pools.setdefault(os.getpid(), made)  # the first of two that come together
        return pool.submit(fn, *args, **kwargs)


class _Work:
    """How many networks are being computed in this process, and whether some were when it was forked."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.going_on = 0
        self.cut_off = False

    def begin_again(self) -> None:
        """In a forked process nothing goes on, whatever its parent was doing."""
        self.cut_off |= self.going_on > 0
        self.going_on = 0
        self.lock.release()


_work = _Work()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_work.lock.acquire, after_in_parent=_work.lock.release, after_in_child=_work.begin_again
    )


@contextmanager
def computing(loaded_in: int, *, survives: bool) -> Iterator[None]:
    """Compute a network that was loaded in the process ``loaded_in``; ``survives``: whether a fork of it too.

    Raises:
        InputError: this is a fork of that process, in which the network cannot be computed.
    """
    if loaded_in != os.getpid() and (_work.cut_off or not survives):
        why = "on a GPU" if not survives else "while it was computing"
        raise InputError(
            f"the model was loaded before this process was forked, {why}: it cannot be used here",
            remedy="load it in the new process, or start that with the method 'spawn'",
        )
    with _work.lock:
        _work.going_on += 1
    try:
        yield
    finally:
        with _work.lock:
            _work.going_on -= 1

"""A child process that decodes what may crash, hang or eat memory: one film is lost then, never the batch.

Native decoders of compressed DICOM, libtiff, and libjpeg with many scans run here. A child is started when
the first film needs it and kept for the next; each thread that decodes at the same time has its own. After a
fork, each process starts its own. A decoding that takes too long is ended with its process, by its computing
time, so that a busy machine costs no film; where the system can limit a process's memory, it is limited.

What comes back is numbers and text (`cephsure.films.messages`): none of it is executed.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import asdict
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure.errors import FilmError
from cephsure.films.messages import receive, send

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.films.film import ReadLimits

START_SECONDS = 60.0  # a child imports its libraries once; machines under load take long
KEPT = 4  # children at rest; more are ended

_OUT_OF_TIME = {-getattr(signal, name, 0) for name in ("SIGPROF", "SIGALRM")} - {0}  # as exit statuses

_MAIN = "cephsure.films.child_main"
_CODE = f"""
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from {_MAIN} import main
main()
"""

_lock = threading.Lock()
_resting: list[_Child] = []
_owner = os.getpid()


class DecoderError(Exception):
    """What a library raised on content that it cannot decode."""


class _LostError(Exception):
    """The child ended, or was ended, in the middle of a film: whether because of its time."""

    def __init__(self, *, by_time: bool) -> None:
        super().__init__()
        self.by_time = by_time


class _Child:
    """One process that decodes, one film at a time."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - this very interpreter
            [sys.executable, "-X", "utf8", "-c", _CODE, json.dumps(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        self._prepared: set[str] = set()

    def prepare(self, what: str) -> None:
        """Have the libraries of a task imported, before the first one's time begins."""
        if what in self._prepared:
            return
        try:
            self._exchange({"prepare": what}, b"", seconds=START_SECONDS, most_bytes=0)
        except _LostError:
            raise FilmError(
                "the process that decodes such films could not be started",
                remedy="see whether memory is short",
            ) from None
        self._prepared.add(what)

    def decode(
        self, task: dict[str, Any], data: bytes, limits: ReadLimits
    ) -> tuple[dict[str, Any], bytearray]:
        return self._exchange(
            task, data, seconds=limits.max_waiting_s, most_bytes=16 * limits.max_pixels + 2**20
        )

    def _exchange(
        self, task: dict[str, Any], data: bytes, *, seconds: float, most_bytes: int
    ) -> tuple[dict[str, Any], bytearray]:
        """Send a task and wait for its answer; the process is ended when the time is over."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        # A timer, since pipes know no time limit on every system: at its end the read below comes to nothing.
        is_late = threading.Event()

        def end_late() -> None:
            is_late.set()
            self._process.kill()

        ending = threading.Timer(seconds, end_late)
        ending.daemon = True
        ending.start()
        try:
            send(stdin, task, data)
            answer = receive(stdout, most_bytes=most_bytes)
        except (OSError, ValueError):
            answer = None
        finally:
            ending.cancel()
        if answer is None:
            self.end()
            raise _LostError(by_time=is_late.is_set() or self._process.returncode in _OUT_OF_TIME)
        return answer

    def end(self) -> None:
        """End the process and wait for it."""
        self._process.kill()
        for stream in (self._process.stdin, self._process.stdout):
            try:
                if stream is not None:
                    stream.close()
            except OSError:  # what was not sent
                continue
        self._process.wait()

    def forget(self) -> None:
        """After a fork: close this process's ends of the pipes; the child belongs to another one."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                os.close(stream.fileno())


def decode(what: str, data: bytes, limits: ReadLimits, **options: Any) -> tuple[NDArray[Any], dict[str, Any]]:
    """Decode ``data`` in a child: the array, and what else the task tells.

    ``what`` names the task in `cephsure.films.child_main`, ``options`` are its own.

    Raises:
        FilmError: what the task raises; or that decoding took too long, too much memory, or crashed.
        DecoderError: whatever else a library raised on the content.
    """
    if not sys.executable or getattr(sys, "frozen", False):  # a program without an interpreter beside it
        task_of = import_module(_MAIN).task_of(what)  # not at the top: it imports those who call this
        found: tuple[NDArray[Any], dict[str, Any]] = task_of(data, limits, **options)
        return found
    task = {"what": what, "options": options, "limits": asdict(limits)}
    child = _child()
    try:
        child.prepare(what)
        note, body = child.decode(task, data, limits)
    except _LostError as lost:
        what = (
            f"its decoder crashed, or took more than {limits.max_decoding_bytes / 2**30:.2g} GiB: too large"
        )
        if lost.by_time:
            what = f"decoding it takes more than {limits.max_decoding_s:g} s: too large"
        raise FilmError(
            f"{what}, damaged, or made to do harm", remedy="export the film anew, uncompressed or as PNG"
        ) from None
    except BaseException:  # interrupted: its answer would be taken for the next film's
        child.end()
        raise
    _rest(child)
    if "error" in note:
        raise FilmError(note["error"], remedy=note.get("remedy"))
    if "failure" in note:
        raise DecoderError(note["failure"])
    return np.frombuffer(body, dtype=note["dtype"]).reshape(note["shape"]), note["said"]


def _child() -> _Child:
    with _lock:
        if _resting:
            return _resting.pop()
    return _Child()


def _rest(child: _Child) -> None:
    with _lock:
        if len(_resting) < KEPT:
            _resting.append(child)
            return
    child.end()


def end_children() -> None:
    """End the children at rest; the next film that needs one starts another."""
    with _lock:
        children = list(_resting)
        _resting.clear()
    for child in children:
        child.end()


def _after_fork() -> None:
    global _lock  # noqa: PLW0603 - a lock that another thread held while forking is never released here
    _lock = threading.Lock()
    for child in _resting:
        child.forget()
    _resting.clear()


atexit.register(end_children)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

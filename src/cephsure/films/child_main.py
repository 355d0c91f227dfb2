"""The process that decodes: tasks come by its standard input, arrays go by its standard output."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from cephsure.errors import FilmError
from cephsure.films.film import ReadLimits
from cephsure.films.messages import receive, send

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Task = Callable[..., tuple[NDArray[Any], dict[str, Any]]]

_MOST_BYTES = 2**31
_GRACE_S = 5.0  # after which it ends itself, should nobody else have done so
_ENDING = ("SIGPROF", "SIGALRM")  # of the timers for computing time and for time by the clock


def main() -> None:
    """Answer tasks until the standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # meant for the program, which ends this process itself
    for name in _ENDING:  # which the program may have ignored
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
    tasks_in = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    # Whatever a library prints must not come between the answers.
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    serve(tasks_in, answers)


def serve(tasks_in: IO[bytes], answers: IO[bytes]) -> None:
    """Answer tasks until they end, each within its limits."""
    taken = 0
    while (message := receive(tasks_in, most_bytes=_MOST_BYTES)) is not None:
        task, data = message
        if "prepare" in task:
            _limit_memory(None)
            task_of(task["prepare"])
            taken = _taken_bytes()
            send(answers, {})
            continue
        limits = ReadLimits(**task["limits"])
        _limit_memory(taken + limits.max_decoding_bytes if taken else None)
        _limit_time(limits.max_decoding_s, limits.max_waiting_s + _GRACE_S)
        note, body = _answer(task_of(task["what"]), bytes(data), limits, task["options"])
        del message, data
        send(answers, note, body)
        _limit_time(0, 0)


def task_of(what: str) -> Task:
    """The task of a name, its libraries imported."""
    if what == "raster":
        from cephsure.films.raster import decode_task as decode_raster

        return decode_raster
    from cephsure.films.dicom_pixels import decode_task as decode_dicom
    from cephsure.films.dicom_pixels import import_decoders

    import_decoders()
    return decode_dicom


def _answer(
    task: Task, data: bytes, limits: ReadLimits, options: dict[str, Any]
) -> tuple[dict[str, Any], bytes | memoryview]:
    try:
        array, said = task(data, limits, **options)
    except FilmError as error:
        return {"error": error.what, "remedy": error.remedy}, b""
    except MemoryError:
        return {"error": "the image does not fit into memory", "remedy": None}, b""
    except Exception as error:  # noqa: BLE001 - Pillow, pydicom and the decoders raise nearly anything
        return {"failure": f"{str(error) or type(error).__name__}"[:1000]}, b""
    array = np.ascontiguousarray(array)
    return {"dtype": array.dtype.str, "shape": array.shape, "said": said}, memoryview(array.data).cast("B")


def _taken_bytes() -> int:
    """The address space that the process has taken; 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * os.sysconf(
            "SC_PAGE_SIZE"
        )
    except (AttributeError, OSError, ValueError):
        return 0


def _limit_memory(most_bytes: int | None) -> None:
    """Limit the process's address space, or no more; on macOS and Windows the time limit holds alone."""
    try:
        import resource

        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        soft = hard if most_bytes is None else most_bytes
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ImportError, OSError, ValueError):
        return


def _limit_time(computing_s: float, waiting_s: float) -> None:
    """End this process after so much time of computing, or by the clock; 0 for never. Not on Windows."""
    if hasattr(signal, "setitimer") and sys.platform != "win32":
        signal.setitimer(signal.ITIMER_PROF, computing_s)
        signal.setitimer(signal.ITIMER_REAL, waiting_s)

"""The process of one job: it knows its run's own process before it loads anything, and ends with it.

``python -m cephsure.training.job_process PARENT RUN JOB THREADS DEVICE RECIPE EVERY``; PARENT is the number
of the run's process, the others are as ``worker.main`` takes them. Nothing heavy is imported here: torch
takes seconds, in which the run may be gone.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_LOOK_SECONDS = 0.2


def end_with_parent(parent: int, end: Callable[[int], object] = os._exit) -> None:
    """Leave as soon as the run's own process is gone, however it went and be it gone already."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK_SECONDS)
        end(1)

    if os.getppid() != parent:
        end(1)
    threading.Thread(target=watch, daemon=True).start()


def main(arguments: list[str]) -> None:
    """Do the job that the command line names."""
    parent, *job = arguments
    end_with_parent(int(parent))
    from cephsure.training.worker import main as work

    work(job)


if __name__ == "__main__":
    main(sys.argv[1:])

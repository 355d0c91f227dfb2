"""Jobs for a process beside a server, in a module of their own: that process imports it too."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass

from cephsure.errors import FilmError


@dataclass(frozen=True)
class Say:
    """What to do in the process."""

    what: str = "pid"

    def run(self, desk, tell):
        if self.what == "refuse":
            raise FilmError("is no film", where="a.png", remedy="give another")
        if self.what == "fail":
            raise ZeroDivisionError("by\nzero")
        if self.what == "crash":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.what == "hang":
            time.sleep(60)
        if self.what == "count":
            for step in range(3):
                tell("films", step + 1, 3)
                time.sleep(0.15)
        return desk, os.getpid()


def make_desk(name):
    return f"desk of {name}"

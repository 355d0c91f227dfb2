"""How far work is, on standard error: a bar in a terminal once it takes long, elsewhere lines."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import TYPE_CHECKING

from cephsure.file_names import writable

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

PATIENCE_SECONDS = 2.0
"""Shorter work shows no bar."""
LINE_SECONDS = 10.0
_FRAME_SECONDS = 0.25
_WIDEST_BAR = 30
_USUAL_COLUMNS = 80

_writing = threading.RLock()  # who writes to standard error: the one at work, or the bar's own thread
_drawn = 0  # columns that a bar takes in the terminal's last line


def write_line(line: str) -> None:
    """Print a line on standard error, above the bar where one is drawn."""
    with _writing:
        _clear()
        sys.stdout.flush()  # so that both streams keep their order in one terminal or log
        print(writable(line), file=sys.stderr, flush=True)  # noqa: T201 - the one place that talks to the user


class Meter:
    """Shows how far work is, while it is entered: by a thread of its own, so also where a step takes long.

    In a terminal a bar once two seconds have passed; elsewhere a line every ten seconds, as in "films: 12 of
    30", of what is counted.

    Args:
        quiet: show nothing.
        waits: show also that work goes on where nothing is counted.

    Attributes:
        what: is counted, "" for nothing.
        done: how many are done.
        total: how many there are.
    """

    def __init__(self, *, quiet: bool = False, waits: bool = True) -> None:
        self.what, self.done, self.total = "", 0, 0
        self._waits, self._ended = waits, threading.Event()
        self._begun = self._since = self._first = self._last = time.monotonic()
        show = self._draw_bars if sys.stderr.isatty() else self._write_lines
        self._thread = None if quiet else threading.Thread(target=show, name="cephsure-meter", daemon=True)

    def __enter__(self) -> Self:
        """Begin."""
        if self._thread is not None:
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End; the bar vanishes."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def count(self, what: str, done: int, total: int) -> None:
        """So many of something are done; with the last one it is no longer counted."""
        now = time.monotonic()
        if what != self.what or done < self.done:
            self._since = now
        if done == 1:
            self._first = now
        self._last = now
        self.what, self.done, self.total = what, done, total

    def words(self) -> str:
        """How far it is, as in "films: 12 of 30"; "" where nothing is counted."""
        return f"{self.what}: {self.done} of {self.total}" if self.done < self.total else ""

    def bar(self, columns: int) -> str:
        """How far it is, with a bar and the time that is left, or gone where nothing tells what is left."""
        words, now = self.words(), time.monotonic()
        if not words:
            return f"working, {_clock(now - self._begun)}" if self._waits else ""
        if not self.done:
            return f"{words}, {_clock(now - self._since)}"
        words = f"{words}, {_clock(self._left(now))} left"
        room = min(_WIDEST_BAR, columns - len(words) - len(" []") - 1)
        if room < 1:
            return words
        full = room * self.done // self.total
        return f"{words} [{'=' * full}{' ' * (room - full)}]"

    def _left(self, now: float) -> float:
        """Seconds until all are done, by the pace so far; that of the first has the start in it."""
        begun, steps = (self._first, self.done - 1) if self.done > 1 else (self._since, self.done)
        pace = (self._last - begun) / steps
        return max(pace * (self.total - self.done) - (now - self._last), 0.0)

    def _draw_bars(self) -> None:
        if self._ended.wait(PATIENCE_SECONDS):
            return
        while not self._ended.wait(_FRAME_SECONDS):
            _draw(self.bar(_columns()))
        with _writing:
            _clear()

    def _write_lines(self) -> None:
        while not self._ended.wait(LINE_SECONDS):
            if words := self.words():
                write_line(words)


def _columns() -> int:
    """The terminal's; standard output may be another place."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns
    except (OSError, ValueError):
        return _USUAL_COLUMNS


def _draw(text: str) -> None:
    global _drawn  # noqa: PLW0603 - a terminal has one last line
    with _writing:
        _clear()
        sys.stderr.write(text)
        sys.stderr.flush()
        _drawn = len(text)


def _clear() -> None:
    global _drawn  # noqa: PLW0603 - a terminal has one last line
    if _drawn:
        sys.stderr.write(f"\r{' ' * _drawn}\r")
        _drawn = 0


def _clock(seconds: float) -> str:
    """Minutes and seconds, as in "0:20".

    >>> _clock(20.4), _clock(75), _clock(3661)
    ('0:20', '1:15', '1:01:01')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"

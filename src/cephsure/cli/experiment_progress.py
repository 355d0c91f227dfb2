"""How a study gets on: bars for the whole and for the part at work in a terminal, plain lines in a log."""

from __future__ import annotations

import sys
import time
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from cephsure.cli import terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.progress import Progress

_SECONDS_BETWEEN_LINES = 60.0


class Display(Protocol):
    """Shows which experiment is made, and how many films its part at work still needs predicted."""

    def begin(self, name: str) -> None:
        """Show that an experiment begins; the one before is done."""

    def __call__(self, what: str, total: int, /) -> AbstractContextManager[Callable[[], None]]:
        """Begin a part of ``total`` steps; gives a function to call after each."""


@contextmanager
def study_display(experiments: int) -> Iterator[Display]:
    """Give a display for a study of so many experiments; silent with --quiet."""
    if terminal.settings.quiet or not sys.stderr.isatty():
        yield _Lines(experiments)
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    times = (TextColumn("after"), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), *times)
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        yield _Bars(bars, experiments)


class _Bars:
    """A bar for the experiments, and one for the films of the part at work."""

    def __init__(self, bars: Progress, experiments: int) -> None:
        self._bars, self._begun = bars, 0
        self._whole = bars.add_task("experiments", total=experiments)

    def begin(self, name: str) -> None:
        """Show that an experiment begins; the one before is done."""
        self._bars.update(self._whole, description=name, completed=self._begun)
        self._begun += 1

    @contextmanager
    def __call__(self, what: str, total: int, /) -> Iterator[Callable[[], None]]:
        """Show a part."""
        task = self._bars.add_task(f"  {what}", total=total)
        yield lambda: self._bars.advance(task)
        self._bars.remove_task(task)


class _Lines:
    """A line when an experiment begins, and one a minute while its films are predicted."""

    def __init__(self, experiments: int) -> None:
        self._experiments, self._begun = experiments, 0

    def begin(self, name: str) -> None:
        """Say that an experiment begins."""
        self._begun += 1
        terminal.remark(f"{name} ({self._begun} of {self._experiments})")

    @contextmanager
    def __call__(self, what: str, total: int, /) -> Iterator[Callable[[], None]]:
        """Say how far a part is, and how long it will still take."""
        begun = said = time.monotonic()
        done = 0

        def step() -> None:
            nonlocal done, said
            done, now = done + 1, time.monotonic()
            if now - said >= _SECONDS_BETWEEN_LINES and done < total:
                left = timedelta(seconds=round((now - begun) / done * (total - done)))
                terminal.remark(f"  {what}: {done} of {total} predicted, {left} left")
                said = now

        yield step

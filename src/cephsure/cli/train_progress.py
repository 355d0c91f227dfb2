"""How a training run gets on: bars and a line a network in a terminal, plain lines in a log."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cephsure.cli import terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from cephsure.training.run_config import RunConfig
    from cephsure.training.runner import JobState

    Show = Callable[[Sequence[JobState]], None]

_BAR_STEPS = 1000


@contextmanager
def progress_display(config: RunConfig, *, at_once: int) -> Iterator[Show]:
    """Give a function to call with the jobs' states, as often as one likes; silent with --quiet."""
    if terminal.settings.quiet:
        yield lambda _: None
    elif sys.stderr.isatty():
        with _bars(config, at_once) as show:
            yield show
    else:
        yield _Lines(config, at_once)


class _Lines:
    """A line for each epoch of each network, for logs."""

    def __init__(self, config: RunConfig, at_once: int) -> None:
        from cephsure.training.progress import plan

        self.plan, self.at_once = plan(config), at_once
        self.seen: dict[str, int] | None = None

    def __call__(self, states: Sequence[JobState]) -> None:
        """Say what is new since the last call; the first one says what an earlier run has left."""
        from cephsure.training.progress import epoch_words, job_title, time_words

        if self.seen is None:
            self.seen = {state.name: len(state.rows) for state in states}
            for state in states:
                if state.rows:
                    end = "done" if state.done else f"was at {epoch_words(state.rows[-1])}"
                    terminal.remark(f"{job_title(state.name)}: {end}")
        for state in states:
            for row in state.rows[self.seen[state.name] :]:
                left = time_words(self.plan, states, at_once=self.at_once)
                terminal.remark(f"{job_title(state.name)}: {epoch_words(row)} ({left})")
            self.seen[state.name] = len(state.rows)


@contextmanager
def _bars(config: RunConfig, at_once: int) -> Iterator[Show]:
    """One bar for the run, and a line for each network that is being trained."""
    from rich.console import Console, Group
    from rich.live import Live
    from rich.progress import BarColumn, Progress, TextColumn
    from rich.text import Text

    from cephsure.training.progress import epoch_words, job_title, plan, share_done, time_words

    jobs = plan(config)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %"))
    bar = Progress(*columns, TextColumn("{task.fields[left]}"))
    task = bar.add_task("networks", total=_BAR_STEPS, left="")
    with Live(Group(bar), console=Console(stderr=True), transient=True, refresh_per_second=4) as live:

        def show(states: Sequence[JobState]) -> None:
            done = sum(state.done for state in states)
            bar.update(
                task,
                description=f"{done} of {len(states)} networks",
                completed=_BAR_STEPS * share_done(jobs, states),
                left=time_words(jobs, states, at_once=at_once),
            )
            lines = [
                Text(
                    f"  {job_title(state.name)}  "
                    + (epoch_words(state.rows[-1]) if state.rows else "reading films")
                )
                for state in states
                if state.running
            ]
            live.update(Group(bar, *lines))

        yield show

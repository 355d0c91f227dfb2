"""``cephsure experiment``: what each measure of uncertainty is worth, as tables, figures and one report."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cephsure.cli import terminal
from cephsure.cli.options import ComputedOn, Data, SeveralValues, separated
from cephsure.cli.terminal import rich_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.progress import Progress

    from cephsure.workflows.study import StudyEvent

_SECONDS_BETWEEN_LINES = 60.0


class ExperimentCommand(SeveralValues):
    """A command whose help ends with what each experiment asks."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help."""
        from cephsure.workflows.study import experiments

        lines = (
            f"- **{name}** {experiment.question}"
            + (f" (needs {experiment.needs})" if experiment.needs else "")
            for name, experiment in experiments().items()
        )
        self.epilog = "\n\n".join(["Experiments:", *lines])
        super().format_help(ctx, formatter)


def experiment(
    name: Annotated[str, typer.Argument(metavar="NAME|all", help="Which experiment; see below.")],
    *,
    data: Data,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the study; what is in it is kept.")],
    split: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Films that are judged: test1, test2, or all where no film is for training.",
            show_default="test1 where there is one",
        ),
    ] = None,
    models: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODEL...",
            help="Shipped models, bundles, training runs, or folders of predictions of an earlier study.",
            show_default="the shipped models",
        ),
    ] = None,
    ct: Annotated[
        list[str] | None,
        typer.Option(metavar="CT...", help="Head CTs: NIfTI, folder of a DICOM series, InVesalius project."),
    ] = None,
    other_site: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Annotated films of another scanner.")
    ] = None,
    other_site_mm_per_px: Annotated[
        float | None,
        typer.Option("--other-site-mm-per-px", metavar="S", help="Their scale, if they do not say."),
    ] = None,
    shift_films: Annotated[
        int, typer.Option(min=1, metavar="N", help="Films that are distorted and corrupted.")
    ] = 10,
    quick: Annotated[
        bool, typer.Option("--quick", help="Leave out the measures that take time of their own.")
    ] = False,
    seed: Annotated[
        int, typer.Option(min=0, metavar="N", help="Seed of random fields, passes and bootstraps.")
    ] = 0,
    reader: Annotated[
        str | None,
        typer.Option(
            "--reader",
            "--site",
            metavar="WHO",
            help="Whose marks models foretell: definition, mean, an annotator's name, or a reader's file.",
            show_default="the annotators' mean, as trained",
        ),
    ] = None,
    device: ComputedOn = "cpu",
) -> None:
    """Measure what each measure of uncertainty is worth.

    Writes DIR/NAME/ with tables (CSV, JSON) and figures (PNG, SVG), and DIR/report.html with all experiments
    that DIR holds, also those of earlier calls. Predictions are kept in DIR/predictions: the same command
    goes on where it was stopped, and a folder of predictions can stand for its model.

    Exit status: 0 done; 2 bad input, or packages are missing; 1 a failure of cephsure; 130 stopped by Ctrl-C.
    """
    from cephsure.workflows import study

    options = study.StudyOptions(
        name=name,
        data=data,
        out=out,
        split=split,
        models=tuple(separated(models or ())),
        cts=tuple(Path(path) for path in separated(ct or ())),
        other_site=other_site,
        other_site_mm_per_px=other_site_mm_per_px,
        shift_films=shift_films,
        quick=quick,
        seed=seed,
        device=device,
        reader=reader,
    )
    complaints = terminal.Complaints()
    begun = 0
    with _display() as display:

        def tell(event: StudyEvent) -> None:
            nonlocal begun
            match event:
                case study.Begun(name, begun, total):
                    display.begin(name, begun, total)
                case study.Failed(error, about):
                    complaints.add(error, about=about)
                case _:
                    _say(event)

        try:
            study.run_study(options, tell=tell, progress=display.part)
        except KeyboardInterrupt:
            terminal.stopped(kept=terminal.GOES_ON)
    complaints.repeat(inputs=begun)
    raise typer.Exit(complaints.exit_status)


def _say(event: StudyEvent) -> None:
    """What is studied; of an experiment the table that answers its question; where the rest is."""
    from cephsure.workflows import study

    match event:
        case study.Opened(models, devices, left_out):
            terminal.remark(f"{len(models)} models: {', '.join(models)}")
            if devices:
                terminal.remark(f"networks are computed on: {', '.join(devices)}")
            for name, option in left_out.items():
                terminal.remark(f"left out: {name} (give {option})")
        case study.Found(result, table, folder):
            terminal.say(result.title)
            if table is not None:
                terminal.stdout_console().print(rich_table(table))
            terminal.say(f"tables and figures  {folder}\n")
        case study.Reported(report):
            terminal.say(f"report  {report}")


@contextmanager
def _display() -> Iterator[_Bars | _Lines]:
    """Bars in a terminal, lines in a log; silent with --quiet."""
    if terminal.settings.quiet or not sys.stderr.isatty():
        yield _Lines()
        return
    from rich import progress
    from rich.console import Console

    columns = [progress.TextColumn("{task.description}"), progress.BarColumn(), progress.MofNCompleteColumn()]
    columns += [progress.TextColumn("after"), progress.TimeElapsedColumn()]
    columns += [progress.TextColumn("left"), progress.TimeRemainingColumn()]
    both = sys.stdout.isatty()  # results that go to a file must not come out above the bars
    shown = progress.Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=both)
    with shown as bars:
        yield _Bars(bars)


class _Bars:
    """A bar for the experiments, and one for the films of the part at work."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._whole = bars.add_task("experiments", total=None)

    def begin(self, name: str, place: int, total: int) -> None:
        """An experiment begins; the one before is done."""
        self._bars.update(self._whole, description=name, completed=place - 1, total=total)

    @contextmanager
    def part(self, what: str, total: int, /) -> Iterator[Callable[[], None]]:
        """Show a part."""
        task = self._bars.add_task(f"  {what}", total=total)
        yield lambda: self._bars.advance(task)
        self._bars.remove_task(task)


class _Lines:
    """A line when an experiment begins, and one a minute while its films are predicted."""

    def begin(self, name: str, place: int, total: int) -> None:
        """Say that an experiment begins."""
        terminal.remark(f"{name} ({place} of {total})")

    @contextmanager
    def part(self, what: str, total: int, /) -> Iterator[Callable[[], None]]:
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

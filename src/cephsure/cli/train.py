"""``cephsure train``: a model from annotated films; the same command goes on where a run stopped."""

from __future__ import annotations

import shlex
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from typer import Option

from cephsure.cli import terminal
from cephsure.cli.options import ComputedOn, Data, Images, Labels, Layout, MmPerPx, Truth
from cephsure.errors import InputError
from cephsure.workflows.batch import AnnotatedData

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cephsure.workflows.train_bundle import TrainedModel, TrainingState

    Show = Callable[[TrainingState], object]

_BAR_STEPS = 1000


def train(
    *,
    data: Data,
    out: Annotated[Path, Option(metavar="RUN", help="Folder of the run; one that was stopped goes on.")],
    start_from: Annotated[
        str | None,
        Option(
            metavar="NAME|BUNDLE",
            help="Go on from this model, with few films: from 30 corrected ones of another site on.",
        ),
    ] = None,
    old_films: Annotated[
        Path | None,
        Option(
            metavar="DIR",
            help="With --start-from: a data set that this model knows; some of its films are mixed in.",
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        Option(
            metavar="NAME",
            help="default: coarse to fine. paper: the reference work's, to the letter. Or an installed one.",
            show_default="default, or as --start-from",
        ),
    ] = None,
    model: Annotated[
        Literal["ensemble", "baseline", "mc-dropout"] | None,
        Option(
            metavar="KIND",
            help="What to train: ensemble, baseline or mc-dropout.",
            show_default="ensemble, or as --start-from",
        ),
    ] = None,
    members: Annotated[
        int | None,
        Option(
            min=2, metavar="N", help="Networks of an ensemble.", show_default="15, or all of --start-from"
        ),
    ] = None,
    truth: Truth = "mean",
    seed: Annotated[int, Option(min=0, metavar="N", help="Seed of everything random.")] = 0,
    layout: Layout = "auto",
    images: Images = None,
    labels: Labels = "auto",
    split: Annotated[
        str | None,
        Option(metavar="NAME", help="Films to train on.", show_default="train, or all without splits"),
    ] = None,
    mm_per_px: MmPerPx = None,
    landmarks: Annotated[
        str | None,
        Option(metavar="SET|FILE", help="Which landmarks, in which order.", show_default="isbi-19"),
    ] = None,
    jobs: Annotated[
        int | None,
        Option(
            min=1, metavar="N", help="Networks trained side by side.", show_default="one a core, one on a GPU"
        ),
    ] = None,
    device: ComputedOn = "auto",
    checkpoint_every: Annotated[
        int | None,
        Option(
            min=1, metavar="N", help="Epochs between checkpoints.", show_default="as often as costs little"
        ),
    ] = None,
    epochs: Annotated[
        int | None, Option(min=1, metavar="N", help="Another number of epochs than the recipe's.")
    ] = None,
    width: Annotated[
        float | None,
        Option(metavar="FACTOR", help="Recipe paper: other filters, 0.5 for 32 to 512."),
    ] = None,
    folds: Annotated[
        int | None,
        Option(metavar="K", help="Recipe default: validate member k on part k of K.", show_default="15"),
    ] = None,
    fold: Annotated[
        int, Option(min=0, metavar="K", help="With --folds: the part that member 0 is validated on.")
    ] = 0,
    schedule: Annotated[
        Literal["cosine", "plateau"] | None,
        Option(
            help="Learning rate: down to zero over the epochs, or tenfold on each validation plateau.",
            show_default="the recipe's",
        ),
    ] = None,
    stop_below_mm: Annotated[
        float | None,
        Option(metavar="X", help="Stop a network when its validation error falls below X mm."),
    ] = None,
    precision: Annotated[
        Literal["float32", "bfloat16"] | None,
        Option(
            help="Arithmetic of the networks; bfloat16 takes less time on GPUs and on some CPUs.",
            show_default="float32, or as the run was begun",
        ),
    ] = None,
    name: Annotated[
        str | None, Option(metavar="NAME", help="The model's name.", show_default="the name of RUN")
    ] = None,
) -> None:
    """Train a model on annotated films.

    Ends with a bundle in RUN/bundle, which *predict* and *evaluate* take. A run that was stopped, however it
    was, goes on with the same command, to the same weights. With --start-from a model is trained on, for a
    site's own films; it promises nothing until it is calibrated. With --old-films it does not unlearn the
    films that it knew, and RUN/bundle_before marks as those do who taught it.

    Exit status: 0 done; 2 bad input, or packages are missing; 1 a failure of cephsure; 130 stopped by Ctrl-C.
    """
    if members is not None and model not in {None, "ensemble"}:
        raise InputError(f"--members is for an ensemble, not for {model}")
    from cephsure.workflows.train_bundle import TrainOptions
    from cephsure.workflows.train_bundle import train as train_model

    options = TrainOptions(
        recipe=recipe,
        kind=model,
        members=members,
        seed=seed,
        landmark_set=landmarks,
        width=width,
        folds=folds,
        fold=fold,
        epochs=epochs,
        schedule=schedule,
        stop_below_mm=stop_below_mm,
        precision=precision,
        start_from=start_from,
        old_films=old_films,
    )
    following = terminal.following(terminal.Complaints(), kept=terminal.GOES_ON, waits=False)
    with following as on_progress, training_display() as show:
        trained = train_model(
            AnnotatedData(data, layout, split, truth, mm_per_px, images=images, labels=labels),
            out,
            options=options,
            device=device,
            jobs=jobs,
            checkpoint_every=checkpoint_every,
            name=name,
            on_jobs=show,
            on_progress=on_progress,
        )
    _tell(trained)


def _tell(trained: TrainedModel) -> None:
    """Say what came out of the run, and what to do with it."""
    config = trained.config
    terminal.say(f"bundle      {trained.bundle}")
    if trained.before is not None:
        terminal.say(f"as before   {trained.before}: marks as those do who taught {config.start}")
    terminal.say(f"curves      {trained.curves}")
    said = f"mean radial error {trained.validation}: single networks, films they were not trained on"
    terminal.say(f"validation  {said}")
    if config.start is not None:
        from cephsure.training.bundle_writer import NO_PROMISE

        terminal.say(f"promises    none: {NO_PROMISE}")
    # Films of another split are ones it has not seen; where there are no splits, others are needed.
    other = config.data if config.split == "train" else "OTHER_FILMS"
    scale = [] if config.mm_per_px is None else ["--mm-per-px", f"{config.mm_per_px:g}"]
    terminal.remark("next:")
    for command in (
        ["evaluate", "--data", other, "--truth", config.truth, "--model", str(trained.bundle), *scale],
        ["predict", "FILM", "--model", str(trained.bundle), *scale],
    ):
        terminal.remark(f"  {shlex.join(['cephsure', *command])}")


@contextmanager
def training_display() -> Iterator[Show]:
    """Give a function to call with the run's state, as often as one likes; silent with --quiet.

    In a terminal bars and a line a network, elsewhere a line an epoch.
    """
    if terminal.settings.quiet:
        yield lambda _: None
    elif sys.stderr.isatty():
        with _bars() as show:
            yield show
    else:
        yield _Lines()


class _Lines:
    """A line for each epoch of each network, for logs."""

    def __init__(self) -> None:
        self.seen: dict[str, int] | None = None

    def __call__(self, state: TrainingState) -> None:
        """Say what is new since the last call; the first one says what an earlier run has left."""
        from cephsure.training.progress import epoch_words, job_title, plan, time_words

        if self.seen is None:
            self.seen = {job.name: len(job.rows) for job in state.jobs}
            for job in state.jobs:
                if job.rows:
                    end = "done" if job.done else f"was at {epoch_words(job.rows[-1])}"
                    terminal.remark(f"{job_title(job.name)}: {end}")
        for job in state.jobs:
            for row in job.rows[self.seen[job.name] :]:
                left = time_words(plan(state.config), state.jobs, at_once=state.at_once)
                terminal.remark(f"{job_title(job.name)}: {epoch_words(row)} ({left})")
            self.seen[job.name] = len(job.rows)


@contextmanager
def _bars() -> Iterator[Show]:
    """One bar for the run, and a line for each network that is being trained."""
    from rich.console import Console, Group
    from rich.live import Live
    from rich.progress import BarColumn, Progress, TextColumn
    from rich.text import Text

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %"))
    bar = Progress(*columns, TextColumn("{task.fields[left]}"))
    task = bar.add_task("networks", total=_BAR_STEPS, left="")
    with ExitStack() as shown:
        live = Live(Group(bar), console=Console(stderr=True), transient=True, refresh_per_second=4)

        def show(state: TrainingState) -> None:
            # Not in __init__: torch takes its time to load.
            from cephsure.training.progress import epoch_words, job_title, plan, share_done, time_words

            if not live.is_started:
                shown.enter_context(live)
            planned, done = plan(state.config), sum(job.done for job in state.jobs)
            bar.update(
                task,
                description=f"{done} of {len(state.jobs)} networks",
                completed=_BAR_STEPS * share_done(planned, state.jobs),
                left=time_words(planned, state.jobs, at_once=state.at_once),
            )
            lines = [
                Text(
                    f"  {job_title(job.name)}  "
                    + (epoch_words(job.rows[-1]) if job.rows else "reading films")
                )
                for job in state.jobs
                if job.running
            ]
            live.update(Group(bar, *lines))
            if done == len(state.jobs):
                shown.close()

        yield show

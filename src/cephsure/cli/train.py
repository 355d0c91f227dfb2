"""``cephsure train``: a model from annotated films; the same command goes on where a run stopped."""

from __future__ import annotations

import shlex
from contextlib import closing
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path  # noqa: TC003 - typer reads the annotations when it builds the command
from typing import TYPE_CHECKING, Annotated

import typer

from cephsure.cli import terminal
from cephsure.cli.options import Data, Format, Layout, MmPerPx, Truth
from cephsure.errors import InputError

if TYPE_CHECKING:
    from cephsure.training.run_config import RunConfig

_PACKAGES = ("torch", "onnx", "onnxscript", "safetensors", "matplotlib")
_USUAL_MEMBERS = 15


class ScheduleName(StrEnum):
    """How the learning rate falls."""

    COSINE = "cosine"
    PLATEAU = "plateau"


class Kind(StrEnum):
    """What to train."""

    ENSEMBLE = "ensemble"
    BASELINE = "baseline"
    MC_DROPOUT = "mc-dropout"


def train(
    *,
    data: Data,
    out: Annotated[
        Path, typer.Option(metavar="RUN", help="Folder of the run; one that was stopped goes on.")
    ],
    recipe: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="default: coarse to fine. paper: the reference work's, to the letter. Or an installed one.",
        ),
    ] = "default",
    model: Annotated[Kind, typer.Option(help="What to train.")] = Kind.ENSEMBLE,
    members: Annotated[
        int | None,
        typer.Option(min=2, metavar="N", help="Networks of an ensemble.", show_default=str(_USUAL_MEMBERS)),
    ] = None,
    truth: Truth = "mean",
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Seed of everything random.")] = 0,
    layout: Layout = Format.AUTO,
    split: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Films to train on.", show_default="train, or all without splits"),
    ] = None,
    mm_per_px: MmPerPx = None,
    landmarks: Annotated[
        str | None,
        typer.Option(metavar="SET|FILE", help="Which landmarks, in which order.", show_default="isbi-19"),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Networks trained side by side.", show_default="one a core, one on a GPU"
        ),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Another number of epochs than the recipe's.")
    ] = None,
    width: Annotated[
        float | None,
        typer.Option(metavar="FACTOR", help="Recipe paper: other filters, 0.5 for 32 to 512."),
    ] = None,
    folds: Annotated[
        int | None,
        typer.Option(
            metavar="K", help="Recipe default: validate member k on part k of K.", show_default="15"
        ),
    ] = None,
    schedule: Annotated[
        ScheduleName | None,
        typer.Option(
            help="Learning rate: down to zero over the epochs, or tenfold on each validation plateau.",
            show_default="the recipe's",
        ),
    ] = None,
    stop_below_mm: Annotated[
        float | None,
        typer.Option(metavar="X", help="Stop a network when its validation error falls below X mm."),
    ] = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="The model's name.", show_default="RECIPE-MODEL")
    ] = None,
) -> None:
    """Train a model on annotated films.

    Ends with a bundle in RUN/bundle, which *predict* and *evaluate* take. A run that was stopped, however it
    was, goes on with the same command, to the same weights.

    Exit status: 0 done; 2 bad input, or packages are missing; 1 a failure of cephsure, or interrupted.
    """
    _check_packages()
    if members is not None and model is not Kind.ENSEMBLE:
        raise InputError(f"--members is for an ensemble, not for {model.value}")
    from cephsure.films.spacing import check_mm_per_px
    from cephsure.recipes.registry import chosen_recipe
    from cephsure.training.device import find_device
    from cephsure.training.run_config import RUN_FILE
    from cephsure.training.runner import begin

    check_mm_per_px(mm_per_px)
    chosen = chosen_recipe(
        recipe,
        width=width,
        folds=folds,
        epochs=epochs,
        schedule=None if schedule is None else schedule.value,
        stop_below_mm=stop_below_mm,
    )
    device = find_device()
    terminal.remark(f"{'going on with' if (out / RUN_FILE).exists() else 'new run in'} {out}: reading {data}")
    config, precision = begin(
        str(data),
        out,
        recipe=chosen,
        kind=model.value,
        members=members or _USUAL_MEMBERS,
        truth=truth,
        seed=seed,
        data_format=layout.value,
        split=split,
        mm_per_px=mm_per_px,
        landmark_set=landmarks,
        device=device,
    )
    terminal.remark(f"training in {config.precision} on {device} (self-test: {precision})")
    try:
        bundle = _run(out, config, jobs=jobs, device=device, name=name)
    except KeyboardInterrupt:
        terminal.remark("stopped; the same command goes on from where it stopped")
        raise typer.Exit(terminal.EXIT_FAILURE) from None
    _tell(out, bundle, config)


def _check_packages() -> None:
    missing = [package for package in _PACKAGES if find_spec(package) is None]
    if missing:
        raise InputError(
            f"training needs {', '.join(missing)}",
            remedy='pip install "cephsure[train]"; -c constraints.txt of the source pins the tested torch',
        )


def _run(out: Path, config: RunConfig, *, jobs: int | None, device: str, name: str | None) -> Path:
    """Do the jobs and show how they get on; gives the bundle's folder."""
    from cephsure.cli.train_progress import progress_display
    from cephsure.training.material import run_films
    from cephsure.training.runner import finish, jobs_at_once, run_jobs
    from cephsure.workflows.reference import add_reference

    at_once = jobs_at_once(config, jobs=jobs, device=device)
    with (
        closing(run_jobs(out, config, jobs=jobs, device=device)) as states,
        progress_display(config, at_once=at_once) as show,
    ):
        for state in states:
            show(state)
    bundle = finish(out, config, name=name)
    films = run_films(config)
    with terminal.progress("what the training films are like", total=len(films)) as step:
        add_reference(bundle, films, truth=config.truth, source=f"{len(films)} training films", on_film=step)
    return bundle


def _tell(out: Path, bundle: Path, config: RunConfig) -> None:
    """Say what came out of the run, and what to do with it."""
    from cephsure.training.bundle_writer import bundle_validation
    from cephsure.training.curves import CURVES_FILE

    typer.echo(f"bundle      {bundle}")
    typer.echo(f"curves      {out / CURVES_FILE}")
    figures = bundle_validation(bundle)
    typer.echo(f"validation  mean radial error {figures}: single networks, films they were not trained on")
    # Films of another split are ones it has not seen; where there are no splits, others are needed.
    other = config.data if config.split == "train" else "OTHER_FILMS"
    scale = [] if config.mm_per_px is None else ["--mm-per-px", f"{config.mm_per_px:g}"]
    terminal.remark("next:")
    for command in (
        ["evaluate", "--data", other, "--truth", config.truth, "--model", str(bundle), *scale],
        ["predict", "FILM", "--model", str(bundle), *scale],
    ):
        terminal.remark(f"  {shlex.join(['cephsure', *command])}")

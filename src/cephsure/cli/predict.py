"""``cephsure predict`` and ``cephsure demo``: films in, landmarks with their uncertainty out."""

from __future__ import annotations

import shlex
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cephsure.cli import terminal
from cephsure.cli.options import (
    Bone,
    ComputedOn,
    Device,
    Facing,
    MmPerPx,
    ModelName,
    OutFolder,
    PassSeed,
    Polarity,
    SampleCount,
    WhereTo,
    find_films,
    output_files,
)
from cephsure.workflows.batch import DEFAULT_MODEL
from cephsure.workflows.predict import OutputFiles, PredictOptions, predict_films

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cephsure.uncertainty.prediction import Prediction

# Up to this many films are shown as a table each, more as one row each.
_FULL_TABLES = 3
DEFAULT_FOLDER = Path("cephsure-demo")
STRAIGHT, ROTATED = "vhm_lateral_0deg", "vhm_lateral_30deg"


class RegionShape(StrEnum):
    """What kind of region is drawn round a landmark."""

    HDR = "hdr"
    ELLIPSE = "ellipse"
    DISC = "disc"


def predict(
    films: Annotated[
        list[str], typer.Argument(metavar="FILM", help="Files, folders and patterns ('films/*.png').")
    ],
    *,
    model: ModelName = DEFAULT_MODEL,
    samples: SampleCount = None,
    seed: PassSeed = 0,
    mm_per_px: MmPerPx = None,
    device: ComputedOn = Device.CPU,
    facing: WhereTo = Facing.AUTO,
    polarity: Bone = Polarity.AUTO,
    level: Annotated[
        float | None,
        typer.Option(
            metavar="P",
            help="Probability with which each region holds the true point (calibrated models).",
            show_default="0.9",
        ),
    ] = None,
    region: Annotated[
        RegionShape | None,
        typer.Option(
            help="Kind of region: heat map's level set, ellipse or disc.", show_default="the model's own"
        ),
    ] = None,
    site: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Fit the points to a site (see: cephsure site-calibrate)."),
    ] = None,
    thorough: Annotated[
        bool,
        typer.Option(
            "--thorough",
            help="Also the measures that take time: averaged maps, test-time augmentation, features.",
        ),
    ] = False,
    out: OutFolder = None,
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            metavar="LIST",
            help="What to write: json, csv, slicer, coco, labelme, with commas between.",
            show_default="json",
        ),
    ] = None,
    overlay: Annotated[
        bool, typer.Option("--overlay", help="Also write a PNG of the film with its points.")
    ] = False,
) -> None:
    """Find the landmarks on films and say how far to trust each.

    Up to three films are shown as a table each, more as one row each. A scale is never guessed: without
    one in the film or from --mm-per-px, results are in pixels.

    Exit status: 0 all films done; 2 some input could not be used, the rest is done all the same; 1 a failure
    of cephsure.
    """
    from cephsure.films.spacing import check_mm_per_px
    from cephsure.uncertainty.site import read_site

    files = output_files(formats, overlay=overlay, out=out)
    check_mm_per_px(mm_per_px)
    options = PredictOptions(
        mm_per_px=mm_per_px,
        samples=samples,
        seed=seed,
        facing=facing.value,
        polarity=polarity.value,
        level=level,
        region=None if region is None else region.value,
        site=None if site is None else read_site(site),
        thorough=thorough,
    )
    complaints = terminal.Complaints()
    paths, problems = find_films(films)
    complaints.add_all(problems)
    _predict(paths, model, options, files, device=device, complaints=complaints)
    complaints.repeat(inputs=len(paths) + len(problems))
    raise typer.Exit(complaints.exit_status)


def demo(
    *,
    rotated: Annotated[
        bool, typer.Option("--rotated", help="Take the film with the head turned by 30°: see the doubt rise.")
    ] = False,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the overlay and the JSON go.")
    ] = DEFAULT_FOLDER,
) -> None:
    """Find the landmarks on the sample film, with the default ensemble of 15 networks.

    Prints the table and writes an overlay PNG and a JSON file. Needs no network and no data.
    """
    from cephsure.sample_films import sample_film

    sample = sample_film(ROTATED if rotated else STRAIGHT)
    files = OutputFiles(out, ("json",), overlay=True)
    complaints = terminal.Complaints()
    options = PredictOptions(mm_per_px=sample.mm_per_px)
    _predict([sample.path], DEFAULT_MODEL, options, files, device=Device.CPU, complaints=complaints)
    if complaints.lines:
        raise typer.Exit(complaints.exit_status)
    typer.echo(f"Sample film: {sample.credit}")
    command = ["cephsure", "predict", str(sample.path), "--mm-per-px", f"{sample.mm_per_px:g}"]
    command += ["--out", str(out), "--format", "json", "--overlay"]
    terminal.remark(f"the same for a film of yours (here the sample): {shlex.join(command)}")


def _predict(
    paths: Sequence[Path],
    model: str,
    options: PredictOptions,
    files: OutputFiles | None,
    *,
    device: Device,
    complaints: terminal.Complaints,
) -> None:
    """Predict films, and show what was found."""
    if not paths:
        return
    with terminal.following(complaints) as on_progress:
        batch = predict_films(
            paths, model, options=options, files=files, device=device.value, on_progress=on_progress
        )
    _show(batch.results)
    if files is not None:
        terminal.remark_written(len(batch.results), files.folder)


def _show(predictions: Sequence[Prediction]) -> None:
    from cephsure.cli import tables

    console = terminal.stdout_console()
    if len(predictions) > _FULL_TABLES:
        tables.print_summary(console, predictions)
        return
    for number, prediction in enumerate(predictions):
        if number:
            console.print()
        tables.print_film(console, prediction)

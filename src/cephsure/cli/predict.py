"""``cephsure predict``: films in, landmarks with their uncertainty out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path  # noqa: TC003 - typer reads the annotations when it builds the command
from typing import TYPE_CHECKING, Annotated

import typer

from cephsure.cli import terminal
from cephsure.cli.batch import each_film, formats_asked_for, make_folder, remark_written
from cephsure.cli.options import DEFAULT_MODEL, MmPerPx, ModelName, OutFolder, PassSeed, SampleCount

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cephsure.model import Model
    from cephsure.uncertainty.prediction import Prediction
    from cephsure.uncertainty.site import Site

# Up to this many films are shown as a table each, more as one row each.
_FULL_TABLES = 3


class Facing(StrEnum):
    """Where the face looks on the film."""

    AUTO = "auto"
    LEFT = "left"
    RIGHT = "right"


class Polarity(StrEnum):
    """Whether bone is bright (positive) or dark (negative)."""

    AUTO = "auto"
    POSITIVE = "positive"
    NEGATIVE = "negative"


class RegionShape(StrEnum):
    """What kind of region is drawn round a landmark."""

    HDR = "hdr"
    ELLIPSE = "ellipse"
    DISC = "disc"


@dataclass(frozen=True, slots=True)
class Job:
    """What to do with each film, as the command line says it."""

    mm_per_px: float | None = None
    samples: int | None = None
    seed: int = 0
    facing: Facing = Facing.AUTO
    polarity: Polarity = Polarity.AUTO
    level: float | None = None
    region: RegionShape | None = None
    site: Site | None = None
    out_dir: Path | None = None
    formats: tuple[str, ...] = ()
    overlay: bool = False
    thorough: bool = False


def predict(
    films: Annotated[
        list[str], typer.Argument(metavar="FILM", help="Files, folders and patterns ('films/*.png').")
    ],
    *,
    model: ModelName = DEFAULT_MODEL,
    samples: SampleCount = None,
    seed: PassSeed = 0,
    mm_per_px: MmPerPx = None,
    facing: Annotated[Facing, typer.Option(help="Where the face looks.")] = Facing.AUTO,
    polarity: Annotated[Polarity, typer.Option(help="Bone bright (positive) or dark.")] = Polarity.AUTO,
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
    from cephsure.cli.inputs import find_films
    from cephsure.films.spacing import check_mm_per_px
    from cephsure.uncertainty.site import read_site

    check_mm_per_px(mm_per_px)
    job = Job(
        mm_per_px=mm_per_px,
        samples=samples,
        seed=seed,
        facing=facing,
        polarity=polarity,
        level=level,
        region=region,
        site=None if site is None else read_site(site),
        out_dir=out,
        formats=_formats_to_write(formats or [], out_dir=out, overlay=overlay),
        overlay=overlay,
        thorough=thorough,
    )
    complaints = terminal.Complaints()
    paths, problems = find_films(films)
    for problem in problems:
        complaints.add(problem)
    if paths:
        run(paths, job, model_name=model, complaints=complaints)
    complaints.repeat(inputs=len(paths) + len(problems))
    raise typer.Exit(complaints.exit_status)


def run(paths: Sequence[Path], job: Job, *, model_name: str, complaints: terminal.Complaints) -> None:
    """Predict films one after the other, write their files and show them.

    Args:
        paths: the films.
        job: what to do with each.
        model_name: a shipped model or a bundle's folder.
        complaints: takes the errors of films that could not be used.

    Raises:
        InputError: the model cannot be used (BundleError), or the output folder cannot be made.
    """
    from cephsure.model import load_model

    make_folder(job.out_dir)
    model = load_model(model_name)
    if job.thorough:
        model = model.thorough()
    predictions = each_film(
        paths, lambda path, stem: predict_film(path, model, job, stem=stem), complaints=complaints
    )
    _show(predictions, job.out_dir)


def predict_film(path: Path, model: Model, job: Job, *, stem: str) -> Prediction:
    """Read a film, find its landmarks and write its files.

    Args:
        path: the film.
        model: a loaded model.
        job: how to predict and what to write.
        stem: the name of the output files before their suffix.

    Returns:
        The prediction.

    Raises:
        InputError: the film cannot be read or used, or a file cannot be written.
    """
    from cephsure import films
    from cephsure.cli.inputs import OVERLAY_SUFFIX
    from cephsure.exports import export

    film = films.read(path, mm_per_px=job.mm_per_px)
    # A site has regions of its own: the bundle need not be calibrated for them to have a level.
    bundle_level = None if job.site is not None and model.calibration is None else job.level
    prediction = model.predict(
        film,
        samples=job.samples,
        seed=job.seed,
        facing=job.facing.value,
        polarity=job.polarity.value,
        level=bundle_level,
        region=None if job.region is None else job.region.value,
    )
    if job.site is not None:
        from cephsure.uncertainty.site import apply_site

        prediction = apply_site(prediction, job.site, level=job.level)
    if job.out_dir is not None:
        for name in job.formats:
            export(prediction, name, job.out_dir, stem=stem)
        if job.overlay:
            from cephsure.reports.overlay import write_overlay

            write_overlay(job.out_dir / f"{stem}{OVERLAY_SUFFIX}", film.pixels, prediction)
    return prediction


def _show(predictions: Sequence[Prediction], out_dir: Path | None) -> None:
    from cephsure.cli import tables

    console = terminal.stdout_console()
    if len(predictions) <= _FULL_TABLES:
        for number, prediction in enumerate(predictions):
            if number:
                console.print()
            tables.print_film(console, prediction)
    else:
        tables.print_summary(console, predictions)
    remark_written(len(predictions), out_dir)


def _formats_to_write(lists: Sequence[str], *, out_dir: Path | None, overlay: bool) -> tuple[str, ...]:
    """The formats asked for, each once; json where none is named."""
    if out_dir is None and (lists or overlay):
        raise typer.BadParameter("--format and --overlay write files: say where with --out DIR")
    from cephsure.exports import EXPORTERS

    return formats_asked_for(lists, tuple(EXPORTERS), default="json")

"""``cephsure superimpose``: two films of a patient laid on each other, a row a landmark and a picture."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from typer import Argument, Option

from cephsure.cli import terminal
from cephsure.cli.batch_files import BatchFiles
from cephsure.cli.options import Bone, ComputedOn, MmPerPx, ModelName, ReaderName, TruthOf, WhereTo
from cephsure.errors import InputError
from cephsure.workflows.batch import DEFAULT_MODEL, MEAN
from cephsure.workflows.predict import PredictOptions
from cephsure.workflows.superimpose import SuperimposeOptions, render_two_films, superimpose_films

if TYPE_CHECKING:
    from collections.abc import Sequence


def superimpose(
    first: Annotated[Path, Argument(metavar="FIRST", help="The earlier film, T1.")],
    second: Annotated[Path, Argument(metavar="SECOND", help="The later film, T2.")],
    *,
    on: Annotated[
        Literal["sn", "frankfort", "best"],
        Option(
            help="What is laid on what: S-N at S, Frankfort plane at Po, or the best fit of stable points."
        ),
    ] = "sn",
    stable: Annotated[
        str | None,
        Option(
            metavar="LIST",
            help="With --on best: landmarks that did not move, with commas between.",
            show_default="S,N,Po,Or",
        ),
    ] = None,
    points_of_first: Annotated[
        Path | None,
        Option(
            "--points1",
            metavar="FILE",
            help="A person's own or corrected points of FIRST, in any format that is read, or a project.",
        ),
    ] = None,
    points_of_second: Annotated[
        Path | None, Option("--points2", metavar="FILE", help="The same of SECOND.")
    ] = None,
    annotator: Annotated[
        str | None,
        Option(metavar="NAME", help="Whose points these are.", show_default="the mean of all in the file"),
    ] = None,
    mm_per_px: MmPerPx = None,
    mm_per_px_of_second: Annotated[
        float | None,
        Option("--mm-per-px2", metavar="S", help="The same of SECOND, if it has another scale."),
    ] = None,
    model: ModelName = DEFAULT_MODEL,
    reader: ReaderName = None,
    truth_of: TruthOf = None,
    facing: WhereTo = "auto",
    polarity: Bone = "auto",
    device: ComputedOn = "cpu",
    json_file: Annotated[
        Path | None,
        Option("--json", metavar="FILE", help="Write a JSON document; - for standard output."),
    ] = None,
    csv_file: Annotated[
        Path | None,
        Option("--csv", metavar="FILE", help="Write a table, a line a landmark; - for standard output."),
    ] = None,
    overlay: Annotated[
        Path | None,
        Option(metavar="PNG", help="Write a picture of both tracings, with an arrow where a landmark moved."),
    ] = None,
) -> None:
    """Lay two films of a patient on each other: how far each landmark moved, and how sure that is.

    The second film is turned and shifted, never stretched. Each displacement has a 90 % interval from both
    films' errors; a landmark has moved where they leave no doubt of it. Without a model's calibration, on an
    unfit film, without a scale and of a person's points there are no intervals, and nothing is said to have
    moved.

    With --json - or --csv - the result is the document on standard output, and nothing else goes there.

    Exit status: 0 done; 2 a film, points or an option cannot be used; 1 a failure of cephsure.
    """
    from cephsure.atomic import check_files

    codes = _codes(stable, on)
    predict = PredictOptions(mm_per_px, facing=facing, polarity=polarity, reader=reader, truth_of=truth_of)
    options = SuperimposeOptions(
        on,
        codes,
        points_of_first,
        points_of_second,
        MEAN if annotator is None else annotator,
        mm_per_px_of_second,
        predict,
    )
    _check_options(options, annotator=annotator, reader=reader, truth_of=truth_of)
    files = BatchFiles.of({"json": json_file, "csv": csv_file})
    inputs = (first, second, points_of_first, points_of_second)
    _keep_inputs((*files.files.values(), overlay), inputs)
    check_files(overlay)
    with terminal.following(terminal.Complaints(), films=2) as on_progress:
        found = superimpose_films(
            first, second, model, options=options, device=device, on_progress=on_progress
        )
    if terminal.settings.results:
        from cephsure.cephalometry.two_films_table import two_films_lines

        terminal.show(two_films_lines(found.films, terminal.width()))
    files.write(render_two_films, [found.films])
    if overlay is not None:
        from cephsure.reports.overlay import write_png

        terminal.remark_written(write_png(overlay, found.draw()))


def _codes(stable: str | None, on: str) -> tuple[str, ...]:
    """The stable landmarks that were named."""
    if stable is None:
        return ()
    if on != "best":
        raise typer.BadParameter("--stable names points for the best fit: give --on best")
    codes = tuple(code.strip() for code in stable.split(",") if code.strip())
    if len(codes) < 2:
        raise typer.BadParameter("--stable: name two landmarks or more, with commas between")
    return codes


def _check_options(options: SuperimposeOptions, *, annotator: str | None, **of_model: str | None) -> None:
    """Raise `BadParameter` for an option that nothing follows."""
    if annotator is not None and options.points_of_first is None and options.points_of_second is None:
        raise typer.BadParameter("--annotator says whose points are read: give --points1 or --points2")
    given = [name.replace("_", "-") for name, value in of_model.items() if value is not None]
    if given and not options.is_for_model:
        raise typer.BadParameter(
            f"--points1 and --points2 take a person's points, without a network: no --{given[0]}"
        )


def _keep_inputs(written: Sequence[Path | None], read: Sequence[Path | None]) -> None:
    """Refuse to write over what is read."""
    kept = {os.path.realpath(path) for path in read if path is not None}
    for path in written:
        if path is not None and os.path.realpath(path) in kept:
            raise InputError("is read: it is not written over", where=path, remedy="name another file")

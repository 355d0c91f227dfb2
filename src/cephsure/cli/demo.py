"""``cephsure demo``: the main job on the film that comes with the package."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from cephsure.cli import terminal

DEFAULT_FOLDER = Path("cephsure-demo")
STRAIGHT, ROTATED = "vhm_lateral_0deg", "vhm_lateral_30deg"


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
    from cephsure.cli.options import DEFAULT_MODEL
    from cephsure.cli.predict import Job, run
    from cephsure.sample_films import sample_film

    sample = sample_film(ROTATED if rotated else STRAIGHT)
    job = Job(mm_per_px=sample.mm_per_px, out_dir=out, formats=("json",), overlay=True)
    complaints = terminal.Complaints()
    run([sample.path], job, model_name=DEFAULT_MODEL, complaints=complaints)
    if complaints.lines:
        raise typer.Exit(complaints.exit_status)
    typer.echo(f"Sample film: {sample.credit}")
    command = ["cephsure", "predict", str(sample.path), "--mm-per-px", f"{sample.mm_per_px:g}"]
    command += ["--out", str(out), "--format", "json", "--overlay"]
    terminal.remark(f"the same for a film of yours (here the sample): {shlex.join(command)}")

"""``cephsure export``: a review project in, files of its films out, with the points as people left them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from cephsure.cli import terminal
from cephsure.cli.options import AnalysisNames, Norms, output_files
from cephsure.workflows.export_project import ExportedFilm, export_project


def export(
    project: Annotated[Path, Argument(metavar="PROJECT", help="A project of cephsure review.")],
    *,
    out: Annotated[Path, Option(metavar="DIR", help="Write files into this folder, one a film and format.")],
    formats: Annotated[
        list[str] | None,
        Option(
            "--format",
            metavar="LIST",
            help="What to write: json, csv, slicer, coco, labelme, cvat, label-studio, tps, dicom-sr, "
            "dicom-gsps, dicom-sc, fhir, commas between.",
            show_default="json",
        ),
    ] = None,
    film: Annotated[
        list[str] | None,
        Option(
            "--film",
            metavar="NAME",
            help="A film's name or number; can be given again.",
            show_default="all",
        ),
    ] = None,
    analysis: AnalysisNames = "isbi",
    norms: Norms = None,
) -> None:
    """Write the films of a review project, with the points as people left them.

    json is the measurements' document, csv to tps are the points; dicom-sr, dicom-gsps and dicom-sc are
    objects for a PACS, fhir is the report as a FHIR bundle (extra dicom). A film that nobody called reviewed
    gives a partial, unverified report.

    Exit status: 0 all films done; 2 some input could not be used, the rest is done all the same; 1 a failure
    of cephsure.
    """
    files = output_files(formats, overlay=False, out=out)
    assert files is not None
    complaints = terminal.Complaints()
    with terminal.following(complaints, folder=out) as on_progress:
        batch = export_project(
            project, files, names=film or (), analysis=analysis, norms=norms, on_progress=on_progress
        )
    if terminal.settings.results:
        for done in batch.results:
            terminal.say(_line(done))
    terminal.remark_films_written(len(batch.results), out)
    complaints.end(inputs=len(batch.results) + len(batch.errors))


def _line(done: ExportedFilm) -> str:
    from cephsure.uncertainty.text_lines import printable

    who = f"reviewed by {done.observer}" if done.is_complete else "not reviewed"
    return printable(f"{done.name}: {who}; {', '.join(path.name for path in done.files)}")

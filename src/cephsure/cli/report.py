"""``cephsure report``: a page on each film for a patient's file, and a table of many films."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from typer import Argument, Option

from cephsure.cli import terminal
from cephsure.cli.named_films import named_films
from cephsure.cli.options import (
    AnalysisNames,
    Bone,
    ComputedOn,
    MmPerPx,
    ModelName,
    Norms,
    PassSeed,
    ReaderName,
    SampleCount,
    TruthOf,
    WhereTo,
    check_no_network,
)
from cephsure.workflows.batch import DEFAULT_MODEL
from cephsure.workflows.predict import PredictOptions
from cephsure.workflows.report import (
    REPORT_FORMATS,
    ReportFiles,
    ReportFormat,
    ReportOptions,
    report_films,
    report_project,
)

if TYPE_CHECKING:
    from cephsure.workflows.batch import Batch
    from cephsure.workflows.report import ReportedFilm


def report(
    films: Annotated[
        list[str],
        Argument(metavar="FILM|PROJECT", help="Films as of predict, or one project of cephsure review."),
    ],
    *,
    out: Annotated[
        Path | None,
        Option(metavar="FILE|DIR", help="FILE.pdf or FILE.html for one film, else a folder, a file a film."),
    ] = None,
    fmt: Annotated[
        Literal["pdf", "html"] | None,
        Option("--format", help="What is written into a folder.", show_default="pdf"),
    ] = None,
    film: Annotated[
        list[str] | None,
        Option(
            "--film",
            metavar="NAME",
            help="Of a project: a film's name or number; can be given again.",
            show_default="all",
        ),
    ] = None,
    summary: Annotated[
        Path | None,
        Option(metavar="FILE", help="Write a table, a row a film: FILE.csv, FILE.xlsx or FILE.html."),
    ] = None,
    analysis: AnalysisNames = "isbi",
    norms: Norms = None,
    model: ModelName = DEFAULT_MODEL,
    samples: SampleCount = None,
    seed: PassSeed = 0,
    mm_per_px: MmPerPx = None,
    device: ComputedOn = "cpu",
    facing: WhereTo = "auto",
    polarity: Bone = "auto",
    reader: ReaderName = None,
    truth_of: TruthOf = None,
) -> None:
    """Write a page on each film for a patient's file: PDF, or HTML that needs no other file.

    It has the film with its landmarks and regions, the tracing, the measurements with errors, norms and
    classes, what is doubtful and why, and who reviewed the film. Of a project the points are taken as people
    left them. The patient is named as far as the film's DICOM file does it, never in a file's name.

    Exit status: 0 all films done; 2 some input could not be used, the rest is done all the same; 1 a failure
    of cephsure.
    """
    from cephsure.projects import is_project
    from cephsure.workflows.film_summary import check_summary, write_summary

    if out is None and summary is None:
        raise typer.BadParameter("say where the report goes with --out FILE.pdf, or --summary FILE.csv")
    files = _files(out, fmt)
    check_summary(summary)
    predict = PredictOptions(mm_per_px, samples, seed, facing, polarity, reader=reader, truth_of=truth_of)
    options = ReportOptions(analysis, norms, predict)
    complaints = terminal.Complaints()
    if len(films) == 1 and is_project(Path(films[0])):
        check_no_network(
            "a project's films are predicted already",
            model,
            samples=samples,
            mm_per_px=mm_per_px,
            reader=reader,
            truth_of=truth_of,
        )
        with terminal.following(complaints, folder=files.folder) as on_progress:
            batch = report_project(
                films[0], names=film or (), options=options, files=files, on_progress=on_progress
            )
        inputs = len(batch.results) + len(batch.errors)
    elif film:
        raise typer.BadParameter(f"--film names a film of a project: {films[0]} is none")
    else:
        batch, inputs = _report_films(films, model, options, files, complaints, device=device)
    _show(batch)
    if summary is not None and batch.results:
        write_summary(batch.results, summary)
        terminal.remark_written(summary)
    complaints.end(inputs=inputs)


def _files(out: Path | None, fmt: ReportFormat | None) -> ReportFiles:
    """Where the reports go, by what was typed."""
    if out is None:
        return ReportFiles()
    suffix = out.suffix.lower().removeprefix(".")
    known = next((name for name in REPORT_FORMATS if name == suffix), None)
    if known is None or out.is_dir():
        return ReportFiles(folder=out, format=fmt or "pdf")
    if fmt not in (None, known):
        raise typer.BadParameter(f"--format {fmt} into {out}: name a file that ends with .{fmt}, or a folder")
    return ReportFiles(file=out, format=known)


def _report_films(
    arguments: list[str],
    model: str,
    options: ReportOptions,
    files: ReportFiles,
    complaints: terminal.Complaints,
    *,
    device: Literal["cpu", "cuda", "auto"],
) -> tuple[Batch[ReportedFilm], int]:
    """Predict films and write the reports; the number of inputs too."""
    opened, inputs = named_films(arguments, complaints, mm_per_px=options.predict.mm_per_px)
    with terminal.following(complaints, films=len(opened), folder=files.folder) as on_progress:
        batch = report_films(
            opened, model, options=options, files=files, device=device, on_progress=on_progress
        )
    return batch, inputs


def _show(batch: Batch[ReportedFilm]) -> None:
    """A line a film: where its report is, and the film's verdict."""
    from cephsure.uncertainty.prediction_table import verdict_line
    from cephsure.uncertainty.text_lines import printable

    for done in batch.results:
        told = printable(str(done.file or done.name))
        terminal.say(f"{told}: {verdict_line(done.reviewed.prediction)}")

"""``cephsure analyze``: films in, cephalometric measurements with intervals and class probabilities out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from cephsure.cli import terminal
from cephsure.cli.batch_files import BatchFiles
from cephsure.cli.named_films import find_films, open_films
from cephsure.cli.options import (
    FILMS,
    LAYOUTS,
    AnalysisNames,
    Bone,
    CsvFile,
    Format,
    Images,
    JsonFile,
    Labels,
    MmPerPx,
    ModelName,
    Norms,
    OutFolder,
    PassSeed,
    ReaderName,
    SampleCount,
    TruthOf,
    WhereTo,
    check_no_network,
    output_files,
)
from cephsure.cli.streams import STANDARD, written_file
from cephsure.workflows.batch import DEFAULT_MODEL, AnnotatedData, Batch
from cephsure.workflows.measure import AnalyzeOptions, render_analyses
from cephsure.workflows.measure import analyze as analyze_films
from cephsure.workflows.measure_points import analyze_points
from cephsure.workflows.predict import OutputFiles, PredictOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cephsure.cephalometry import Analysis
    from cephsure.cephalometry.class_agreement import ClassAgreement, ClassStudy, MeasurementStudy


def analyze(
    films: Annotated[list[str] | None, FILMS] = None,
    *,
    analysis: AnalysisNames = "isbi",
    norms: Norms = None,
    min_probability: Annotated[
        float,
        Option(metavar="P", help="A class is decided if it is at least this probable, above 0.5 to 1."),
    ] = 0.8,
    uncalibrated: Annotated[
        bool,
        Option("--uncalibrated", help="Intervals from the samples' raw spread if not calibrated."),
    ] = False,
    model: ModelName = DEFAULT_MODEL,
    samples: SampleCount = None,
    seed: PassSeed = 0,
    mm_per_px: MmPerPx = None,
    facing: WhereTo = "auto",
    polarity: Bone = "auto",
    reader: ReaderName = None,
    truth_of: TruthOf = None,
    out: OutFolder = None,
    formats: Annotated[
        list[str] | None,
        Option(
            "--format",
            metavar="LIST",
            help="What to write: json, csv, dicom-sr, dicom-gsps, dicom-sc, fhir, with commas between.",
            show_default="json",
        ),
    ] = None,
    overlay: Annotated[
        bool, Option("--overlay", help="Also write a PNG of the film with the measured lines.")
    ] = False,
    json_file: JsonFile = None,
    csv_file: CsvFile = None,
    points: Annotated[
        Path | None,
        Option(
            metavar="FILE",
            help="Measure a person's own or corrected points, in any format that is read or written; "
            "films only for their scale and --overlay.",
        ),
    ] = None,
    data: Annotated[
        Path | None, Option(metavar="DIR", help="Annotated films: how often the classes are right.")
    ] = None,
    layout: Annotated[
        Format,
        Option(metavar="LAYOUT", help=f"With --data: how it is laid out: {LAYOUTS}."),
    ] = "auto",
    images: Images = None,
    labels: Labels = "auto",
    split: Annotated[
        str | None,
        Option(metavar="NAME", help="With --data: which films.", show_default="test1 or all"),
    ] = None,
    truth: Annotated[
        str, Option(metavar="NAME", help="With --data or --points: an annotator, or the mean of all.")
    ] = "mean",
    limit: Annotated[
        int | None,
        Option(min=1, metavar="N", help="With --data: only the first N films.", show_default="all"),
    ] = None,
) -> None:
    """Measure films: angles, distances and ratios, each with interval and class.

    Intervals rest on the model's calibration; without one there are none. A class is decided only where the
    film is fit, all its points are accepted and it is probable enough. Distances need a scale, angles do not.

    With --points no network is used: a person's points are measured, without intervals and decided classes.

    With --data instead of films: how often the classes are those of the true points, with Cohen's kappa,
    beside the annotators against each other; --json writes these figures.

    With --json - or --csv - the results are the document on standard output, and nothing else goes there.

    Exit status: 0 all films done; 2 some input could not be used, the rest is done all the same; 1 a failure
    of cephsure.
    """
    if data is not None and (films or points is not None):
        raise typer.BadParameter("name films, or points with --points, or annotated films with --data DIR")
    if not films and data is None and points is None:
        raise typer.BadParameter("name films, or points with --points, or annotated films with --data DIR")
    if data is not None and csv_file is not None:
        raise typer.BadParameter("--csv is a table of films: with --data there is --json")
    if points is not None:
        check_no_network(
            "--points measures a person's points, without a network",
            model,
            samples=samples,
            reader=reader,
            truth_of=truth_of,
            uncalibrated=uncalibrated,
        )
    files = output_files(formats, overlay=overlay, out=out)
    predict = PredictOptions(mm_per_px, samples, seed, facing, polarity, reader=reader, truth_of=truth_of)
    options = AnalyzeOptions(analysis, norms, min_probability, uncalibrated, predict)
    batch_files = BatchFiles.of({"json": json_file, "csv": csv_file})
    complaints = terminal.Complaints()
    if data is not None:
        annotated = AnnotatedData(data, layout, split, truth, mm_per_px, limit, images, labels)
        inputs = _compare_classes(annotated, model, options, json_file, complaints)
    else:
        source = model if points is None else _Points(points, truth)
        done, inputs = _measure_films(films or [], source, options, files, complaints)
        batch_files.write(render_analyses, done)
    complaints.end(inputs=inputs)


@dataclass(frozen=True, slots=True)
class _Points:
    """A person's points in the place of a model: their file, and whose they are."""

    file: Path
    who: str


def _measure_films(
    arguments: Sequence[str],
    source: str | _Points,
    options: AnalyzeOptions,
    files: OutputFiles | None,
    complaints: terminal.Complaints,
) -> tuple[list[Analysis], int]:
    """Measure films and show what was measured; this, and the number of inputs."""
    from cephsure.cli.analysis_tables import show_analyses

    paths, problems = find_films(arguments)
    if isinstance(source, _Points) and STANDARD in paths:
        raise typer.BadParameter("--points finds a film's points by its name: name the film's file, not -")
    for problem in problems:
        complaints.add(problem)
    opened = open_films(paths, complaints, mm_per_px=options.predict.mm_per_px)
    folder = None if files is None else files.folder
    with terminal.following(complaints, films=len(opened), folder=folder) as on_progress:
        if not isinstance(source, _Points):
            batch = analyze_films(opened, source, options=options, files=files, on_progress=on_progress)
        elif problems and not paths:
            batch = Batch((), {})
        else:
            batch = analyze_points(
                source.file, paths, options=options, who=source.who, files=files, on_progress=on_progress
            )
    done = [film.analysis for film in batch.results]
    if done and terminal.settings.results:
        show_analyses(done, options.definitions()[0])
    terminal.remark_films_written(len(done), folder)
    return done, len(batch.results) + len(batch.errors) + len(paths) - len(opened) + len(problems)


def _compare_classes(
    data: AnnotatedData,
    model: str,
    options: AnalyzeOptions,
    json_file: Path | None,
    complaints: terminal.Complaints,
) -> int:
    """Measure annotated films and show how often the classes are the true ones; the number of inputs."""
    from cephsure.workflows.measure import compare_classes

    with written_file(json_file) as file, terminal.following(complaints) as on_progress:
        found = compare_classes(data, model, options=options, json_file=file, on_progress=on_progress)
    _show_classes(found.study, name=f"{found.dataset} ({found.split})")
    terminal.remark_written(json_file)
    return found.study.films + len(found.errors)


def _show_classes(study: ClassStudy, *, name: str) -> None:
    """Print how often the classes are right; where a line is too short, as tables one under the other."""
    from cephsure.uncertainty.text_lines import Column, Line, sentence, side_by_side

    width, rows = terminal.width(), study.measurements
    films = terminal.counted(study.films, "film")
    lines = [*sentence(f"{study.model} on {name}, {films} · truth: {study.truth}", width, "title"), Line("")]
    several = len({row.analysis for row in rows}) > 1
    codes = tuple(f"{row.analysis} {row.model.code}" if several else row.model.code for row in rows)
    figures: dict[str, list[str]] = {}
    for row in rows:
        for heading, cell in _figures(row).items():
            figures.setdefault(heading, []).append(cell)
    columns = [Column(heading, tuple(cells), right=True) for heading, cells in figures.items()]
    lines += side_by_side(Column("measurement", codes), columns, width, [""] * len(rows))
    what = "films in the class of the true points (success classification rate), overall and by class"
    decided = "on films judged fit, from accepted points, if probable enough"
    for text in (f"right: {what}", f"decided: {decided}", f"intervals from: {study.errors_from}"):
        lines += sentence(text, width, "dim")
    terminal.show(lines)


def _figures(row: MeasurementStudy) -> dict[str, str]:
    """One measurement's figures by their headings."""
    coverage = row.coverage
    right, of_classes, kappa = _agreement(row.model)
    figures = {
        "films": str(row.model.films),
        "right %": right,
        "mean of classes %": of_classes,
        "kappa": kappa,
        "mean difference": f"{row.mean_absolute_difference:.3g}",
    }
    for (first, second), both in row.observers.items():
        right, _, kappa = _agreement(both)
        figures |= {f"{second} against {first} %": right, f"{second} against {first} kappa": kappa}
    return figures | {
        "90 % intervals hold %": _percent(coverage.held, coverage.films),
        "decided %": _percent(coverage.decided, coverage.films),
        "of these right %": _percent(coverage.decided_right, coverage.decided),
    }


def _agreement(both: ClassAgreement) -> tuple[str, str, str]:
    return f"{100 * both.success_rate:.1f}", f"{100 * both.mean_class_rate:.1f}", f"{both.kappa:.2f}"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}" if whole else "-"

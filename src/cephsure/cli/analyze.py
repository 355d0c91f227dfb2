"""``cephsure analyze``: films in, cephalometric measurements with intervals and class probabilities out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - typer reads the annotations when it builds the command
from typing import TYPE_CHECKING, Annotated

import typer

from cephsure.cli import terminal
from cephsure.cli.batch import each_film, formats_asked_for, make_folder, remark_written
from cephsure.cli.options import (
    DEFAULT_MODEL,
    Format,
    MmPerPx,
    ModelName,
    OutFolder,
    PassSeed,
    SampleCount,
)
from cephsure.cli.predict import Facing, Polarity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cephsure.cephalometry import Analysis, AnalysisDefinition
    from cephsure.films import Film
    from cephsure.model import Model
    from cephsure.uncertainty import Prediction

FILE_FORMATS = ("json", "csv")
_FULL_TABLES = 3


@dataclass(frozen=True, slots=True)
class Wish:
    """What to measure and how, as the command line says it."""

    analyses: tuple[AnalysisDefinition, ...]
    uncalibrated: bool = False
    min_probability: float = 0.8
    samples: int | None = None
    seed: int = 0
    facing: Facing = Facing.AUTO
    polarity: Polarity = Polarity.AUTO
    mm_per_px: float | None = None

    def analyse(self, model: Model, film: Film) -> tuple[Prediction, Analysis]:
        """Find a film's landmarks and measure it."""
        from cephsure.cephalometry import analyse, landmark_errors

        prediction = model.predict(
            film, samples=self.samples, seed=self.seed, facing=self.facing.value, polarity=self.polarity.value
        )
        measured = analyse(
            prediction,
            self.analyses,
            errors=landmark_errors(prediction, uncalibrated=self.uncalibrated),
            min_probability=self.min_probability,
        )
        return prediction, measured


def analyze(
    films: Annotated[
        list[str] | None, typer.Argument(metavar="FILM", help="Files, folders and patterns ('films/*.png').")
    ] = None,
    *,
    analysis: Annotated[
        str,
        typer.Option(
            metavar="LIST", help="Analyses with commas between, or all (see: cephsure measurements)."
        ),
    ] = "isbi",
    norms: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Your own norms and classes, a TOML file.")
    ] = None,
    min_probability: Annotated[
        float,
        typer.Option(metavar="P", help="A class is decided if it is at least this probable, above 0.5 to 1."),
    ] = 0.8,
    uncalibrated: Annotated[
        bool,
        typer.Option("--uncalibrated", help="Intervals from the samples' raw spread if not calibrated."),
    ] = False,
    model: ModelName = DEFAULT_MODEL,
    samples: SampleCount = None,
    seed: PassSeed = 0,
    mm_per_px: MmPerPx = None,
    facing: Annotated[Facing, typer.Option(help="Where the face looks.")] = Facing.AUTO,
    polarity: Annotated[Polarity, typer.Option(help="Bone bright (positive) or dark.")] = Polarity.AUTO,
    out: OutFolder = None,
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            metavar="LIST",
            help="What to write: json, csv, with commas between.",
            show_default="json",
        ),
    ] = None,
    overlay: Annotated[
        bool, typer.Option("--overlay", help="Also write a PNG of the film with the measured lines.")
    ] = False,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write one film's results, or those of --data."),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Annotated films: how often the classes are right.")
    ] = None,
    layout: Annotated[Format, typer.Option(help="With --data: how it is laid out.")] = Format.AUTO,
    split: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="With --data: which films.", show_default="test1 or all"),
    ] = None,
    truth: Annotated[
        str, typer.Option(metavar="NAME", help="With --data: an annotator, or the mean of all.")
    ] = "mean",
    limit: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="With --data: only the first N films.", show_default="all"),
    ] = None,
) -> None:
    """Measure films: angles, distances and ratios, each with interval and class.

    Intervals rest on the model's calibration; without one there are none. A class is given as decided only
    where it is probable enough. Distances need a scale, angles do not.

    With --data instead of films: how often the classes are those of the true points, with Cohen's kappa,
    beside the annotators against each other.

    Exit status: 0 all films done; 2 some input could not be used, the rest is done all the same; 1 a failure
    of cephsure.
    """
    from cephsure.cephalometry import load_analyses
    from cephsure.cli.analyze_data import AnnotatedFilms, compare_classes
    from cephsure.films.spacing import check_mm_per_px

    if (data is None) == (not films):
        raise typer.BadParameter("name films, or annotated films with --data DIR")
    if out is None and (formats or overlay):
        raise typer.BadParameter("--format and --overlay write files: say where with --out DIR")
    check_mm_per_px(mm_per_px)
    wish = Wish(
        analyses=load_analyses(analysis, norms=norms),
        uncalibrated=uncalibrated,
        min_probability=min_probability,
        samples=samples,
        seed=seed,
        facing=facing,
        polarity=polarity,
        mm_per_px=mm_per_px,
    )
    complaints = terminal.Complaints()
    if data is not None:
        annotated = AnnotatedFilms(data, layout, split, truth, limit)
        count = compare_classes(annotated, wish, model_name=model, json_file=json_file, complaints=complaints)
    else:
        written = formats_asked_for(formats or [], FILE_FORMATS, default="json")
        files = Files(out, written, overlay=overlay, json_file=json_file)
        count = _measure_films(films or [], wish, files, model_name=model, complaints=complaints)
    complaints.repeat(inputs=count)
    raise typer.Exit(complaints.exit_status)


@dataclass(frozen=True, slots=True)
class Files:
    """What to write, and where."""

    folder: Path | None
    formats: tuple[str, ...]
    overlay: bool
    json_file: Path | None

    def write(self, film: Film, prediction: Prediction, measured: Analysis, *, stem: str) -> None:
        """Write one film's files into the folder, if there is one."""
        from cephsure.atomic import write_atomically
        from cephsure.cephalometry.analysis_files import analyses_csv
        from cephsure.cli.inputs import OVERLAY_SUFFIX
        from cephsure.exports.output_files import readable_json

        if self.folder is None:
            return
        texts = {"json": lambda: readable_json(measured.document()), "csv": lambda: analyses_csv([measured])}
        for name in self.formats:
            write_atomically(self.folder / f"{stem}.analysis.{name}", texts[name]().encode("utf-8"))
        if self.overlay:
            from cephsure.reports.measurement_overlay import write_measurement_overlay

            picture = self.folder / f"{stem}.analysis{OVERLAY_SUFFIX}"
            write_measurement_overlay(picture, film.pixels, prediction, measured)


def _measure_films(
    arguments: Sequence[str],
    wish: Wish,
    files: Files,
    *,
    model_name: str,
    complaints: terminal.Complaints,
) -> int:
    """Measure films, write their files and show them; gives the number of inputs."""
    from cephsure import films
    from cephsure.cli.inputs import find_films
    from cephsure.model import load_model

    paths, problems = find_films(arguments)
    for problem in problems:
        complaints.add(problem)
    if files.json_file is not None and len(paths) != 1:
        raise typer.BadParameter("--json is for one film; for several, name a folder with --out DIR")
    if paths:
        make_folder(files.folder)
        loaded = load_model(model_name)

        def measure(path: Path, stem: str) -> Analysis:
            film = films.read(path, mm_per_px=wish.mm_per_px)
            prediction, measured = wish.analyse(loaded, film)
            files.write(film, prediction, measured, stem=stem)
            return measured

        _show(each_film(paths, measure, complaints=complaints), wish, files)
    return len(paths) + len(problems)


def _show(done: Sequence[Analysis], wish: Wish, files: Files) -> None:
    from cephsure.atomic import write_atomically
    from cephsure.cli.analysis_tables import print_analysis, print_many
    from cephsure.exports.output_files import readable_json

    console = terminal.stdout_console()
    if len(done) <= _FULL_TABLES:
        for number, measured in enumerate(done):
            if number:
                console.print()
            print_analysis(console, measured, wish.analyses)
    else:
        print_many(console, done, wish.analyses[0])
    remark_written(len(done), files.folder)
    if files.json_file is not None and done:
        write_atomically(files.json_file, readable_json(done[0].document()).encode("utf-8"))
        terminal.remark(f"wrote {files.json_file}")

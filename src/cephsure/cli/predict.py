"""``cephsure predict`` and ``cephsure demo``: films in, landmarks with their uncertainty out."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from typer import Option

from cephsure.cli import terminal
from cephsure.cli.batch_files import BatchFiles
from cephsure.cli.named_films import named_films
from cephsure.cli.options import (
    FILMS,
    Bone,
    ComputedOn,
    CsvFile,
    Device,
    JsonFile,
    MmPerPx,
    ModelName,
    OutFolder,
    PassSeed,
    ReaderName,
    SampleCount,
    TruthOf,
    WhereTo,
    output_files,
)
from cephsure.workflows.batch import DEFAULT_MODEL
from cephsure.workflows.predict import OutputFiles, PredictOptions, predict_films

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cephsure.films import Film
    from cephsure.uncertainty import Prediction


Everything = Annotated[
    bool,
    Option("--all", help="Also the research measures: numbers, regions' areas, the networks' raw measures."),
]
DEFAULT_FOLDER = Path("cephsure-demo")
STRAIGHT, ROTATED = "vhm_lateral_0deg", "vhm_lateral_30deg"


def predict(
    films: Annotated[list[str], FILMS],
    *,
    model: ModelName = DEFAULT_MODEL,
    samples: SampleCount = None,
    seed: PassSeed = 0,
    mm_per_px: MmPerPx = None,
    device: ComputedOn = "cpu",
    facing: WhereTo = "auto",
    polarity: Bone = "auto",
    level: Annotated[
        float | None,
        Option(
            metavar="P",
            help="Probability with which each region holds the reader's point (calibrated models).",
            show_default="0.9",
        ),
    ] = None,
    region: Annotated[
        Literal["hdr", "ellipse", "disc"] | None,
        Option(help="Kind of region: heat map's level set, ellipse or disc.", show_default="the model's own"),
    ] = None,
    reader: ReaderName = None,
    truth_of: TruthOf = None,
    thorough: Annotated[
        bool,
        Option(
            "--thorough",
            help="Also the measures that take time: averaged maps, test-time augmentation, features.",
        ),
    ] = False,
    everything: Everything = False,
    out: OutFolder = None,
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
    overlay: Annotated[
        bool, Option("--overlay", help="Also write a PNG of the film with its points.")
    ] = False,
    json_file: JsonFile = None,
    csv_file: CsvFile = None,
) -> None:
    """Find the landmarks on films and say how far to trust each.

    Up to three films are shown as a table each, more as one row each: verdict, how far off each point may be,
    and why it should be looked at. A scale is never guessed: without one in the film or from --mm-per-px,
    results are in pixels.

    With --json - or --csv - the results are the document on standard output, and nothing else goes there.

    Exit status: 0 all films done; 2 some input could not be used, the rest is done all the same; 1 a failure
    of cephsure.
    """
    from cephsure.films.spacing import check_mm_per_px

    files = output_files(formats, overlay=overlay, out=out)
    batch_files = BatchFiles.of({"json": json_file, "csv": csv_file})
    check_mm_per_px(mm_per_px)
    options = PredictOptions(
        mm_per_px=mm_per_px,
        samples=samples,
        seed=seed,
        facing=facing,
        polarity=polarity,
        level=level,
        region=region,
        reader=reader,
        truth_of=truth_of,
        thorough=thorough,
    )
    complaints = terminal.Complaints()
    opened, inputs = named_films(films, complaints, mm_per_px=mm_per_px)
    if opened:
        done = _predict(
            opened, model, options, files, everything=everything, device=device, complaints=complaints
        )
        batch_files.write(_rendered, done)
    complaints.end(inputs=inputs)


def demo(
    *,
    rotated: Annotated[
        bool, Option("--rotated", help="Take the film with the head turned by 30°: see the doubt rise.")
    ] = False,
    everything: Everything = False,
    out: Annotated[Path, Option(metavar="DIR", help="Where the overlay and the JSON go.")] = DEFAULT_FOLDER,
) -> None:
    """Find the landmarks on the sample film, with the default ensemble of 15 networks.

    Prints the table and writes an overlay PNG and a JSON file. Needs no network and no data.
    """
    from cephsure.sample_films import sample_film

    sample = sample_film(ROTATED if rotated else STRAIGHT)
    files = OutputFiles(out, ("json",), overlay=True)
    complaints = terminal.Complaints()
    options = PredictOptions(mm_per_px=sample.mm_per_px)
    _predict(
        [sample.path],
        DEFAULT_MODEL,
        options,
        files,
        everything=everything,
        device="cpu",
        complaints=complaints,
    )
    if complaints.lines:
        raise typer.Exit(complaints.exit_status)
    terminal.say(f"Sample film: {sample.credit}")
    command = ["cephsure", "predict", str(sample.path), "--mm-per-px", f"{sample.mm_per_px:g}"]
    command += ["--out", str(out), "--format", "json", "--overlay"]
    terminal.remark(f"the same for a film of yours (here the sample): {shlex.join(command)}")


def _rendered(predictions: Sequence[Prediction], fmt: str, folder: Path) -> str:
    """All films as one document."""
    from cephsure.exports.registry import render_many

    return render_many(predictions, fmt, folder)


def _predict(
    paths: Sequence[Path | Film],
    model: str,
    options: PredictOptions,
    files: OutputFiles | None,
    *,
    everything: bool,
    device: Device,
    complaints: terminal.Complaints,
) -> tuple[Prediction, ...]:
    """Predict films, and show what was found."""
    from cephsure.cli.tables import show_films

    folder = None if files is None else files.folder
    with terminal.following(complaints, films=len(paths), folder=folder) as on_progress:
        batch = predict_films(
            paths, model, options=options, files=files, device=device, on_progress=on_progress
        )
    if terminal.settings.results:
        show_films(batch.results, everything=everything)
    terminal.remark_films_written(len(batch.results), folder)
    return batch.results

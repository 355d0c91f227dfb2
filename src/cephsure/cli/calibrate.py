"""``cephsure calibrate``: a bundle that knows its errors in millimetres, from films with known points."""

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003 - typer reads the annotations when it builds the command
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cephsure.cli import terminal
from cephsure.cli.options import Data, Format, Layout, MmPerPx, PassSeed, Truth
from cephsure.cli.site_calibrate import site_calibrate
from cephsure.cli.terminal import rich_table
from cephsure.errors import InputError
from cephsure.workflows.batch import DEFAULT_MODEL

if TYPE_CHECKING:
    from cephsure.datasets import Dataset
    from cephsure.model import Model
    from cephsure.uncertainty.gate import Gate, GateTarget
    from cephsure.workflows.collect import Collected
    from cephsure.workflows.training_films import NotTrainedOn

FIGURES_FILE, DIAGRAM_FILE = "figures.json", "reliability.png"
_USUAL_SPLIT, _WHOLE = "test1", "all"
_SHOWN_LEVELS = (0.9, 0.95)


def calibrate(
    *,
    data: Data,
    bundle: Annotated[
        str,
        typer.Option(metavar="NAME|BUNDLE", help="What to calibrate: a shipped model or a bundle's folder."),
    ] = DEFAULT_MODEL,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The new bundle's folder.", show_default="only show the figures"),
    ] = None,
    layout: Layout = Format.AUTO,
    split: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Which films: a split that was not trained on, or all.",
            show_default="test1 where there is one, else all",
        ),
    ] = None,
    truth: Truth = "mean",
    mm_per_px: MmPerPx = None,
    seed: PassSeed = 0,
    folds: Annotated[
        int, typer.Option("--cross-fit", min=2, metavar="K", help="Folds of the figures shown.")
    ] = 10,
    max_missed_rate: Annotated[
        float,
        typer.Option(metavar="RATE", help="Gate: share of a film's accepted points that may be wrong."),
    ] = 0.05,
    tolerance_mm: Annotated[
        float, typer.Option(metavar="MM", help="Gate: points farther off than this are wrong.")
    ] = 2.0,
    false_alarm_rate: Annotated[
        float, typer.Option(metavar="RATE", help="Gate: share of usual films that may be judged not fit.")
    ] = 0.05,
    gate_confidence: Annotated[
        float,
        typer.Option(metavar="P", help="Gate: probability over the films used that the missed rate is kept."),
    ] = 0.9,
    gate_halves: Annotated[
        int, typer.Option(min=0, metavar="N", help="Gate: try it on so many random halves of the films.")
    ] = 20,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Write figures.json and reliability.png.", show_default="the new bundle"
        ),
    ] = None,
    site: Annotated[
        bool,
        typer.Option(
            "--site",
            help="Fit to a new site instead, as cephsure site-calibrate does; --out is then its file.",
        ),
    ] = False,
) -> None:
    """Calibrate a bundle on films with known points that it was not trained on.

    The new bundle is the old one with what it expects of its errors: in mm, and as regions that hold the
    true point with a stated probability. The figures shown are cross-fitted: each film is judged by a
    calibration fitted without it and without films of its group. Films that show the same exposure or
    patient as a training film are left out.

    Exit status: 0 all went; 2 some input could not be used, the rest is done all the same; 1 a failure of
    cephsure.
    """
    from cephsure.datasets import open_dataset
    from cephsure.films.spacing import check_mm_per_px
    from cephsure.model import load_model
    from cephsure.uncertainty.gate import GateTarget
    from cephsure.workflows.collect import collect
    from cephsure.workflows.training_films import not_trained_on

    if site:
        site_calibrate(
            data=data,
            out=out,
            model=bundle,
            layout=layout,
            split=split or _WHOLE,
            truth=truth,
            mm_per_px=mm_per_px,
            seed=seed,
            report=report,
        )
    check_mm_per_px(mm_per_px)
    target = GateTarget.of(
        max_missed_rate=max_missed_rate,
        tolerance_mm=tolerance_mm,
        false_alarm_rate=false_alarm_rate,
        confidence=gate_confidence,
    )
    if out is not None and out.exists():
        raise InputError("is there already", where=out, remedy="name a new folder, or remove this one")
    model = load_model(bundle)
    whole = open_dataset(data, format=layout.value, landmark_set=model.landmark_set, mm_per_px=mm_per_px)
    if split is None:
        split = _USUAL_SPLIT if any(film.split == _USUAL_SPLIT for film in whole.films) else _WHOLE
    chosen = not_trained_on(whole, split, model.bundle.provenance)
    terminal.remark(chosen.checked)
    for reason, names in chosen.left_out.items():
        terminal.remark(f"left out: {len(names)} films, {reason} ({', '.join(names)})")
    complaints = terminal.Complaints()
    with terminal.following(complaints) as on_progress:
        collected = collect(
            model, chosen.dataset, split=split, truth=truth, seed=seed, on_progress=on_progress
        )
    figures = _cross_fitted(collected, model, folds=folds, seed=seed)
    _show(figures)
    gate = _learned_gate(collected, whole, target, truth=truth, seed=seed, halves=gate_halves)
    files = _report_files(figures)
    if out is not None:
        _write(model, collected, chosen, files if report is None else {}, seed=seed, folder=out)
        _write_gate(gate, out)
    if report is not None:
        _write_report(files, report)
    complaints.repeat(inputs=len(chosen.dataset.films))
    raise typer.Exit(complaints.exit_status)


def _cross_fitted(collected: Collected, model: Model, *, folds: int, seed: int) -> dict[str, Any]:
    """The honest figures."""
    from cephsure.datasets import group_folds
    from cephsure.uncertainty.calibration import cross_fit
    from cephsure.workflows.calibration_figures import document

    folds = min(folds, len(set(collected.data.groups)))
    parts = group_folds(collected.films, folds, seed=seed)
    with terminal.progress("folds", total=folds) as step:
        crossed = cross_fit(collected.data, parts, seed=seed, on_fold=step)
    return document(crossed, collected.data, model.landmark_set)


def _learned_gate(
    collected: Collected, whole: Dataset, target: GateTarget, *, truth: str, seed: int, halves: int
) -> Gate | None:
    """The gate and what it promises, shown; None where there are too few films even for the heads' shape."""
    from rich.text import Text

    from cephsure.uncertainty.gate import promises
    from cephsure.workflows.gate import check_on_halves, gate_films, halves_line

    console = terminal.stdout_console()
    console.print(Text("Gate", style="bold"))
    try:
        with terminal.progress("films looked at", total=len(collected.films)) as step:
            films = gate_films(collected, whole, truth=truth, seed=seed, on_film=step)
    except InputError as error:
        console.print(Text(f"no gate: {error.what}"))
        return None
    gate = films.learn(target)
    for sentence in promises(gate):
        console.print(Text(sentence))
    if halves:
        checks = check_on_halves(films, target, repeats=halves, seed=seed)
        console.print(Text(halves_line(checks, target)))
    console.print()
    return gate


def _write_gate(gate: Gate | None, folder: Path) -> None:
    from cephsure.workflows.gate import add_gate

    if gate is not None:
        add_gate(gate, folder)


def _show(figures: dict[str, Any]) -> None:
    from rich.text import Text

    from cephsure.workflows.calibration_figures import landmark_table, region_table, reliability_table

    console, source = terminal.stdout_console(), figures["source"]
    heading = f"{source['model']} on {source['dataset']} ({source['split']}) · truth: {source['truth']}"
    console.print(Text(heading, style="bold"))
    first = figures["regions"][0]["kind"]
    for table in (
        reliability_table(figures),
        region_table(figures),
        landmark_table(figures, kind=first, levels=_SHOWN_LEVELS),
    ):
        console.print()
        console.print(rich_table(table))
    console.print()
    error = figures["expected_calibration_error_mm"]
    console.print(Text(f"expected calibration error: {error:.3f} mm"))
    console.print(Text(f"intervals: {figures['interval']}", style="dim"))


def _report_files(figures: dict[str, Any]) -> dict[str, bytes]:
    """The report's files by name; without matplotlib no diagram."""
    files = {FIGURES_FILE: (json.dumps(figures, indent=1, allow_nan=False) + "\n").encode()}
    try:
        from cephsure.workflows.calibration_diagrams import reliability_diagram

        files[DIAGRAM_FILE] = reliability_diagram(figures)
    except ImportError:
        terminal.remark("no reliability diagram: it needs matplotlib (pip install 'cephsure[studies]')")
    return files


def _write(
    model: Model,
    collected: Collected,
    chosen: NotTrainedOn,
    files: dict[str, bytes],
    *,
    seed: int,
    folder: Path,
) -> None:
    """Fit on all the films, and write the new bundle."""
    from datetime import UTC, datetime

    from cephsure import __version__
    from cephsure.uncertainty.calibration import fit_calibration
    from cephsure.workflows.calibrated_bundle import write_calibrated

    used = {film.film_id for film in collected.films}
    unused = tuple(film.film_id for film in chosen.dataset.films if film.film_id not in used)
    left_out = chosen.left_out | ({"could not be used": unused} if unused else {})
    made = f"{datetime.now(UTC):%Y-%m-%d} with cephsure {__version__}"
    calibration = fit_calibration(collected.data, seed=seed, left_out=left_out, made=made)
    write_calibrated(model.bundle, calibration, folder, report=files)
    terminal.remark(f"wrote {folder}")


def _write_report(files: dict[str, bytes], folder: Path) -> None:
    from cephsure.atomic import write_atomically

    for name, content in files.items():
        write_atomically(folder / name, content)
    terminal.remark(f"wrote the report into {folder}")

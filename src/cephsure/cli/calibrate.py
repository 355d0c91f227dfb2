"""``cephsure calibrate``: a bundle that knows its errors in millimetres, from films with known points."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations when it builds the command
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cephsure.cli import terminal
from cephsure.cli.options import Data, Format, Layout, MmPerPx, PassSeed, Truth
from cephsure.cli.site import site_calibrate
from cephsure.cli.terminal import rich_table
from cephsure.workflows.batch import DEFAULT_MODEL, WHOLE, AnnotatedData

if TYPE_CHECKING:
    from cephsure.uncertainty.gate import GateTarget
    from cephsure.workflows.calibrate_bundle import LearnedGate

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
    from cephsure.uncertainty.gate import GateTarget
    from cephsure.workflows.calibrate_bundle import CalibrateOptions
    from cephsure.workflows.calibrate_bundle import calibrate as calibrate_model

    if site:
        site_calibrate(
            data=data,
            out=out,
            model=bundle,
            layout=layout,
            split=split or WHOLE,
            truth=truth,
            mm_per_px=mm_per_px,
            seed=seed,
            report=report,
        )
    target = GateTarget.of(
        max_missed_rate=max_missed_rate,
        tolerance_mm=tolerance_mm,
        false_alarm_rate=false_alarm_rate,
        confidence=gate_confidence,
    )
    complaints = terminal.Complaints()
    with terminal.following(complaints) as on_progress:
        result = calibrate_model(
            AnnotatedData(data, layout.value, split, truth, mm_per_px),
            bundle,
            out=out,
            report=report,
            options=CalibrateOptions(seed, folds, target, gate_halves),
            on_progress=on_progress,
        )
    _show(result.figures)
    _show_gate(result.gate, target)
    for folder, what in ((out, ""), (report, "the report into ")):
        if folder is not None:
            terminal.remark(f"wrote {what}{folder}")
    complaints.repeat(inputs=len(result.chosen.dataset.films))
    raise typer.Exit(complaints.exit_status)


def _show(figures: dict[str, Any]) -> None:
    from rich.text import Text

    from cephsure.evaluation.calibration_figures import landmark_table, region_table, reliability_table

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


def _show_gate(learned: LearnedGate, target: GateTarget) -> None:
    """Print what the gate promises, or why there is none."""
    from rich.text import Text

    from cephsure.uncertainty.gate import promises
    from cephsure.workflows.gate_films import halves_line

    lines = [f"no gate: {learned.reason}"] if learned.gate is None else list(promises(learned.gate))
    if learned.halves:
        lines.append(halves_line(learned.halves, target))
    console = terminal.stdout_console()
    console.print(Text("Gate", style="bold"))
    for line in lines:
        console.print(Text(line))
    console.print()

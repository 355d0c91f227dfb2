"""``cephsure calibrate``, ``site-calibrate`` and ``monitor``: errors in mm, at a site too, and watched."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from cephsure.cli import terminal
from cephsure.cli.options import Data, Layout, MmPerPx, ModelName, PassSeed, Split, Truth
from cephsure.errors import InputError
from cephsure.workflows.batch import DEFAULT_MODEL, WHOLE, AnnotatedData

if TYPE_CHECKING:
    from cephsure.uncertainty.gate import GateTarget
    from cephsure.workflows.calibrate_bundle import CalibrationResult
    from cephsure.workflows.site_films import CoverageWatch, SiteCalibration

_SHOWN_LEVELS = (0.9, 0.95)


def calibrate(
    *,
    data: Data,
    bundle: Annotated[
        str,
        Option(metavar="NAME|BUNDLE", help="What to calibrate: a shipped model or a bundle's folder."),
    ] = DEFAULT_MODEL,
    out: Annotated[
        Path | None,
        Option(metavar="DIR", help="The new bundle's folder.", show_default="only show the figures"),
    ] = None,
    layout: Layout = "auto",
    split: Annotated[
        str | None,
        Option(
            metavar="NAME",
            help="Which films: a split that was not trained on, or all.",
            show_default="test1 where there is one, else all",
        ),
    ] = None,
    truth: Truth = "mean",
    mm_per_px: MmPerPx = None,
    seed: PassSeed = 0,
    folds: Annotated[int, Option("--cross-fit", min=2, metavar="K", help="Folds of the figures shown.")] = 10,
    max_missed_rate: Annotated[
        float,
        Option(metavar="RATE", help="Gate: share of a film's accepted points that may be wrong."),
    ] = 0.05,
    tolerance_mm: Annotated[
        float, Option(metavar="MM", help="Gate: points farther off than this are wrong.")
    ] = 2.0,
    false_alarm_rate: Annotated[
        float, Option(metavar="RATE", help="Gate: share of usual films that may be judged not fit.")
    ] = 0.05,
    gate_confidence: Annotated[
        float,
        Option(metavar="P", help="Gate: probability over the films used that the missed rate is kept."),
    ] = 0.9,
    gate_halves: Annotated[
        int, Option(min=0, metavar="N", help="Gate: try it on so many random halves of the films.")
    ] = 20,
    report: Annotated[
        Path | None,
        Option(metavar="DIR", help="Write figures.json and reliability.png.", show_default="the new bundle"),
    ] = None,
    site: Annotated[
        bool,
        Option(
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
            AnnotatedData(data, layout, split, truth, mm_per_px),
            bundle,
            out=out,
            report=report,
            options=CalibrateOptions(seed, folds, target, gate_halves),
            on_progress=on_progress,
        )
    _show_figures(result.figures)
    _show_gate(result, target)
    terminal.remark_written(out)
    if report is not None:
        terminal.remark(f"wrote the report into {report}")
    complaints.end(inputs=len(result.chosen.dataset.films))


def site_calibrate(
    *,
    data: Data,
    name: Annotated[str, Option(metavar="NAME", help="What the site or observer is called.")] = "site",
    out: Annotated[
        Path | None,
        Option(metavar="FILE", help="The site's file.", show_default="only show the figures"),
    ] = None,
    model: ModelName = DEFAULT_MODEL,
    layout: Layout = "auto",
    split: Split = "all",
    truth: Truth = "mean",
    mm_per_px: MmPerPx = None,
    seed: PassSeed = 0,
    level: Annotated[
        float, Option(min=0.01, max=0.99, metavar="P", help="Level of the regions that are shown.")
    ] = 0.9,
    repeats: Annotated[
        int, Option(min=1, metavar="N", help="Random draws of K films for the figures shown.")
    ] = 20,
    report: Annotated[
        Path | None, Option(metavar="DIR", help="Write gain.json and gain.png into this folder.")
    ] = None,
) -> None:
    """Fit a model to a site or an observer from a few corrected films.

    The file that is written holds an offset for each landmark, shrunken to 0 as far as the films are too few
    to know it, and the regions' size at this site; ``cephsure predict --site FILE`` uses it. What K films
    bring is shown by cross-validation: K films drawn at random, measured on the others.

    Exit status: 0 all went; 2 some input could not be used, the rest is done all the same; 1 a failure of
    cephsure.
    """
    from cephsure.workflows.site_films import site_calibrate as calibrate_site

    complaints = terminal.Complaints()
    with terminal.following(complaints) as on_progress:
        found = calibrate_site(
            AnnotatedData(data, layout, split, truth, mm_per_px),
            model,
            name=name,
            out=out,
            report=report,
            level=level,
            repeats=repeats,
            seed=seed,
            on_progress=on_progress,
        )
    _show_site(found, level=level)
    terminal.remark_written(out)
    if report is not None:
        terminal.remark(f"wrote gain.json and gain.png into {report}")
    complaints.end(inputs=len(found.films.films) + len(found.errors))


def monitor(
    *,
    data: Data,
    model: ModelName = DEFAULT_MODEL,
    site: Annotated[
        Path | None, Option(metavar="FILE", help="Watch the regions of this site calibration.")
    ] = None,
    order: Annotated[
        Path | None,
        Option(
            metavar="FILE", help="Films in time order: a text file, one name a line.", show_default="by name"
        ),
    ] = None,
    layout: Layout = "auto",
    split: Split = "all",
    truth: Truth = "mean",
    mm_per_px: MmPerPx = None,
    seed: PassSeed = 0,
    level: Annotated[
        float, Option(min=0.01, max=0.99, metavar="P", help="The coverage that was promised.")
    ] = 0.9,
    false_alarm_rate: Annotated[
        float,
        Option(metavar="RATE", help="Probability that an alarm is ever raised while the promise holds."),
    ] = 0.05,
    margin: Annotated[float, Option(min=0.0, metavar="M", help="How much less coverage is tolerated.")] = 0.0,
    json_file: Annotated[
        Path | None, Option("--json", metavar="FILE", help="Write every reading as JSON.")
    ] = None,
    figure: Annotated[
        Path | None, Option(metavar="FILE", help="Draw the course of the evidence as PNG.")
    ] = None,
) -> None:
    """Tell whether regions still hold what they promise, on corrected films in time order.

    An alarm means: so many true points outside their regions are not chance. While the promise holds, the
    probability that one is ever raised is the false-alarm rate, however many films come.

    Exit status: 0 all went, alarm or not; 2 some input could not be used, the rest is done all the same; 1 a
    failure of cephsure.
    """
    from cephsure.workflows.site_films import monitor as watch_coverage

    complaints = terminal.Complaints()
    with terminal.following(complaints) as on_progress:
        watched = watch_coverage(
            AnnotatedData(data, layout, split, truth, mm_per_px),
            model,
            site=site,
            order=None if order is None else _names(order),
            level=level,
            false_alarm_rate=false_alarm_rate,
            margin=margin,
            seed=seed,
            json_file=json_file,
            figure=figure,
            on_progress=on_progress,
        )
    _show_watch(watched)
    terminal.remark_written(json_file, figure)
    complaints.end(inputs=len(watched.readings) + len(watched.errors))


def _names(path: Path) -> list[str]:
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("cannot be read as text", where=path) from error
    return [line.strip() for line in lines if line.strip()]


def _show_figures(figures: dict[str, Any]) -> None:
    from cephsure.evaluation.calibration_figures import landmark_table, region_table, reliability_table

    console, source = terminal.stdout_console(), figures["source"]
    heading = f"{source['model']} on {source['dataset']} ({source['split']}) · truth: {source['truth']}"
    console.print(heading, style="bold")
    by_landmark = landmark_table(figures, kind=figures["regions"][0]["kind"], levels=_SHOWN_LEVELS)
    for table in (reliability_table(figures), region_table(figures), by_landmark):
        console.print()
        console.print(terminal.rich_table(table))
    console.print()
    error = figures["expected_calibration_error_mm"]
    console.print(f"expected calibration error: {error:.3f} mm")
    console.print(f"intervals: {figures['interval']}", style="dim")


def _show_gate(result: CalibrationResult, target: GateTarget) -> None:
    """Print what the gate promises, or why there is none, and the way out where it accepts nothing."""
    from cephsure.uncertainty.gate import promises
    from cephsure.workflows.gate_films import gate_way_out, halves_line

    learned = result.gate
    lines = [f"no gate: {learned.reason}"] if learned.gate is None else list(promises(learned.gate))
    if learned.halves:
        lines.append(halves_line(learned.halves, target))
    lines += gate_way_out(result.collected, learned.gate, target)
    console = terminal.stdout_console()
    console.print("Gate", style="bold")
    for line in lines:
        console.print(line)
    console.print()


def _show_site(found: SiteCalibration, *, level: float) -> None:
    from cephsure.evaluation.table import gain_table

    console = terminal.stdout_console()
    console.print(found.about, style="bold")
    console.print(terminal.rich_table(gain_table(found.gains, level=level)))
    console.print()
    console.print("offsets that are taken off, mm (to the face, downwards):", style="dim")
    offsets = zip(found.codes, found.site.offsets_mm, strict=True)
    console.print(" · ".join(f"{code} {x:+.2f} {y:+.2f}" for code, (x, y) in offsets), style="dim")


def _show_watch(watched: CoverageWatch) -> None:
    console, readings = terminal.stdout_console(), watched.readings
    at_site = f" at {watched.site}" if watched.site else ""
    heading = f"{watched.model}{at_site} on {watched.dataset} · truth: {watched.truth}"
    console.print(heading, style="bold")
    console.print(
        f"{len(readings)} films, {readings[-1].mean_outside:.1%} of their points outside the regions "
        f"(promised: {watched.allowed:.1%} at most)"
    )
    if (alarm := watched.alarm_film) is not None:
        text = f"alarm at film {alarm + 1} ({watched.film_ids[alarm]}): promised coverage does not hold here"
        console.print(text, style="bold red")
        console.print("calibrate for this site: cephsure site-calibrate", style="dim")
    else:
        most, needed = max(reading.wealth for reading in readings), 1.0 / watched.false_alarm_rate
        console.print(f"no alarm: evidence {most:.2g} at most, {needed:g} is one")

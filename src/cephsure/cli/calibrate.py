"""``cephsure calibrate``, ``site-calibrate`` and ``monitor``: errors in mm, at a site too, and watched."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from typer import Option

from cephsure.cli import terminal
from cephsure.cli.options import (
    Data,
    Images,
    Labels,
    Layout,
    MmPerPx,
    ModelName,
    OtherFolds,
    PassSeed,
    ReaderName,
    Split,
    Truth,
)
from cephsure.cli.streams import written_file
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
    images: Images = None,
    labels: Labels = "auto",
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
    folds: Annotated[
        int, Option("--cross-fit", min=2, metavar="K", help="Folds in which films are judged by the others.")
    ] = 5,
    other_folds: OtherFolds = None,
    further: Annotated[
        list[Path] | None,
        Option(
            "--further-readers",
            metavar="DIR",
            help="Annotated films of another site, for how readers differ; can be given again.",
        ),
    ] = None,
    further_mm_per_px: Annotated[
        float | None, Option("--further-mm-per-px", metavar="S", help="Millimetres a pixel of those films.")
    ] = None,
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
    """Calibrate a bundle on films with known points.

    The new bundle is the old one with what it expects of its errors: in mm, and as regions that hold a
    reader's point with a stated probability, for readers whom it knows and for one not met before. The
    figures shown are a rehearsal: each person is judged by what the others tell, and each film of the
    annotators by what the other films tell. Films that the bundle was trained on are predicted by the
    networks that have not seen them (--other-fold); films of the same exposure or patient as a training
    film are left out.

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
            AnnotatedData(data, layout, split, truth, mm_per_px, images=images, labels=labels),
            bundle,
            out=out,
            report=report,
            options=CalibrateOptions(
                seed,
                folds,
                target,
                gate_halves,
                tuple(other_folds or ()),
                tuple(AnnotatedData(path, mm_per_px=further_mm_per_px) for path in further or ()),
            ),
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
        Option(metavar="FILE", help="The reader's file.", show_default="only show the figures"),
    ] = None,
    model: ModelName = DEFAULT_MODEL,
    layout: Layout = "auto",
    images: Images = None,
    labels: Labels = "auto",
    split: Split = "all",
    truth: Truth = "mean",
    truth_of: Annotated[
        Literal["one", "mean"] | None,
        Option(help="Whether the points are one reader's or the mean of two.", show_default="as the data"),
    ] = None,
    profile: Annotated[
        Path | None, Option(metavar="FILE", help="Start from a profile (see: cephsure reader-profile).")
    ] = None,
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
    """Learn how a site or a reader marks, from one corrected film or more.

    The file that is written says where this reader marks each landmark and how sure that is; give it to
    cephsure predict, analyze, evaluate or monitor by --reader FILE. Points move, regions become smaller, and
    the gate is kept only where the films bear it out. What K films bring is shown by cross-validation: K
    films drawn at random, measured on the others.

    Exit status: 0 all went; 2 some input could not be used, the rest is done all the same; 1 a failure of
    cephsure.
    """
    from cephsure.workflows.site_films import site_calibrate as calibrate_site

    complaints = terminal.Complaints()
    with terminal.following(complaints) as on_progress:
        found = calibrate_site(
            AnnotatedData(data, layout, split, truth, mm_per_px, images=images, labels=labels),
            model,
            name=name,
            out=out,
            report=report,
            truth_of=truth_of,
            profile=profile,
            level=level,
            repeats=repeats,
            seed=seed,
            on_progress=on_progress,
        )
    _show_site(found, level=level)
    terminal.remark_written(out)
    if out is not None:
        command = ["cephsure", "predict", "FILM", "--model", model, "--reader", str(out)]
        terminal.remark(f"next: {shlex.join(command)}")
    if report is not None and found.gains:
        terminal.remark(f"wrote gain.json and gain.png into {report}")
    complaints.end(inputs=found.films + len(found.errors))


def monitor(
    *,
    data: Data,
    model: ModelName = DEFAULT_MODEL,
    reader: ReaderName = None,
    order: Annotated[
        Path | None,
        Option(
            metavar="FILE", help="Films in time order: a text file, one name a line.", show_default="by name"
        ),
    ] = None,
    layout: Layout = "auto",
    images: Images = None,
    labels: Labels = "auto",
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
        Path | None,
        Option("--json", metavar="FILE", help="Write every reading as JSON; - for standard output."),
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

    terminal.leave_standard_output(json_file)
    complaints = terminal.Complaints()
    with written_file(json_file) as place, terminal.following(complaints) as on_progress:
        watched = watch_coverage(
            AnnotatedData(data, layout, split, truth, mm_per_px, images=images, labels=labels),
            model,
            reader=reader,
            order=None if order is None else _names(order),
            level=level,
            false_alarm_rate=false_alarm_rate,
            margin=margin,
            seed=seed,
            json_file=place,
            figure=figure,
            on_progress=on_progress,
        )
    _show_watch(watched)
    terminal.remark_written(json_file, figure)
    complaints.end(inputs=len(watched.readings) + len(watched.errors))


def _names(path: Path) -> list[str]:
    from cephsure.text_files import read_text

    return [line.strip() for line in read_text(path).splitlines() if line.strip()]


def _show_figures(figures: dict[str, Any]) -> None:
    """Errors and regions for a reader not met before and for those who are known."""
    from cephsure.evaluation.calibration_figures import (
        landmark_table,
        reader_table,
        region_table,
        reliability_table,
    )
    from cephsure.uncertainty.readers.cases import KNOWN

    console, source = terminal.stdout_console(), figures["source"]
    console.print(f"{source['model']} on {source['dataset']} ({source['split']})", style="bold")
    for case in ("0", KNOWN):
        section = figures["cases"].get(case)
        if section is None:
            continue
        kind = figures["default_kind"]
        tables = [reliability_table(section), region_table(section)]
        tables.append(reader_table(section, kind=kind, level=_SHOWN_LEVELS[0]))
        tables.append(landmark_table(section, kind=kind, levels=_SHOWN_LEVELS))
        for table in tables:
            console.print()
            console.print(terminal.rich_table(table))
        error = section["expected_calibration_error_mm"]
        console.print(f"expected calibration error: {error:.3f} mm")
    console.print(f"intervals: {figures['interval']}", style="dim")


def _show_gate(result: CalibrationResult, target: GateTarget) -> None:
    """Print what the gate promises, or why there is none, and the way out where it accepts nothing."""
    from cephsure.uncertainty.gate import promises
    from cephsure.workflows.gate_films import halves_line

    learned = result.gate
    lines = [f"no gate: {learned.reason}"] if learned.gate is None else list(promises(learned.gate))
    if learned.halves:
        lines.append(halves_line(learned.halves, target))
    lines += learned.way_out
    console = terminal.stdout_console()
    console.print("Gate", style="bold")
    for line in lines:
        console.print(line)
    console.print()


def _show_site(found: SiteCalibration, *, level: float) -> None:
    """What K films bring, where the reader marks, and whether the gate holds here."""
    from cephsure.evaluation.table import gain_table

    console, reader = terminal.stdout_console(), found.reader
    console.print(found.about, style="bold")
    if found.gains:
        console.print(terminal.rich_table(gain_table(found.gains, level=level)))
        console.print("worst: the landmark that regions hold least", style="dim")
        if reader.acceptance is not None:
            told = "accepted: by expected error, on films that the gate judges fit; few films make few fit"
            console.print(told, style="dim")
    else:
        console.print("one film: what films bring cannot be shown by cross-validation", style="dim")
    console.print(f"regions and expected errors hold for: {reader.for_whom}")
    kept = reader.acceptance
    if kept is not None:
        line = "gate: no point of these films is accepted, each film judged by the others"
        if kept.points:
            line = (
                f"gate: {kept.wrong} of {kept.points} accepted points wrong, each film judged by the others"
            )
        console.print(line if kept.withdrawn is None else f"gate withdrawn: {kept.withdrawn}")
        if kept.withdrawn is not None:
            console.print("way out: correct more films and run it again; check every point till then")
    console.print("offsets beside the line between annotators, mm (to the face, downwards):", style="dim")
    offsets = zip(found.codes, reader.landmarks, strict=True)
    console.print(
        " · ".join(f"{code} {mark.mean[1]:+.2f} {mark.mean[2]:+.2f}" for code, mark in offsets), style="dim"
    )


def _show_watch(watched: CoverageWatch) -> None:
    console, readings = terminal.stdout_console(), watched.readings
    heading = f"{watched.model} on {watched.dataset} · truth: {watched.truth} · for whom: {watched.reader}"
    console.print(heading, style="bold")
    films = terminal.counted(len(readings), "film")
    console.print(
        f"{films}, {readings[-1].mean_outside:.1%} of their points outside the regions "
        f"(promised: {watched.allowed:.1%} at most)"
    )
    if (alarm := watched.alarm_film) is not None:
        text = f"alarm at film {alarm + 1} ({watched.film_ids[alarm]}): promised coverage does not hold here"
        console.print(text, style="bold red")
        console.print("calibrate for this site: cephsure site-calibrate", style="dim")
    else:
        most, needed = max(reading.wealth for reading in readings), 1.0 / watched.false_alarm_rate
        console.print(f"no alarm: evidence against the promise {most:.2g} at most; an alarm needs {needed:g}")

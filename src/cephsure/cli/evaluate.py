"""``cephsure evaluate``: a model against annotated films, in figures to stand beside the papers."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Option

from cephsure.cli import terminal
from cephsure.cli.options import (
    ComputedOn,
    Data,
    Images,
    Labels,
    Layout,
    MmPerPx,
    ModelName,
    OtherFolds,
    PassSeed,
    ReaderName,
    SampleCount,
    Truth,
    TruthOf,
)
from cephsure.cli.streams import written_file
from cephsure.cli.terminal import rich_table
from cephsure.workflows.batch import DEFAULT_MODEL, WHOLE, AnnotatedData

if TYPE_CHECKING:
    from cephsure.evaluation import Evaluation
    from cephsure.evaluation.table import Table
    from cephsure.workflows.assess import Assessment


def evaluate(
    *,
    data: Data,
    layout: Layout = "auto",
    images: Images = None,
    labels: Labels = "auto",
    split: Annotated[
        str | None,
        Option(
            metavar="NAME",
            help="train, test1, test1-clean (without films that are also in train), test2 or all.",
            show_default="test1 where there is one, else all",
        ),
    ] = None,
    truth: Truth = "mean",
    model: ModelName = DEFAULT_MODEL,
    samples: SampleCount = None,
    seed: PassSeed = 0,
    mm_per_px: MmPerPx = None,
    device: ComputedOn = "cpu",
    mirror: Annotated[bool, Option("--mirror", help="Evaluate on the films' mirror images.")] = False,
    invert: Annotated[bool, Option("--invert", help="Evaluate on the films' negatives.")] = False,
    limit: Annotated[
        int | None, Option(min=1, metavar="N", help="Only the first N films.", show_default="all")
    ] = None,
    level: Annotated[
        float | None,
        Option(min=0.01, max=0.99, metavar="P", help="Level of the regions.", show_default="0.9"),
    ] = None,
    reader: ReaderName = None,
    truth_of: TruthOf = None,
    out_of_fold: Annotated[
        bool,
        Option("--out-of-fold", help="Predict a film that was trained on by members that have not seen it."),
    ] = False,
    other_folds: OtherFolds = None,
    tolerance_mm: Annotated[
        float, Option(metavar="MM", help="Points farther off than this are wrong.")
    ] = 2.0,
    films_table: Annotated[
        Path | None,
        Option(
            metavar="FILE",
            help="A CSV table with a row a film: its name in the column 'film', or else in the first.",
        ),
    ] = None,
    by: Annotated[
        str | None,
        Option(metavar="COLUMN", help="Figures for each value in this column of --films-table too."),
    ] = None,
    json_file: Annotated[
        Path | None,
        Option("--json", metavar="FILE", help="Write all figures as JSON; - for standard output."),
    ] = None,
    csv_file: Annotated[
        Path | None,
        Option(
            "--csv", metavar="FILE", help="Write a line for each film and landmark; - for standard output."
        ),
    ] = None,
) -> None:
    """Evaluate a model on annotated films.

    Mean radial error with its standard deviation and 95 % interval (bootstrap over films), success detection
    rates, overall, per landmark and without landmark 16, and how well each measure of uncertainty follows
    the error. Without a scale, errors are in pixels.

    Then whether the model's judgement of itself can be trusted: bias and 95th percentile of the errors;
    where it is calibrated, how many true points its regions hold and expected against actual errors; with a
    gate, what is accepted and how much of that is wrong. For each annotator and their mean, and by device,
    age or site with --films-table and --by.

    Exit status: 0 all films done; 2 some input could not be used, the rest is done all the same; 1 a failure
    of cephsure.
    """
    from cephsure.workflows.assess import evaluate as evaluate_model

    terminal.leave_standard_output(json_file, csv_file)
    complaints = terminal.Complaints()
    with (
        written_file(json_file) as json_place,
        written_file(csv_file) as csv_place,
        terminal.following(complaints) as on_progress,
    ):
        assessment = evaluate_model(
            AnnotatedData(data, layout, split, truth, mm_per_px, limit, images, labels),
            model,
            samples=samples,
            seed=seed,
            mirrored=mirror,
            inverted=invert,
            level=level,
            reader=reader,
            truth_of=truth_of,
            out_of_fold=out_of_fold,
            other_folds=other_folds or (),
            tolerance_mm=tolerance_mm,
            films_table=films_table,
            by=by,
            json_file=json_place,
            csv_file=csv_place,
            device=device,
            on_progress=on_progress,
        )
    _show(assessment)
    terminal.remark_written(json_file, csv_file)
    complaints.end(inputs=assessment.evaluation.n_films + assessment.evaluation.left_out.films)


def _show(assessment: Assessment) -> None:
    """Print what was evaluated, the tables and what was left out."""
    from cephsure.evaluation.table import landmark_table, measure_table, overall_table
    from cephsure.evaluation.trust_tables import said

    console, evaluation = terminal.stdout_console(), assessment.evaluation
    console.print(_heading(evaluation), style="bold")
    for line in _promises(assessment):
        console.print(line)
    tables = [overall_table(evaluation), landmark_table(evaluation), measure_table(evaluation)]
    for table in tables + _trust_tables(evaluation):
        console.print()
        console.print(rich_table(table))
    console.print()
    for found in evaluation.trust[:1]:
        for line in said(found):
            console.print(line)
    if evaluation.unit == "px":
        console.print("errors in pixels: no scale in the data; give --mm-per-px", style="bold yellow")
    for line in _remarks(evaluation):
        console.print(line, style="dim")


def _promises(assessment: Assessment) -> list[str]:
    """What is promised on the films and for whom, or why nothing is; of how many, where they differ."""
    count = Counter(film.prediction.promise for film in assessment.films)
    if len(count) == 1:
        return list(count)
    total = len(assessment.films)
    return [f"{promise} ({films} of {total} films)" for promise, films in count.most_common()]


def _trust_tables(evaluation: Evaluation) -> list[Table]:
    """Landmarks and tenths, then all truths, and strata; none without a scale."""
    from cephsure.evaluation.trust_tables import (
        landmark_trust_table,
        strata_table,
        tenths_table,
        truth_table,
    )

    if not evaluation.trust:
        return []
    first = evaluation.trust[0]
    tables = [landmark_trust_table(first), *([tenths_table(first)] if first.tenths else [])]
    tables.append(truth_table(evaluation.trust))
    if evaluation.strata is not None:
        tables.append(strata_table(evaluation.strata, first.truth))
    return tables


def _heading(evaluation: Evaluation) -> str:
    """Model, data and truth in one line."""
    about = evaluation.about
    changes = [name for name, done in (("mirrored", about.mirrored), ("inverted", about.inverted)) if done]
    data = f"{about.dataset} ({', '.join([about.split or WHOLE, *changes])})"
    samples = f"{about.samples} sample" + ("s" if about.samples != 1 else "")
    reader = f" · for whom: {about.reader}" if about.reader else ""
    return f"{about.model} ({about.model_kind}, {samples}) on {data} · truth: {about.truth}{reader}"


def _remarks(evaluation: Evaluation) -> list[str]:
    """What the reader of the tables must know."""
    left_out = evaluation.left_out
    films, points = terminal.counted(left_out.films, "film"), terminal.counted(left_out.points, "point")
    lines = [f"left out: {films}, {points} of the others"]
    for reason in left_out.reasons:
        films, points = terminal.counted(reason.films, "film"), terminal.counted(reason.points, "point")
        count = films if reason.films else points
        names = f" ({', '.join(reason.names)})" if reason.names else ""
        lines.append(f"  {count}: {reason.reason}{names}")
    if evaluation.unit == "mm":
        sources = (
            f"{source} ({terminal.counted(count, 'film')})"
            for source, count in evaluation.about.spacing_sources.items()
        )
        lines.append(f"scale from: {', '.join(sources)}")
    strata = evaluation.strata
    if strata is not None and strata.not_in_table:
        films = ", ".join(strata.not_in_table)
        lines.append(f"no {strata.column} in the film table, counted as unknown: {films}")
    if evaluation.trust:
        lines.append("p95: 95th percentile of the errors · held: true points that lie in their regions")
        lines.append("worst: the landmark with the fewest of these · acc.: accepted · wrong: of the accepted")
    lines += [f"data set: {problem}" for problem in evaluation.about.problems]
    lines.append(f"intervals: 95 %, {evaluation.resamples} bootstrap resamples of films · SD: n - 1")
    lines.append("correlations are with the measure as it is; areas under the ROC curve with uncertainty")
    return lines

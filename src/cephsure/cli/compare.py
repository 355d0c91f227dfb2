"""``cephsure compare``: one film's points beside true ones, in a table and a picture."""

from __future__ import annotations

from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from cephsure.cli import terminal
from cephsure.cli.options import ComputedOn, MmPerPx, ModelName, ReaderName
from cephsure.workflows.batch import DEFAULT_MODEL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cephsure.reports.comparison import Comparison
    from cephsure.uncertainty.text_lines import Arrangement, Line, Style
    from cephsure.workflows.compare import ComparedFilm


def compare(
    film: Annotated[Path, Argument(metavar="FILM", help="The film.")],
    *,
    truth: Annotated[
        Path,
        Option(
            metavar="FILE",
            help="True points: JSON, CSV, Slicer, labelme, COCO or ISBI's text; of this film or of many.",
        ),
    ],
    annotator: Annotated[
        str | None,
        Option(metavar="NAME", help="Whose points are true.", show_default="the mean of all in the file"),
    ] = None,
    mm_per_px: MmPerPx = None,
    model: ModelName = DEFAULT_MODEL,
    reader: ReaderName = None,
    device: ComputedOn = "cpu",
    out: Annotated[
        Path | None, Option("--out", metavar="PNG", help="Write a picture with the worst points large.")
    ] = None,
    worst: Annotated[int, Option(min=1, metavar="N", help="So many points are shown large.")] = 6,
) -> None:
    """Compare a film's points with true ones: how far off each is, and was expected to be.

    Shows each point's error beside the expected one, its verdict, and whether its region holds the true
    point. The picture shows found and true points on the film, and the worst points large, with the members'
    points, the heat map and the region. Without a scale, errors are in pixels.

    Exit status: 0 done; 2 the film, the points or an option cannot be used; 1 a failure of cephsure.
    """
    from cephsure.atomic import check_files
    from cephsure.workflows.compare import compare_film

    check_files(out)
    with terminal.following(terminal.Complaints(), films=1):
        found = compare_film(
            film,
            truth,
            model,
            annotator=annotator,
            mm_per_px=mm_per_px,
            reader=reader,
            with_maps=out is not None,
            device=device,
        )
    terminal.show(comparison_lines(found, truth, terminal.width()))
    if out is not None:
        from cephsure.reports.overlay import write_png

        terminal.remark_written(write_png(out, found.draw(worst=worst)))


def comparison_lines(found: ComparedFilm, truth: Path, width: int) -> list[Line]:
    """What was compared, as lines of text that are no longer than ``width``."""
    from cephsure.uncertainty.prediction_table import (
        NO_SCALE,
        film_line,
        film_name,
        model_line,
        verdict_line,
        verdict_style,
    )
    from cephsure.uncertainty.text_lines import Line, printable, sentence, table

    comparison = found.comparison
    prediction = comparison.prediction
    lines = [Line(film_name(prediction.film), "title"), *sentence(film_line(prediction.film), width)]
    lines += sentence(verdict_line(prediction), width, verdict_style(prediction))
    lines += [Line(""), *table(_arrangements(comparison), width, _styles(comparison)), Line("")]
    for said in comparison.sentences:
        lines += sentence(printable(said), width)
    lines += sentence(printable(f"truth: {comparison.truth_of} ({truth})"), width)
    lines += sentence(prediction.promise, width, "dim" if prediction.level is not None else "warning")
    if prediction.film.mm_per_px is None:
        lines += sentence(NO_SCALE, width, "warning")
    lines += sentence(model_line(prediction), width, "dim")
    for problem in found.problems:
        lines += sentence(printable(f"note: {problem}"), width)
    return lines


def _arrangements(comparison: Comparison) -> Iterator[Arrangement]:
    """Ways to set the table, the widest first: why a point is as it is stands beside the rest or beneath."""
    from cephsure.uncertainty.prediction_table import NONE, expected_error
    from cephsure.uncertainty.text_lines import Arrangement, Column, printable

    marks, level = comparison.prediction.landmarks, comparison.prediction.level
    errors = tuple(f"{error:.2f}" if isfinite(error) else NONE for error in comparison.errors)
    inside = tuple({True: "yes", False: "no", None: NONE}[each] for each in comparison.in_regions)
    columns = [
        Column("code", tuple(printable(mark.code) for mark in marks)),
        Column(f"error {comparison.unit}", errors, right=True),
    ]
    if level is not None:
        columns.append(Column("expected mm", tuple(map(expected_error, marks)), right=True))
        columns.append(Column("in region", inside))
    columns.append(Column("verdict", tuple(mark.verdict or NONE for mark in marks)))
    reasons = tuple(mark.why or "" for mark in marks)
    if not any(reasons):
        yield Arrangement((tuple(columns),))
        return
    yield Arrangement(((*columns, Column("why", reasons)),))
    yield Arrangement(((*columns, Column("why", reasons)),), gap=1)
    yield Arrangement((tuple(columns), (Column("why", reasons, words=True),)), most_lines=None)


def _styles(comparison: Comparison) -> list[Style]:
    """Rows whose true point is outside its region stand out."""
    return ["review" if inside is False else "" for inside in comparison.in_regions]

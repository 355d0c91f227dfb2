"""``cephsure analyze --data``: the classes of a model's measurements against those of known points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cephsure.cli import terminal

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from cephsure.cephalometry import Analysis
    from cephsure.cephalometry.agreement import ClassAgreement
    from cephsure.cephalometry.class_study import ClassStudy
    from cephsure.cli.analyze import Wish
    from cephsure.cli.options import Format
    from cephsure.datasets import AnnotatedFilm
    from cephsure.uncertainty import Prediction


@dataclass(frozen=True, slots=True)
class AnnotatedFilms:
    """Which annotated films, as the command line says it."""

    data: Path
    layout: Format
    split: str | None
    truth: str
    limit: int | None


def compare_classes(
    annotated: AnnotatedFilms,
    wish: Wish,
    *,
    model_name: str,
    json_file: Path | None,
    complaints: terminal.Complaints,
) -> int:
    """Measure annotated films, show how often the classes are the true ones, and write it.

    Args:
        annotated: which films.
        wish: what to measure.
        model_name: a shipped model or a bundle's folder.
        json_file: where all figures go.
        complaints: takes the errors of films that could not be used.

    Returns:
        The number of films.

    Raises:
        InputError: the model, the data set or an option cannot be used, or not one film.
    """
    from cephsure.atomic import write_atomically
    from cephsure.cephalometry.class_study import class_study
    from cephsure.cli.evaluate import choose_films
    from cephsure.datasets import annotators, film_of, open_dataset
    from cephsure.datasets import truth as truth_of
    from cephsure.errors import FilmError, InputError
    from cephsure.exports.output_files import readable_json
    from cephsure.model import load_model

    model = load_model(model_name)
    dataset = open_dataset(
        annotated.data,
        format=annotated.layout.value,
        landmark_set=model.landmark_set,
        mm_per_px=wish.mm_per_px,
    )
    dataset, split = choose_films(dataset, annotated.split, annotated.limit)
    done: list[tuple[AnnotatedFilm, Prediction, Analysis]] = []
    with terminal.progress("films", total=len(dataset.films)) as step:
        for one in dataset.films:
            try:
                done.append((one, *wish.analyse(model, film_of(one))))
            except FilmError as error:
                complaints.add(error, about=one.path)
            step()
    if not done:
        raise InputError(f"no film of {dataset.name} can be used")
    names = annotators(dataset.films)
    wanted = dict.fromkeys([*names, annotated.truth])
    points = {name: [truth_of(film, name) for film, _, _ in done] for name in wanted}
    study = class_study(
        [prediction for _, prediction, _ in done],
        [measured for _, _, measured in done],
        points,
        wish.analyses,
        truth=annotated.truth,
        observers=names,
    )
    _show(terminal.stdout_console(), study, name=f"{dataset.name} ({split})")
    if json_file is not None:
        document = {**study.document(), "dataset": dataset.name, "split": split}
        write_atomically(json_file, readable_json(document).encode("utf-8"))
        terminal.remark(f"wrote {json_file}")
    return len(dataset.films)


def _show(console: Console, study: ClassStudy, *, name: str) -> None:
    from rich.markup import escape
    from rich.text import Text

    from cephsure.cli.tables import plain_table

    console.print(Text(f"{study.model} on {name}, {study.films} films · truth: {study.truth}", style="bold"))
    pairs = list(study.measurements[0].observers) if study.measurements else []
    table = plain_table()
    table.add_column("measurement", no_wrap=True)
    for heading in ("films", "right\n%", "mean of\nclasses %", "kappa", "mean\ndifference"):
        table.add_column(heading, justify="right", no_wrap=True)
    for first, second in pairs:
        table.add_column(escape(f"{second} against\n{first}: %"), justify="right", no_wrap=True)
        table.add_column("kappa\n", justify="right", no_wrap=True)
    for heading in ("90 % intervals\nhold %", "decided\n%", "of these\nright %"):
        table.add_column(heading, justify="right", no_wrap=True)
    several = len({one.analysis for one in study.measurements}) > 1
    for one in study.measurements:
        code = f"{one.analysis} {one.model.code}" if several else one.model.code
        coverage = one.coverage
        table.add_row(
            escape(code),
            str(one.model.films),
            *_agreement(one.model),
            f"{one.mean_absolute_difference:.3g}",
            *(cell for both in one.observers.values() for cell in (_agreement(both)[0], _agreement(both)[2])),
            _percent(coverage.held, coverage.films),
            _percent(coverage.decided, coverage.films),
            _percent(coverage.decided_right, coverage.decided),
        )
    console.print(table)
    lines = [
        "right: films in the class of the true points (success classification rate), overall and by class",
        f"intervals from: {study.errors_from}",
    ]
    for line in lines:
        console.print(Text(line, style="dim"))


def _agreement(both: ClassAgreement) -> tuple[str, str, str]:
    return f"{100 * both.success_rate:.1f}", f"{100 * both.mean_class_rate:.1f}", f"{both.kappa:.2f}"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}" if whole else "-"

"""``cephsure experiment``: what each measure of uncertainty is worth, as tables, figures and one report."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cephsure.cli import terminal
from cephsure.cli.options import Data  # noqa: TC001 - typer reads the annotations
from cephsure.cli.several_values import separated
from cephsure.cli.shown_table import rich_table
from cephsure.errors import InputError
from cephsure.studies.catalogue import NEEDS, QUESTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from cephsure.datasets import Dataset
    from cephsure.studies.result import ExperimentResult
    from cephsure.studies.study import Study, StudyModel

    Experiments = dict[str, Callable[[Study], ExperimentResult]]

_ALL = "all"
_MOST_ROWS, _MOST_COLUMNS = 20, 7
EPILOG = "Experiments:\n\n" + "\n\n".join(
    f"- **{name}** {question}" + (f" (needs {NEEDS[name]})" if name in NEEDS else "")
    for name, question in QUESTIONS.items()
)


def experiment(
    name: Annotated[str, typer.Argument(metavar="NAME|all", help="Which experiment; see below.")],
    *,
    data: Data,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the study; what is in it is kept.")],
    split: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Films that are judged: test1, test2, or all where no film is for training.",
            show_default="test1 where there is one",
        ),
    ] = None,
    models: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODEL...",
            help="Shipped models, bundles, training runs, or folders of predictions of an earlier study.",
            show_default="the shipped models",
        ),
    ] = None,
    ct: Annotated[
        list[str] | None,
        typer.Option(metavar="CT...", help="Head CTs: NIfTI, folder of a DICOM series, InVesalius project."),
    ] = None,
    other_site: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Annotated films of another scanner.")
    ] = None,
    other_site_mm_per_px: Annotated[
        float | None,
        typer.Option("--other-site-mm-per-px", metavar="S", help="Their scale, if they do not say."),
    ] = None,
    shift_films: Annotated[
        int, typer.Option(min=1, metavar="N", help="Films that are distorted and corrupted.")
    ] = 10,
    quick: Annotated[
        bool, typer.Option("--quick", help="Leave out the measures that take time of their own.")
    ] = False,
    seed: Annotated[
        int, typer.Option(min=0, metavar="N", help="Seed of random fields, passes and bootstraps.")
    ] = 0,
) -> None:
    """Measure what each measure of uncertainty is worth.

    Writes DIR/NAME/ with tables (CSV, JSON) and figures (PNG, SVG), and DIR/report.html with all experiments
    that DIR holds, also those of earlier calls. Predictions are kept in DIR/predictions: the same command
    goes on where it was stopped, and a folder of predictions can stand for its model.

    Exit status: 0 done; 2 bad input, or packages are missing; 1 a failure of cephsure, or interrupted.
    """
    _check(name, other_site=other_site, other_site_mm_per_px=other_site_mm_per_px)
    study = _study(
        models=separated(models or ()),
        quick=quick,
        data=data,
        split=split,
        cts=[Path(one) for one in separated(ct or ())],
        other_site=other_site,
        other_site_mm_per_px=other_site_mm_per_px,
        out=out,
    )
    study = replace(study, seed=seed, shift_films=shift_films)
    complaints = terminal.Complaints()
    with _report_in_the_end(out, complaints):
        _make(_chosen(name, study), study, complaints, arguments=_arguments(name, study, quick=quick))
    raise typer.Exit(complaints.exit_status)


def _check(name: str, *, other_site: Path | None, other_site_mm_per_px: float | None) -> None:
    """What can be said without opening anything."""
    from cephsure.films.spacing import check_mm_per_px

    if name not in (_ALL, *QUESTIONS):
        raise InputError(f"no experiment is called {name!r}", remedy=f"one of {_ALL}, {', '.join(QUESTIONS)}")
    if find_spec("matplotlib") is None:
        raise InputError("figures need matplotlib", remedy='pip install "cephsure[studies]"')
    check_mm_per_px(other_site_mm_per_px)
    if other_site_mm_per_px is not None and other_site is None:
        raise InputError("--other-site-mm-per-px is the scale of --other-site, which is not given")


def _study(
    *,
    models: list[str],
    quick: bool,
    data: Path,
    split: str | None,
    cts: Sequence[Path],
    other_site: Path | None,
    other_site_mm_per_px: float | None,
    out: Path,
) -> Study:
    """Open all that the experiments are made from."""
    from cephsure.datasets import open_dataset
    from cephsure.model import shipped_models
    from cephsure.studies.cases import judged_split
    from cephsure.studies.study import Study, open_models

    missing = [path for path in cts if not path.exists()]
    if missing:
        raise InputError("there is no such file or folder", where=missing[0])
    opened = open_models(models or list(shipped_models()), quick=quick)
    if not opened:
        raise InputError("no models are shipped with this installation", remedy="give --models")
    first = next((one.model.landmark_set for one in opened if one.model is not None), None)
    dataset = open_dataset(data, landmark_set=first)
    _check_landmarks(opened, dataset)
    elsewhere = None
    if other_site is not None:
        elsewhere = open_dataset(
            other_site, landmark_set=dataset.landmark_set, mm_per_px=other_site_mm_per_px
        )
    terminal.remark(f"{len(opened)} models: {', '.join(one.title for one in opened)}")
    return Study(
        models=opened,
        dataset=dataset,
        split=judged_split(dataset, split),
        cts=tuple(cts),
        other_site=elsewhere,
        out=out,
    )


def _check_landmarks(models: Sequence[StudyModel], dataset: Dataset) -> None:
    for one in models:
        if one.model is not None and one.model.landmark_set.codes != dataset.landmark_set.codes:
            raise InputError(
                f"the model {one.label} predicts the landmarks of {one.model.landmark_set.name}, "
                f"{dataset.name} has those of {dataset.landmark_set.name}"
            )


def _chosen(name: str, study: Study) -> Experiments:
    """The experiments to make; says which are left out for want of data."""
    from cephsure.studies.registry import chosen_experiments, missing_data

    chosen = chosen_experiments(name, study)
    if name == _ALL:
        for other in QUESTIONS:
            if other not in chosen:
                terminal.remark(f"left out: {other} (give {missing_data(other, study)})")
    return chosen


def _arguments(name: str, study: Study, *, quick: bool) -> list[str]:
    """The command's arguments without the place of its folders, which is nobody else's business."""
    arguments = [name, "--split", study.split, "--models", *(model.label for model in study.models)]
    if study.cts:
        arguments += ["--ct", *(path.name for path in study.cts)]
    if study.other_site is not None:
        arguments += ["--other-site", study.other_site.name]
    arguments += ["--seed", str(study.seed), "--shift-films", str(study.shift_films)]
    return [*arguments, *(["--quick"] if quick else [])]


@contextmanager
def _report_in_the_end(out: Path, complaints: terminal.Complaints) -> Iterator[None]:
    """Write the report of what is done, also where the rest fails or is interrupted."""
    from cephsure.studies.conduct import write_report

    interrupted = False
    try:
        yield
    except KeyboardInterrupt:
        interrupted = True
    report = write_report(out, on_damage=complaints.add)
    if report is not None:
        typer.echo(f"report  {report}")
    if interrupted:
        terminal.remark("stopped; the same command goes on from where it stopped")
        raise typer.Exit(terminal.EXIT_FAILURE)


def _make(
    chosen: Experiments, study: Study, complaints: terminal.Complaints, *, arguments: Sequence[str]
) -> None:
    """Make the experiments in turn; one that fails does not keep the others from being made."""
    from cephsure.cli.experiment_progress import study_display
    from cephsure.studies.conduct import Conduct

    with study_display(len(chosen)) as display:
        conduct = Conduct(replace(study, progress=display), arguments=arguments)
        for name, run in chosen.items():
            display.begin(name)
            try:
                result = conduct.make(name, run)
            except Exception as error:  # noqa: BLE001 - the others go on
                complaints.add(error, about=study.out / name)
                continue
            _show(result, study.out / name)
    complaints.repeat(inputs=len(chosen))


def _show(result: ExperimentResult, folder: Path) -> None:
    """Print what an experiment found: the table that answers its question, and where the rest is."""
    from cephsure.studies.report_tables import text_table

    typer.echo(result.title)
    table = result.shown or next(iter(result.tables.values()), None)
    if table is not None:
        cut = text_table(table, most_rows=_MOST_ROWS, most_columns=_MOST_COLUMNS)
        terminal.stdout_console().print(rich_table(cut))
    typer.echo(f"tables and figures  {folder}\n")

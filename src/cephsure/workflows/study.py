"""Make experiments: what each measure of uncertainty is worth, as tables, figures and one report.

The one module of the core that reaches ``cephsure.studies``, and only when it is asked to.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cephsure.atomic import check_folders
from cephsure.errors import InputError
from cephsure.films.spacing import check_mm_per_px
from cephsure.workflows.batch import check_installed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cephsure.evaluation.table import Table
    from cephsure.inference.session import Device
    from cephsure.studies.registry import Experiment
    from cephsure.studies.result import ExperimentResult
    from cephsure.studies.study import Progress, Study

ALL = "all"
_PACKAGES = {"scipy": "scipy", "sklearn": "scikit-learn", "pandas": "pandas"} | {
    name: name for name in ("matplotlib", "jinja2")
}
# What is shown of a table while the whole of it goes to a file.
_MOST_ROWS, _MOST_COLUMNS = 20, 7


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyOptions:
    """What ``cephsure experiment`` takes, whose help says more."""

    name: str  # of the experiment, or "all" for every one whose data are given
    data: Path  # annotated films
    out: Path  # folder of the study; what is in it is kept
    split: str | None = None  # films that are judged; None for the usual ones, see ``judged_split``
    models: tuple[
        str, ...
    ] = ()  # shipped models, bundles, runs, stored predictions; () for all that are shipped
    cts: tuple[Path, ...] = ()  # head CTs
    other_site: Path | None = None  # annotated films of another scanner
    other_site_mm_per_px: float | None = None  # their scale, if they do not say
    shift_films: int = 10  # how many are distorted and corrupted
    quick: bool = False  # leave out the measures that take time of their own
    seed: int = 0  # of random fields, passes and bootstraps
    device: Device = "cpu"  # where the networks are computed
    reader: str | None = None  # whose marks the models foretell, as ``Model.reader``; None: annotators' mean


@dataclass(frozen=True, slots=True)
class Opened:
    """All inputs are open."""

    models: tuple[str, ...]  # their titles
    devices: tuple[
        str, ...
    ]  # where networks are computed, "cpu" or "cuda"; empty where predictions are stored
    left_out: dict[str, str]  # with "all", by experiment without its data the option that would give them


@dataclass(frozen=True, slots=True)
class Begun:
    """An experiment begins, the ``place``-th of ``total``."""

    name: str
    place: int
    total: int


@dataclass(frozen=True, slots=True)
class Found:
    """An experiment is made."""

    result: ExperimentResult
    table: Table | None  # a few rows and columns that answer its question, rounded; None where it has none
    folder: Path  # of its tables and figures


@dataclass(frozen=True, slots=True)
class Failed:
    """An experiment is not made, or the result of an earlier call is damaged; the others go on."""

    error: Exception
    about: Path


@dataclass(frozen=True, slots=True)
class Reported:
    """The report is written."""

    report: Path


StudyEvent = Opened | Begun | Found | Failed | Reported
if TYPE_CHECKING:
    Tell = Callable[[StudyEvent], object]


@dataclass(frozen=True, slots=True)
class StudyOutcome:
    """What became of a study; experiments by name."""

    found: dict[str, Found]
    failed: dict[str, Exception]
    left_out: dict[str, str]  # as ``Opened`` says
    damaged: tuple[InputError, ...]  # what is wrong with results of earlier calls that cannot be read
    report: Path | None  # None where there is nothing to report


def experiments() -> dict[str, Experiment]:
    """The experiments by name, with their questions and the options that some need; light to import."""
    from cephsure.studies.registry import EXPERIMENTS

    return EXPERIMENTS


def run_study(
    options: StudyOptions,
    *,
    tell: Tell = lambda _event: None,
    progress: Progress | None = None,
) -> StudyOutcome:
    """Make one experiment or all, and the report of all that the folder holds, of earlier calls too.

    One that fails does not keep the others from being made. Where the study is interrupted
    (KeyboardInterrupt), the report of what is done is written before that goes on to the caller; the same
    call goes on from where it stopped.

    Args:
        options: what to make, and from what.
        tell: is told what becomes of the study as it gets on.
        progress: shows how far a long part of an experiment is.

    Raises:
        InputError: no such experiment, a package is missing, an input cannot be opened, or the folder holds
            results of other data, another split or another seed.
    """
    _check(options)
    study = _open(options)
    chosen, left_out = _chosen(options, study)
    if any(experiment.judges_films for experiment in chosen.values()):
        _check_not_trained_on(study)
    devices = dict.fromkeys(model.model.device for model in study.models if model.model is not None)
    tell(Opened(tuple(model.title for model in study.models), tuple(devices), left_out))
    if progress is not None:
        study = replace(study, progress=progress)
    try:
        found, failed = _make(chosen, study, options, tell)
    except KeyboardInterrupt:
        _report(options.out, tell)
        raise
    report, damaged = _report(options.out, tell)
    return StudyOutcome(found, failed, left_out, damaged, report)


def _check(options: StudyOptions) -> None:
    """What can be said without opening anything."""
    if options.name not in (ALL, *experiments()):
        raise InputError(
            f"no experiment is called {options.name!r}", remedy=f"one of {ALL}, {', '.join(experiments())}"
        )
    check_installed("cephsure experiment", _PACKAGES, extra="studies")
    if options.reader is not None and options.name != ALL and not experiments()[options.name].follows_reader:
        what = f"{options.name} looks at the networks' own samples, which are no reader's marks"
        raise InputError(what, remedy="leave out --reader")
    check_folders(options.out)
    check_mm_per_px(options.other_site_mm_per_px)
    if options.other_site_mm_per_px is not None and options.other_site is None:
        raise InputError("--other-site-mm-per-px is the scale of --other-site, which is not given")
    for path in options.cts:
        if not path.exists():
            raise InputError("there is no such file or folder", where=path)


def _open(options: StudyOptions) -> Study:
    """Open all that the experiments are made from."""
    from cephsure.datasets import open_dataset
    from cephsure.model import shipped_models
    from cephsure.studies.cases import judged_split
    from cephsure.studies.study import Study, open_models

    names = options.models or tuple(shipped_models())
    models = open_models(names, quick=options.quick, device=options.device, reader=options.reader)
    if not models:
        raise InputError("no models are shipped with this installation", remedy="give --models")
    first = next((model.model.landmark_set for model in models if model.model is not None), None)
    dataset = open_dataset(options.data, landmark_set=first)
    for model in models:
        if model.model is not None and model.model.landmark_set.codes != dataset.landmark_set.codes:
            raise InputError(
                f"the model {model.label} predicts the landmarks of {model.model.landmark_set.name}, "
                f"{dataset.name} has those of {dataset.landmark_set.name}"
            )
    elsewhere = None
    if options.other_site is not None:
        scale = options.other_site_mm_per_px
        elsewhere = open_dataset(options.other_site, landmark_set=dataset.landmark_set, mm_per_px=scale)
    return Study(
        models=models,
        dataset=dataset,
        split=judged_split(dataset, options.split),
        cts=options.cts,
        other_site=elsewhere,
        out=options.out,
        seed=options.seed,
        shift_films=options.shift_films,
    )


def _chosen(options: StudyOptions, study: Study) -> tuple[dict[str, Experiment], dict[str, str]]:
    """The experiments to make, and with "all" those left out for want of data, with what they lack."""
    name, known = options.name, experiments()
    if name == ALL:
        left_out = {each: lack for each, experiment in known.items() if (lack := experiment.lacks(study))}
        if options.reader is not None:
            left_out |= {each: "no --reader" for each in known if not known[each].follows_reader}
        return {each: known[each] for each in known if each not in left_out}, left_out
    lack = known[name].lacks(study)
    if lack:
        raise InputError(f"the experiment {name} needs {lack}", remedy=f"give {lack}")
    return {name: known[name]}, {}


def _check_not_trained_on(study: Study) -> None:
    """Refuse models that were trained on the films they would be judged on.

    Models of whom only stored predictions are at hand were looked at when these were made.
    """
    from cephsure.datasets import KnownFilms, select
    from cephsure.workflows.training_films import training_films

    judged, known = {film.film_id for film in select(study.dataset, study.split).films}, KnownFilms()
    for each in study.models:
        if each.model is None:
            continue
        seen = judged & training_films(study.dataset, each.model.bundle, known)
        if seen:
            raise InputError(
                f"{each.label} was trained on {len(seen)} of the {len(judged)} films of {study.split!r}, on "
                "which it would be judged",
                remedy="give films that it has not seen (--split test2, or other --data), or --models "
                "trained on the training films alone: cephsure train --split train",
            )


def _make(
    chosen: Mapping[str, Experiment], study: Study, options: StudyOptions, tell: Tell
) -> tuple[dict[str, Found], dict[str, Exception]]:
    """Make the experiments in turn."""
    from cephsure.studies.report_tables import text_table
    from cephsure.studies.study_record import StudyFolder

    found: dict[str, Found] = {}
    failed: dict[str, Exception] = {}
    folder = StudyFolder(study, arguments=_arguments(options, study))
    for place, (name, experiment) in enumerate(chosen.items(), start=1):
        tell(Begun(name, place, len(chosen)))
        try:
            result = folder.make(name, experiment)
        except Exception as error:  # noqa: BLE001 - the others go on
            failed[name] = error
            tell(Failed(error, study.out / name))
            continue
        shown = result.shown or next(iter(result.tables.values()), None)
        table = None
        if shown is not None:
            table = text_table(shown, most_rows=_MOST_ROWS, most_columns=_MOST_COLUMNS)
        found[name] = Found(result, table, study.out / name)
        tell(found[name])
    return found, failed


def _arguments(options: StudyOptions, study: Study) -> list[str]:
    """The command's arguments without the place of its folders, which is nobody else's business."""
    arguments = [options.name, "--split", study.split, "--models", *(model.label for model in study.models)]
    if study.cts:
        arguments += ["--ct", *(path.name for path in study.cts)]
    if study.other_site is not None:
        arguments += ["--other-site", study.other_site.name]
    arguments += ["--seed", str(study.seed), "--shift-films", str(study.shift_films)]
    if options.reader is not None:
        arguments += ["--reader", Path(options.reader).name]
    return [*arguments, *(["--quick"] if options.quick else [])]


def _report(out: Path, tell: Tell) -> tuple[Path | None, tuple[InputError, ...]]:
    from cephsure.studies.report import write_report

    damaged: list[InputError] = []
    report = write_report(out, on_damage=damaged.append)
    for error in damaged:
        tell(Failed(error, out))
    if report is not None:
        tell(Reported(report))
    return report, tuple(damaged)

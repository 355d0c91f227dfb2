"""Train a model: annotated films in, a bundle that knows what its training films are like out."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal, TypeVar

import numpy as np

from cephsure.atomic import check_folders
from cephsure.bundles.bundle import read_bundle
from cephsure.bundles.edit import edit_bundle
from cephsure.datasets import film_of
from cephsure.datasets import truth as truth_of
from cephsure.errors import InputError
from cephsure.model import load_model
from cephsure.uncertainty.reference import FeatureModel, Reference, write_reference
from cephsure.uncertainty.shape_model import ShapeModel
from cephsure.workflows.batch import AnnotatedData, Counter, OnProgress, Progress, silent, tell_problems
from cephsure.workflows.training_films import training_films
from cephsure.workflows.what_to_train import what_to_train

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Executor
    from pathlib import Path

    from numpy.typing import NDArray

    from cephsure.datasets import AnnotatedFilm, Dataset
    from cephsure.training.recipe import Recipe
    from cephsure.training.run_config import ModelKind, RunConfig
    from cephsure.training.runner import JobState
    from cephsure.training.stage import Precision, Schedule
    from cephsure.workflows.what_to_train import Wanted

PACKAGES = ("torch", "onnx", "onnxscript", "safetensors", "matplotlib")
Part = TypeVar("Part")


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """What to train and how.

    Attributes:
        recipe: its name, or a recipe with numbers of your own, which the changes below then do not touch;
            None for "default", or for that of the model to go on from.
        kind: baseline, ensemble or mc-dropout; None for an ensemble, or what the model to go on from is.
        members: networks of an ensemble; None for 15, or for all of the model to go on from.
        seed: of everything random.
        landmark_set: a shipped set's name or a TOML file; None for isbi-19.
        width: factor of the filters, for recipes that have widths.
        folds: validate member k on part k of so many, for recipes that divide the films.
        fold: the part that the first member is validated on, counted from 0.
        epochs: another number than the recipe's.
        schedule: how the learning rate falls; None for the recipe's.
        stop_below_mm: stop a network when its validation error falls below it.
        precision: of the networks' arithmetic, "float32" or "bfloat16"; None for what a run was begun with,
            and for a new one "float32".
        start_from: a model to go on from, a shipped one's name or a bundle's folder; None: from nothing.
        old_films: a data set that this model knows: as many of its films as there are new ones are mixed in,
            so that it does not unlearn them.
    """

    recipe: str | Recipe | None = None
    kind: ModelKind | None = None
    members: int | None = None
    seed: int = 0
    landmark_set: str | None = None
    width: float | None = None
    folds: int | None = None
    fold: int = 0
    epochs: int | None = None
    schedule: Schedule | None = None
    stop_below_mm: float | None = None
    precision: Precision | None = None
    start_from: str | Path | None = None
    old_films: Path | None = None


@dataclass(frozen=True, slots=True)
class TrainingState:
    """How a run gets on: all that decides the weights, how many networks at once, and each network's job."""

    config: RunConfig
    at_once: int
    jobs: Sequence[JobState]


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """What came out of a run: the bundle's folder, and the picture of losses and validation errors.

    ``config`` is all that decided the weights, ``reference`` what the bundle knows of its training films,
    ``validation`` the mean radial error of single networks on films they were not trained on, in words.
    ``before`` is the folder of a second bundle, of a run with old films: the same networks, which mark as
    those do who taught the model that was gone on from.
    """

    bundle: Path
    curves: Path
    config: RunConfig
    reference: Reference
    validation: str
    before: Path | None = None


def train(
    data: AnnotatedData | Path | str,
    out: Path,
    *,
    options: TrainOptions | None = None,
    device: Literal["cpu", "cuda", "auto"] = "auto",
    jobs: int | None = None,
    checkpoint_every: int | None = None,
    executor: Executor | None = None,
    name: str | None = None,
    on_jobs: Callable[[TrainingState], object] = lambda _: None,
    on_progress: OnProgress = silent,
) -> TrainedModel:
    """Train a model on annotated films, as ``cephsure train`` does; a run that was stopped goes on.

    Args:
        data: annotated films; the split "train" where there are splits, else all, unless one is named.
        out: folder of the run.
        options: what to train and how.
        device: where to train; "auto" is a GPU where torch finds one.
        jobs: networks trained side by side; None for what suits the device.
        checkpoint_every: epochs from one checkpoint to the next; None for as often as costs little.
        executor: does the networks' jobs, as many at once as it likes, where ``out`` and the films are seen;
            None for a process each.
        name: the model's name; None for the name of the folder ``out``.
        on_jobs: told twice a second how each network gets on.
        on_progress: told what the user should know, and after each film at the end.

    Raises:
        InputError: packages are missing; data or options cannot be used; ``out`` holds another run, or
            another process is at work there.
        TrainingFailedError: a network's process failed; the checkpoints stay.
    """
    check_packages()
    check_folders(out)
    from cephsure.films.spacing import check_mm_per_px
    from cephsure.training.bundle_writer import bundle_validation
    from cephsure.training.device import find_device
    from cephsure.training.material import run_films
    from cephsure.training.progress import CURVES_FILE
    from cephsure.training.run_config import RUN_FILE
    from cephsure.training.run_lock import hold
    from cephsure.training.runner import begin, finish, finish_before, jobs_at_once, run_jobs

    data, options = AnnotatedData.of(data), options or TrainOptions()
    check_mm_per_px(data.mm_per_px)
    wanted = what_to_train(options)
    found = find_device(device)
    beginning = "going on with" if (out / RUN_FILE).exists() else "new run in"
    on_progress(Progress(remark=f"{beginning} {out}: reading {data.path}"))
    with hold(out):
        config = begin(
            str(data.path),
            out,
            recipe=wanted.recipe,
            kind=wanted.kind,
            members=wanted.members,
            truth=data.truth,
            seed=options.seed,
            data_format=data.format,
            split=data.split,
            mm_per_px=data.mm_per_px,
            landmark_set=options.landmark_set,
            images=data.images,
            labels=data.labels,
            precision=options.precision,
            start=wanted.start,
            old_films=options.old_films,
            tell=lambda dataset: _tell(dataset, wanted, lambda line: on_progress(Progress(remark=line))),
        )
        on_progress(Progress(remark=f"training in {config.precision} on {found}"))
        at_once = jobs_at_once(config, jobs=jobs, device=found)
        work = run_jobs(
            out, config, jobs=jobs, device=found, checkpoint_every=checkpoint_every, executor=executor
        )
        with closing(work) as states:
            for state in states:
                on_jobs(TrainingState(config, at_once, state))
        bundle, films = finish(out, config, name=name), run_films(config)
        source = f"{len(films)} training films"
        reference = add_reference(bundle, films, truth=config.truth, source=source, on_progress=on_progress)
        before = finish_before(out, config, name=name)
        if before is not None:
            with edit_bundle(read_bundle(before)) as edit:
                write_reference(reference, edit.folder)
        return TrainedModel(bundle, out / CURVES_FILE, config, reference, bundle_validation(bundle), before)


def _tell(dataset: Dataset, wanted: Wanted, remark: Callable[[str], None]) -> None:
    """Say what is wrong with films, and which of them the model to go on from has seen already."""
    tell_problems(dataset, remark)
    seen = () if wanted.start is None else training_films(dataset, wanted.start)
    if wanted.start is not None and seen:
        remark(
            f"{wanted.start.name} was trained on {len(seen)} of these films before: errors on them, in "
            "validation too, will be too small; go on from a model that has not seen them"
        )


def check_packages() -> None:
    """Raise `InputError` if packages that training needs are missing, saying which."""
    missing = [package for package in PACKAGES if find_spec(package) is None]
    if missing:
        raise InputError(
            f"training needs {', '.join(missing)}",
            remedy='pip install "cephsure[train]"; -c constraints.txt of the source pins the tested torch',
        )


def add_reference(
    folder: Path,
    films: Sequence[AnnotatedFilm],
    *,
    truth: str,
    source: str,
    on_progress: OnProgress = silent,
) -> Reference:
    """Write a bundle's ``reference.json`` from its training films, and new checksums.

    ``truth`` is the annotation that it was trained on, ``source`` says in words what the films are. A part
    that the films do not suffice for is None in what is written.

    Raises:
        FilmError: a film cannot be read.
    """
    model = load_model(folder)
    points, features, unseen = [], [], next(iter(model.bundle.validation_films), ())
    step = Counter("training films", len(films), on_progress)
    for item in films:
        film = film_of(item)
        found = truth_of(item, truth)
        spacing = film.spacing
        # A shape is judged whatever its size: px serve where mm are unknown.
        scale = (1.0, 1.0) if spacing is None else (spacing.x_mm_per_px, spacing.y_mm_per_px)
        points.append(found * np.array(scale))
        # A network lies nearer to films that it was trained on: later films are measured beside these alone.
        pooled = None if item.film_id in unseen else model.features(film)
        if pooled is not None:
            features.append(pooled)
        step(film=item.path)
    feature_model = _fitted(FeatureModel.fit, features) if features else None
    reference = Reference(_fitted(ShapeModel.fit, points), feature_model, source)
    with edit_bundle(model.bundle) as edit:
        write_reference(reference, edit.folder)
    return reference


def _fitted(fit: Callable[[NDArray[np.float64]], Part], films: Sequence[NDArray[np.float64]]) -> Part | None:
    try:
        return fit(np.stack(films))
    except InputError:
        return None

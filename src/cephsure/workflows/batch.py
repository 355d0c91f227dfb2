"""What the workflows share: their input, how they get on, and work on many films at once or in turn.

Arguments that all workflows take, and that their own pages do not repeat:

* ``data``: annotated films, as `AnnotatedData` or the path of a data set; where no split is named, test1 if
  there is one, else all.
* ``model``: a loaded model, a shipped one's name or a bundle's folder.
* ``device``: where a model that is not loaded yet is computed; "auto" is a GPU where there is one.
* ``executor``: does the films side by side, in processes or threads; the numbers do not depend on it.
* ``on_progress``: told after each film, with the error if it cannot be used, and what the user should know.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from cephsure.errors import BundleError, FilmError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from concurrent.futures import Executor

    from cephsure.datasets import AnnotatedFilm, Dataset, DatasetFormat
    from cephsure.inference.session import Device
    from cephsure.landmarks import LabelKind, LandmarkSet
    from cephsure.model import Model

DEFAULT_MODEL = "default-ensemble"
GPU_THREADS = 8
"""Films that are worked on side by side where the networks are on a GPU."""
_TOLD = 12
MEAN, WHOLE, TRAIN = "mean", "all", "train"
FIGURES = {"matplotlib": "matplotlib"}
"""What figures need, by module."""

Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class AnnotatedData:
    """Which annotated films a workflow works on.

    Attributes:
        path: the data set's folder, or a label file.
        format: its layout; "auto" finds it out.
        split: which of its films; None for the usual ones of the workflow.
        truth: whose points are true: an annotator, or "mean" of those who marked the landmark.
        mm_per_px: the user's scale, which goes before what data set and films state.
        limit: only so many films, the first ones, where films are judged: evaluate, compare_classes.
        images: where the films lie, if not where the label files say.
        labels: how a label is read that is a landmark's name and another one's number.
    """

    path: Path | str
    format: DatasetFormat = "auto"
    split: str | None = None
    truth: str = MEAN
    mm_per_px: float | None = None
    limit: int | None = None
    images: Path | None = None
    labels: LabelKind = "auto"

    @classmethod
    def of(cls, data: AnnotatedData | Path | str) -> AnnotatedData:
        """The data as they are, or the usual films of a path."""
        return data if isinstance(data, AnnotatedData) else cls(data)

    def open(self, landmark_set: LandmarkSet, tell: Callable[[str], None] | None = None) -> Dataset:
        """Read the whole data set; what had to be left out is told to ``tell``.

        Raises:
            InputError: it cannot be read, or the scale is impossible.
        """
        from cephsure.datasets import open_dataset
        from cephsure.films.spacing import check_mm_per_px

        check_mm_per_px(self.mm_per_px)
        dataset = open_dataset(
            self.path,
            format=self.format,
            landmark_set=landmark_set,
            mm_per_px=self.mm_per_px,
            images=self.images,
            labels=self.labels,
        )
        if tell is not None:
            tell_problems(dataset, tell)
        return dataset


def tell_problems(dataset: Dataset, tell: Callable[[str], None]) -> None:
    """Tell what of a data set had to be left out, a line each, the first ones."""
    for problem in dataset.problems[:_TOLD]:
        tell(f"data set: {problem}")
    if len(dataset.problems) > _TOLD:
        tell(f"data set: {len(dataset.problems) - _TOLD} more of the like; cephsure check shows all")


def usual_split(dataset: Dataset, usual: str = "test1") -> str:
    """The split that is taken where none is named: ``usual`` where there is one, else all films."""
    return usual if any(film.split == usual for film in dataset.films) else WHOLE


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a workflow is, or something to tell the user.

    Attributes:
        what: is counted: "films", "folds", ...
        done: how many are done.
        total: how many there are.
        film: the one just done.
        error: why it could not be used; the others go on.
        remark: what the user should know, in one line.
    """

    what: str = "films"
    done: int = 0
    total: int = 0
    film: Path | None = None
    error: Exception | None = None
    remark: str | None = None


OnProgress = Callable[[Progress], None]


def silent(_: Progress) -> None:
    """Report progress to nobody."""


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where films are done: by whom, None for one after the other here, and who is told."""

    executor: Executor | None = None
    on_progress: OnProgress = silent

    def remark(self, line: str) -> None:
        """Tell something that the user should know."""
        self.on_progress(Progress(remark=line))

    def each_film(
        self,
        work: Callable[[Task], Result],
        tasks: Sequence[Task],
        *,
        path: Callable[[Task], Path],
        is_films_own: Callable[[Exception], bool],
    ) -> Batch[Result]:
        """Do something with each film.

        Args:
            work: does it; for an executor of processes it must be picklable, as the results are.
            tasks: one a film.
            path: a task's film.
            is_films_own: whether an error is one film's own: then the others go on.

        Raises:
            Exception: the first error that is not one film's own.
        """
        results: list[Result] = []
        errors: dict[Path, Exception] = {}
        step = Counter("films", len(tasks), self.on_progress)
        for task, (result, error) in zip(tasks, _attempts(work, tasks, self.executor), strict=True):
            film = path(task)
            if error is None:
                results.append(result)
            elif is_films_own(error):
                errors[film] = error
            else:
                raise error
            step(film=film, error=error)
        return Batch(tuple(results), errors)

    def each_annotated(self, work: Callable[[AnnotatedFilm], Result], dataset: Dataset) -> Batch[Result]:
        """Do something with each film of a data set; one that is no film does not keep the others."""
        return self.each_film(
            work,
            dataset.films,
            path=lambda film: film.path,
            is_films_own=lambda error: isinstance(error, FilmError),
        )


HERE = Workplace()
"""Films one after the other, and nobody is told."""


def open_model(
    model: Model | str | Path,
    device: Device,
    executor: Executor | None,
    on_progress: OnProgress,
    *,
    samples: int | None = None,
) -> tuple[Model, Workplace]:
    """The model, loaded onto a device, which is told, if it is not loaded yet; and where its films are done.

    What is lost where other ``samples`` are asked for than it is calibrated with is told too.

    For a model on a GPU that is in threads, where no executor is given: while the GPU computes the networks
    of one film, others are read, prepared and written.

    Raises:
        BundleError: it cannot be loaded.
        InputError: there is no such device.
    """
    if isinstance(model, (str, Path)):
        from cephsure.model import load_model

        model = load_model(model, device=device)
        on_progress(Progress(remark=f"device: {model.device}"))
    if (lost := about_samples(model, samples)) is not None:
        on_progress(Progress(remark=lost))
    if executor is None and model.device != "cpu":
        executor = ThreadPoolExecutor(max_workers=GPU_THREADS, thread_name_prefix="cephsure-films")
    return model, Workplace(executor, on_progress)


def about_samples(model: Model, samples: int | None) -> str | None:
    """What predictions will not have, where other samples are asked for than a model is calibrated with."""
    if samples is None:
        return None
    lost, fitted = [], 0
    calibration, gate = model.calibration, model.gate
    if calibration is not None and samples != calibration.fitted_on.samples:
        lost, fitted = ["expected errors", "regions"], calibration.fitted_on.samples
    if gate is not None and samples != gate.source.samples:
        lost, fitted = [*lost, "verdicts"], fitted or gate.source.samples
    if not lost:
        return None
    asked = f"{samples} sample{'' if samples == 1 else 's'} asked for"
    return f"{asked}, {model.name} is calibrated with {fitted}: there will be no {', no '.join(lost)}"


def check_installed(what: str, modules: Mapping[str, str], *, extra: str) -> None:
    """Refuse what needs packages that are not there, before any work is done.

    Args:
        what: needs them, as in "training".
        modules: module -> the package that has it.
        extra: of this package, that brings them.

    Raises:
        InputError: one is missing.
    """
    missing = [package for module, package in modules.items() if find_spec(module) is None]
    if missing:
        raise InputError(f"{what} needs {', '.join(missing)}", remedy=f'pip install "cephsure[{extra}]"')


class Counter:
    """Reports each step of so many."""

    def __init__(self, what: str, total: int, on_progress: OnProgress) -> None:
        self.what, self.total, self.done, self.on_progress = what, total, 0, on_progress

    def __call__(self, *, film: Path | None = None, error: Exception | None = None) -> None:
        """Report one more step."""
        self.done += 1
        self.on_progress(Progress(self.what, self.done, self.total, film, error))


@dataclass(frozen=True, slots=True)
class Batch(Generic[Result]):
    """What came of many films.

    Attributes:
        results: of the films that could be used, in the films' order.
        errors: film -> why it could not be used.
    """

    results: tuple[Result, ...]
    errors: dict[Path, Exception]


def goes_on(error: Exception) -> bool:
    """Whether other films may do better: not where the model or an option is at fault."""
    return not isinstance(error, BundleError) and getattr(error, "where", error) is not None


def _attempts(
    work: Callable[[Task], Result], tasks: Sequence[Task], executor: Executor | None
) -> Iterator[tuple[Any, Exception | None]]:
    """Each task's result or error, in order."""
    if executor is None:
        yield from (_attempt(work, task) for task in tasks)
        return
    # Threads share the model; processes are sent it with each task, but load it once.
    call = work if isinstance(executor, ThreadPoolExecutor) else partial(_do_sent, pickle.dumps(work))
    futures = [executor.submit(_attempt, call, task) for task in tasks]
    try:
        yield from (future.result() for future in futures)
    finally:
        for future in futures:
            future.cancel()


def _attempt(work: Callable[[Any], Any], task: Any) -> tuple[Any, Exception | None]:
    try:
        return work(task), None
    except Exception as error:  # noqa: BLE001 - whoever asked decides whether the others go on
        return None, error


def _do_sent(pickled: bytes, task: Any) -> Any:
    return _received(pickled)(task)


@lru_cache(maxsize=1)
def _received(pickled: bytes) -> Callable[[Any], Any]:
    work: Callable[[Any], Any] = pickle.loads(pickled)  # noqa: S301 - this very program pickled it
    return work

"""What the workflows share: their input, how they get on, and work on many films at once or in turn."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from cephsure.errors import BundleError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Executor

    from cephsure.datasets import Dataset, DatasetFormat
    from cephsure.inference.session import Device
    from cephsure.landmarks import LandmarkSet
    from cephsure.model import Model

DEFAULT_MODEL = "default-ensemble"
GPU_THREADS = 8
"""Films that are worked on side by side where the networks are on a GPU."""
MEAN, WHOLE, TRAIN = "mean", "all", "train"

Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class AnnotatedData:
    """Which annotated films a workflow works on.

    Attributes:
        path: the data set's folder, or its COCO or CSV file.
        format: its layout; "auto" finds it out.
        split: which of its films; None for the usual ones of the workflow.
        truth: whose points are true: an annotator, or "mean" of those who marked the landmark.
        mm_per_px: the user's scale, which goes before what data set and films state.
        limit: only so many films, the first ones, where films are judged: evaluate, compare_classes.
    """

    path: Path | str
    format: DatasetFormat = "auto"
    split: str | None = None
    truth: str = MEAN
    mm_per_px: float | None = None
    limit: int | None = None

    @classmethod
    def of(cls, data: AnnotatedData | Path | str) -> AnnotatedData:
        """The data as they are, or the usual films of a path."""
        return data if isinstance(data, AnnotatedData) else cls(data)

    def open(self, landmark_set: LandmarkSet) -> Dataset:
        """Read the whole data set.

        Raises:
            InputError: it cannot be read, or the scale is impossible.
        """
        from cephsure.datasets import open_dataset
        from cephsure.films.spacing import check_mm_per_px

        check_mm_per_px(self.mm_per_px)
        return open_dataset(
            self.path, format=self.format, landmark_set=landmark_set, mm_per_px=self.mm_per_px
        )


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


def as_model(model: Model | str | Path, device: Device = "cpu", on_progress: OnProgress = silent) -> Model:
    """A loaded model, or the one of a name or of a bundle's folder, loaded onto a device, which is told.

    Raises:
        BundleError: it cannot be loaded.
        InputError: there is no such device.
    """
    if not isinstance(model, (str, Path)):
        return model
    from cephsure.model import load_model

    loaded = load_model(model, device=device)
    on_progress(Progress(remark=f"device: {loaded.device}"))
    return loaded


class Counter:
    """Reports each step of so many."""

    def __init__(self, what: str, total: int, on_progress: OnProgress) -> None:
        self.what, self.total, self.done, self.on_progress = what, total, 0, on_progress

    def __call__(self, *, film: Path | None = None, error: Exception | None = None) -> None:
        """Report one more step."""
        self.done += 1
        self.on_progress(Progress(self.what, self.done, self.total, film, error))


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Result]):
    """What came of one film: a result, or the error that kept it from being used."""

    film: Path
    result: Result | None
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class Batch(Generic[Result]):
    """What came of many films.

    Attributes:
        results: of the films that could be used, in the films' order.
        errors: film -> why it could not be used.
    """

    results: tuple[Result, ...]
    errors: dict[Path, Exception]

    @classmethod
    def of(cls, outcomes: Sequence[Outcome[Result]]) -> Batch[Result]:
        """Results and errors apart."""
        return cls(
            tuple(outcome.result for outcome in outcomes if outcome.result is not None),
            {outcome.film: outcome.error for outcome in outcomes if outcome.error is not None},
        )


def films_executor(model: Model, executor: Executor | None) -> Executor | None:
    """What does a workflow's films: the executor that was given; for a model on a GPU threads, else None.

    While a GPU computes the networks of one film, others are read, prepared and written.
    """
    if executor is not None or model.device == "cpu":
        return executor
    return ThreadPoolExecutor(max_workers=GPU_THREADS, thread_name_prefix="cephsure-films")


def each_film(
    work: Callable[[Task], Result],
    tasks: Sequence[Task],
    *,
    path: Callable[[Task], Path],
    is_films_own: Callable[[Exception], bool],
    executor: Executor | None,
    on_progress: OnProgress,
) -> list[Outcome[Result]]:
    """Do something with each film.

    Args:
        work: does it; for an executor of processes it must be picklable, as the results are.
        tasks: one a film.
        path: a task's film.
        is_films_own: whether an error is one film's own: then the others go on.
        executor: does the films side by side; None for one after the other, here.
        on_progress: told after each film, in the films' order.

    Returns:
        One a film, in their order.

    Raises:
        Exception: the first error that is not one film's own.
    """
    outcomes = []
    step = Counter("films", len(tasks), on_progress)
    for task, (result, error) in zip(tasks, _attempts(work, tasks, executor), strict=True):
        if error is not None and not is_films_own(error):
            raise error
        outcomes.append(Outcome(path(task), result, error))
        step(film=path(task), error=error)
    return outcomes


def goes_on(error: Exception) -> bool:
    """Whether other films may do better: not where the model or an option is at fault."""
    return not isinstance(error, BundleError) and getattr(error, "where", error) is not None


def make_folder(folder: Path) -> None:
    """Make an output folder, if it is not there.

    Raises:
        InputError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"this folder cannot be made: {error.strerror}", where=folder) from error


def _attempts(
    work: Callable[[Task], Result], tasks: Sequence[Task], executor: Executor | None
) -> Iterator[tuple[Result | None, Exception | None]]:
    """Each task's result or error, in order."""
    if executor is None:
        yield from (_attempt(work, task) for task in tasks)
        return
    # Threads share the model; processes are sent it with each task, but load it once.
    call = work if isinstance(executor, ThreadPoolExecutor) else _Sent(pickle.dumps(work))
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


@dataclass(frozen=True, slots=True)
class _Sent:
    """Work on its way to another process."""

    pickled: bytes

    def __call__(self, task: Any) -> Any:
        return _received(self.pickled)(task)


@lru_cache(maxsize=1)
def _received(pickled: bytes) -> Callable[[Any], Any]:
    work: Callable[[Any], Any] = pickle.loads(pickled)  # noqa: S301 - this very program pickled it
    return work

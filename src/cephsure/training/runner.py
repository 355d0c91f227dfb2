"""A whole training run: its jobs in parallel processes, resumed where they stopped, then the bundle."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cephsure.datasets import data_sha256
from cephsure.datasets import truth as chosen_truth
from cephsure.datasets.annotated_film import MEAN
from cephsure.errors import InputError
from cephsure.text_files import is_file
from cephsure.training.bundle_writer import write_bundle
from cephsure.training.fit import CheckpointTimes
from cephsure.training.material import mean_shape, run_data, run_films, usual_split
from cephsure.training.old_films import old_data
from cephsure.training.progress import CURVES_FILE, draw_curves, read_logs
from cephsure.training.run_config import RunConfig, settle
from cephsure.training.stage import USUAL_PRECISION
from cephsure.training.start import keep_start, taught_by
from cephsure.training.worker import BAD_INPUT, DONE_FILE, do_job, job_folder, recipe_place

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from concurrent.futures import Executor, Future

    from cephsure.bundles.bundle import Bundle
    from cephsure.datasets import Dataset, DatasetFormat
    from cephsure.landmarks import LabelKind
    from cephsure.training.recipe import Recipe
    from cephsure.training.run_config import ModelKind
    from cephsure.training.stage import Precision

POLL_SECONDS = 0.5
BUNDLE_FOLDER, BEFORE_BUNDLE_FOLDER = "bundle", "bundle_before"
ERRORS_FILE = "stderr.txt"
ERROR_LINES = 12


class TrainingFailedError(RuntimeError):
    """A job of a run ended with an error."""


@dataclass(slots=True)
class JobState:
    """How far a job is: the rows of its log, whether it has finished, whether a process is at it now."""

    name: str
    rows: list[dict[str, Any]] = field(default_factory=list)
    done: bool = False
    running: bool = False


def begin(
    data: str,
    out: Path,
    *,
    recipe: Recipe,
    kind: ModelKind,
    members: int,
    truth: str,
    seed: int,
    data_format: DatasetFormat = "auto",
    split: str | None = None,
    mm_per_px: float | None = None,
    landmark_set: str | None = None,
    images: Path | None = None,
    labels: LabelKind = "auto",
    precision: Precision | None = None,
    start: Bundle | None = None,
    old_films: Path | None = None,
    tell: Callable[[Dataset], None] = lambda _: None,
) -> RunConfig:
    """Write a run's configuration, or check it against the one it is to go on with; it is given.

    ``split`` None is "train" where the data set has splits, else "all"; the data set is given to ``tell``;
    ``precision`` None is what a run was begun with, else ``USUAL_PRECISION``. ``start`` is a model to go on
    from, ``old_films`` a data set to mix films of in.

    Raises:
        InputError: data that cannot be read or are too few, or a folder that holds another run.
    """
    if landmark_set is not None and is_file(Path(landmark_set)):
        landmark_set = str(Path(landmark_set).resolve())
    wanted = RunConfig(
        data=str(Path(data).resolve()),
        data_format=data_format,
        split=split or "",
        truth=truth,
        mm_per_px=mm_per_px,
        landmark_set=landmark_set,
        data_sha256="",
        kind=kind,
        members=members if kind == "ensemble" else 1,
        seed=seed,
        precision=precision or USUAL_PRECISION,
        recipe=recipe,
        images=None if images is None else str(images.resolve()),
        labels=labels,
        start=None if start is None else start.name,
        start_sha256=None if start is None else start.sha256,
        old_films=None if old_films is None else str(old_films.resolve()),
    )
    dataset = run_data(wanted)
    tell(dataset)
    if split is None:
        wanted = replace(wanted, split=usual_split(dataset))
    items = run_films(wanted)
    # What would stop the jobs later stops them here, before anything is written.
    if start is None or start.mean_shape is None:
        mean_shape([chosen_truth(item, truth) for item in items])
    if start is not None and start.landmark_set.codes != dataset.landmark_set.codes:
        remedy = f"name its set, {start.landmark_set.name}, by --landmarks"
        raise InputError(f"{start.name} has other landmarks than these films are read for", remedy=remedy)
    recipe.member_films(items, 0, seed=seed)
    old = old_data(wanted)
    wanted = replace(
        wanted,
        data_sha256=data_sha256(items, truth),
        old_films_sha256=None if old is None else data_sha256(old.films, MEAN),
    )
    config = settle(out, wanted, same_precision=precision is not None)
    if start is not None:
        keep_start(out, start)
    return config


def run_jobs(
    out: Path,
    config: RunConfig,
    *,
    jobs: int | None = None,
    device: str = "cpu",
    checkpoint_every: int | None = None,
    executor: Executor | None = None,
) -> Generator[list[JobState], None, None]:
    """Do all jobs of a run, and give their states twice a second.

    Args:
        out: the run's folder.
        config: its configuration.
        jobs: how many are done side by side, each in a process of its own.
        device: where networks are trained.
        checkpoint_every: epochs between checkpoints; None: as often as costs little.
        executor: does the jobs instead, as many at once as it likes, where ``out`` and the films are seen.

    Raises:
        InputError: when a job finds that a film or an annotation cannot be used.
        TrainingFailedError: when a job fails; the others are stopped (in an executor only those that wait),
            their checkpoints stay.
    """
    states, recipe = [JobState(name) for name in config.job_names], type(config.recipe)
    if executor is not None:
        futures = {}
        for state in states:
            times = CheckpointTimes(checkpoint_every)
            futures[state.name] = executor.submit(do_job, out, state.name, recipe, device=device, times=times)
        yield from _in_executor(futures, out, states)
        return
    at_once = jobs_at_once(config, jobs=jobs, device=device)
    every = "auto" if checkpoint_every is None else str(checkpoint_every)
    settings = [str(max(1, _cores() // at_once)), device, recipe_place(recipe), every]
    processes: dict[str, subprocess.Popen[bytes]] = {}
    try:
        while True:
            _look(out, states, processes)
            waiting = [state for state in states if not state.done and not state.running]
            for state in waiting[: at_once - len(processes)]:
                processes[state.name] = _start(out, state.name, settings)
                state.running = True
            yield states
            if all(state.done for state in states):
                return
            time.sleep(POLL_SECONDS)
    finally:
        for process in processes.values():
            process.terminate()
        for process in processes.values():
            process.wait()


def _in_executor(
    futures: dict[str, Future[None]], out: Path, states: list[JobState]
) -> Generator[list[JobState], None, None]:
    try:
        while True:
            for state in states:
                future = futures[state.name]
                ended = future.done()  # asked before its files are looked at, which are all written then
                _read(out, state)
                state.running = future.running() and not state.done
                error = future.exception() if ended else None
                if isinstance(error, InputError):
                    raise error
                if error is not None:
                    raise TrainingFailedError(f"job {state.name} failed: {error!r}") from error
            yield states
            if all(state.done for state in states):
                return
            wait(futures.values(), timeout=POLL_SECONDS)
    finally:
        for future in futures.values():
            future.cancel()


def jobs_at_once(config: RunConfig, *, jobs: int | None = None, device: str = "cpu") -> int:
    """How many of a run's jobs are done side by side: ``jobs``, or what suits the device; at most all.

    On a CPU there are as many as cores, one thread each: two single-thread processes train two members sooner
    than one process with two threads trains them in turn. On a GPU there is one; more may share it.
    """
    usual = 1 if device == "cuda" else _cores()
    return max(1, min(jobs or usual, len(config.job_names)))


def _cores() -> int:
    """Cores this process may use, which a container or ``taskset`` makes fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _start(out: Path, job: str, settings: list[str]) -> subprocess.Popen[bytes]:
    """Start a job's process; ``settings`` are what it is told beside the job: threads, device, ..."""
    folder = job_folder(out, job)
    folder.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"OMP_NUM_THREADS": settings[0], "OPENBLAS_NUM_THREADS": settings[0]}
    # The worker must find whatever was found here: a recipe may come from anywhere.
    environment["PYTHONPATH"] = os.pathsep.join(path or str(Path.cwd()) for path in sys.path)
    module = ["-m", "cephsure.training.job_process", str(os.getpid())]
    command = [sys.executable, *module, str(out), job, *settings]
    with (folder / ERRORS_FILE).open("wb") as errors:
        return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=errors)  # noqa: S603 - our own module


def _look(out: Path, states: list[JobState], processes: dict[str, subprocess.Popen[bytes]]) -> None:
    """Bring the states up to date, and reap processes that have ended."""
    for state in states:
        process = processes.get(state.name)
        # Asked before its files are looked at: a process that has ended has written all of them.
        ended = process is not None and process.poll() is not None
        _read(out, state)
        if process is not None and ended:
            del processes[state.name]
            if not state.done:
                raise _failure(out, state.name, process.returncode)
        state.running = state.name in processes and not state.done


def _read(out: Path, state: JobState) -> None:
    """What a job's files say of it; the log is read last, since a job that is done has written all of it."""
    state.done = (job_folder(out, state.name) / DONE_FILE).exists()
    state.rows = read_logs(out, [state.name]).get(state.name, state.rows)


def _failure(out: Path, job: str, status: int) -> Exception:
    """What a job that ended with ``status`` died of."""
    said = (job_folder(out, job) / ERRORS_FILE).read_text(errors="replace").strip().splitlines()
    if status == BAD_INPUT and said:
        return InputError(said[-1])
    killed = "; killed from outside, as a system does that runs out of memory" if status == -9 else ""
    last = "\n".join(said[-ERROR_LINES:])
    return TrainingFailedError(f"job {job} failed with status {status}{killed}:\n{last}")


def finish(out: Path, config: RunConfig, *, name: str | None = None) -> Path:
    """Draw the curves of a run whose jobs are done, write its bundle and return the bundle's folder."""
    stages = [stage for job in config.job_names for stage in config.recipe.stages(job).values()]
    units = {stage.name: stage.loss_unit for stage in stages}
    draw_curves(read_logs(out, config.job_names), out / CURVES_FILE, loss_units=units)
    return write_bundle(out, config, out / BUNDLE_FOLDER, name=name)


def finish_before(out: Path, config: RunConfig, *, name: str | None = None) -> Path | None:
    """Write the bundle that marks as those who taught the start; None where none of their maps stayed."""
    if not taught_by(out, config):
        return None
    return write_bundle(out, config, out / BEFORE_BUNDLE_FOLDER, name=name, marks_as_before=True)

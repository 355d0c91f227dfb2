"""One job of a run in a process of its own: a member's networks, or those that the run has once.

``main`` takes RUN JOB THREADS DEVICE RECIPE EVERY; JOB is a member's number or the name of an extra job,
RECIPE the recipe's class as ``module:name``, EVERY the epochs between checkpoints or "auto".
"""

from __future__ import annotations

import importlib
import json
import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch

from cephsure.atomic import write_atomically
from cephsure.errors import InputError
from cephsure.training.fit import CheckpointTimes, fit
from cephsure.training.material import TrainingFilm, load_films, run_films, square_mean_shape
from cephsure.training.old_films import old_films
from cephsure.training.run_config import RunConfig, derived_seed
from cephsure.training.run_lock import hold
from cephsure.training.start import start_networks

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from torch import nn

    from cephsure.training.recipe import Recipe
    from cephsure.training.stage import Stage

    Film = TypeVar("Film", bound=TrainingFilm)

DONE_FILE = "done.json"
LOG_FILE = "log.jsonl"
CHECKPOINT = "{}.checkpoint.safetensors"
"""A stage's."""
BAD_INPUT = 2
"""Exit status of a job that met a film or an annotation it cannot use; its last line says which."""
PATIENCE_SECONDS = 20.0
"""How long a job waits for a process at the same one, whose run may have been killed a moment ago."""
WRONG_ANSWERS = "wrong answers"
"""The unit of a validation that tells a share of wrong answers, and no length."""


def job_folder(run: Path, job: str) -> Path:
    """Where a job keeps its checkpoints, its log and, in the end, its networks."""
    return run / (f"member_{int(job):02d}" if job.isdigit() else job)


def do_job(
    run: Path, job: str, recipe: type[Recipe], *, device: str = "cpu", times: CheckpointTimes | None = None
) -> None:
    """Do one job of a run, going on from its checkpoints; a finished job is left as it is.

    Raises:
        InputError: another process is at it, and goes on for longer than one whose run was killed.
    """
    folder = job_folder(run, job)
    if (folder / DONE_FILE).exists():
        return
    with hold(folder, patience_s=PATIENCE_SECONDS):
        for leftover in folder.glob(".*.part"):  # of a write that was killed
            leftover.unlink(missing_ok=True)
        work = Job(RunConfig.load(run, recipe), job, folder, device=device, times=times)
        beside = work.config.recipe.train(work)
        write_atomically(folder / DONE_FILE, json.dumps(work.facts | beside, indent=2).encode())


class Job:
    """One job as a recipe sees it: films to be asked for, stages to be fitted one after the other.

    Attributes:
        config: the run's.
        name: a member's number, or the extra job's name.
        member: that number; 0 for an extra job, which has the first member's films.
        folder: where checkpoints and the log are, and networks are exported to.
        device: where they are trained.
        dropout: whether the networks take channel masks.
        start: the networks to go on from, or None.
        shape: (L, 2) the mean shape of the training films, or of those of the model to go on from.
        facts: what the bundle will be told of it.
    """

    def __init__(
        self, config: RunConfig, name: str, folder: Path, *, device: str, times: CheckpointTimes | None = None
    ) -> None:
        self.config, self.name, self.folder, self.device = config, name, folder, device
        self.member = int(name) if name.isdigit() else 0
        self.dropout = config.kind == "mc-dropout"
        self._times = times
        self._items = run_films(config)
        self.start = start_networks(folder.parent, config, self.member)
        taught_by = () if self.start is None else self.start.taught_by
        self._old = old_films(config, self._items, taught_by)
        known = None if self.start is None else self.start.shape
        self.shape = square_mean_shape(self._items, config.truth) if known is None else known
        self._unit = "mm"
        self._rows: list[dict[str, Any]] = []
        self.facts: dict[str, Any] = {"stages": {}, "validation_films": [], "validation_unit": "mm"}

    def films(
        self, side: int, prepare: Callable[[TrainingFilm, NDArray[np.float32]], Film]
    ) -> tuple[list[Film], list[Film]]:
        """The job's training and validation films, reduced to whole views of ``side`` pixels.

        ``prepare`` is given each film and its grey values (H, W) in [0, 1], and makes of them what the recipe
        keeps; the grey values themselves are not kept.
        """
        config = self.config
        read = load_films((*self._items, *self._old), config.truth, side=side, shape=self.shape)
        loaded = [prepare(film, pixels) for film, pixels in read]
        parts = config.recipe.member_films(self._items, self.member, seed=config.seed)
        train, held = ([loaded[i] for i in part] for part in parts)
        train += [replace(film, is_old=True) for film in loaded[len(self._items) :]]
        # The frame's unit (about mm) serves where films have no scale.
        scaled = all(np.isfinite(film.mm_per_px).all() for film in held)
        self._unit = "mm" if scaled else "frame units"
        ids = [film.film_id for film in held]
        self.facts |= {"validation_films": ids, "validation_unit": self._unit}
        return train, held

    def fit(self, stage: Stage, number: int) -> nn.Module:
        """Fit a stage's network, log its epochs and note its figures; ``number`` gives it its seed."""
        earlier = list(self._rows)
        counts_wrong = self.config.recipe.stages(self.name)[stage.name].counts_wrong
        unit = WRONG_ANSWERS if counts_wrong else self._unit

        def report(rows: list[dict[str, Any]]) -> None:
            self._rows = earlier + [_strict(row) | {"validation_unit": unit} for row in rows]
            text = "".join(json.dumps(row) + "\n" for row in self._rows)
            write_atomically(self.folder / LOG_FILE, text.encode())

        network, progress = fit(
            stage,
            seed=derived_seed(self.config, self.member, number),
            checkpoint=self.folder / CHECKPOINT.format(stage.name),
            precision=self.config.precision,
            device=self.device,
            times=self._times,
            report=report,
        )
        facts = {
            "epochs": progress.epoch,
            "seconds": round(progress.seconds, 1),
            **{key: progress.history[-1][key] for key in ("validation_score", "validation_mre_mm")},
            "best_epoch": progress.best_epoch,
            "best_validation_mre_mm": progress.best_mm,
        }
        self.facts["stages"][stage.name] = _strict(facts)
        return network


def _strict(row: dict[str, Any]) -> dict[str, Any]:
    """The row with None for what is not a finite number, which JSON does not know."""
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in row.items()
    }


def recipe_place(recipe: type[Recipe]) -> str:
    """Where another process finds a recipe's class, as ``module:name``."""
    return f"{recipe.__module__}:{recipe.__qualname__}"


def recipe_at(place: str) -> type[Recipe]:
    """The class that ``recipe_place`` named."""
    module, name = place.split(":")
    recipe: type[Recipe] = getattr(importlib.import_module(module), name)
    return recipe


def main(arguments: list[str]) -> None:
    """Do the job that a command line names."""
    run, job, threads, device, recipe, every = arguments
    times = CheckpointTimes(None if every == "auto" else int(every))
    times.end_on_signals()
    torch.set_num_threads(int(threads))
    try:
        do_job(Path(run), job, recipe_at(recipe), device=device, times=times)
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(BAD_INPUT)

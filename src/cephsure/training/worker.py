"""One job of a run in a process of its own: a member's networks, or the orientation network.

``python -m cephsure.training.worker RUN JOB THREADS DEVICE``; JOB is a member's number or ``orientation``.
"""

from __future__ import annotations

import json
import math
import os
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from cephsure.atomic import write_atomically
from cephsure.datasets import truth
from cephsure.errors import InputError
from cephsure.recipes.coarse_to_fine.coarse_stage import CoarseStage
from cephsure.recipes.coarse_to_fine.fine_stage import FineStage
from cephsure.recipes.coarse_to_fine.orientation_stage import OrientationStage
from cephsure.recipes.paper.stage import PaperStage
from cephsure.training.fit import fit
from cephsure.training.graphs import export_coarse, export_fine, export_orientation, export_paper
from cephsure.training.material import TrainingFilm, load_films, mean_shape
from cephsure.training.open_data import run_films
from cephsure.training.recipe import DefaultRecipe, PaperRecipe
from cephsure.training.run_config import RunConfig, derived_seed, member_films

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from torch import nn

    from cephsure.training.stage import Stage

ORIENTATION = "orientation"
DONE_FILE = "done.json"
LOG_FILE = "log.jsonl"
BAD_INPUT = 2
"""Exit status of a job that met a film or an annotation it cannot use; its last line says which."""


def job_names(config: RunConfig) -> list[str]:
    """The members' numbers, and "orientation" where the recipe has such a network."""
    names = [str(member) for member in range(config.members)]
    return [*names, ORIENTATION] if isinstance(config.recipe, DefaultRecipe) else names


def job_folder(run: Path, job: str) -> Path:
    """Where a job keeps its checkpoints, its log and, in the end, its networks."""
    return run / (job if job == ORIENTATION else f"member_{int(job):02d}")


def do_job(run: Path, job: str, *, device: str = "cpu") -> None:
    """Do one job of a run, going on from its checkpoints; a finished job is left as it is."""
    folder = job_folder(run, job)
    if (folder / DONE_FILE).exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    for leftover in folder.glob(".*.part"):  # of a write that was killed
        leftover.unlink(missing_ok=True)
    config = RunConfig.load(run)
    if isinstance(config.recipe, PaperRecipe):
        facts = _paper_member(config, config.recipe, int(job), folder, device)
    elif job == ORIENTATION:
        facts = _orientation(config, config.recipe, folder, device)
    else:
        facts = _default_member(config, config.recipe, int(job), folder, device)
    write_atomically(folder / DONE_FILE, json.dumps(facts, indent=2).encode())


class _Fitter:
    """Fits a job's stages one after the other, all in one log."""

    def __init__(self, config: RunConfig, member: int, parts: _Parts, folder: Path, *, device: str) -> None:
        self.config, self.member, self.folder, self.device = config, member, folder, device
        self.unit = parts.unit
        self.rows: list[dict[str, Any]] = []
        self.facts: dict[str, Any] = {
            "stages": {},
            "validation_films": [film.film_id for film in parts.held],
            "validation_unit": parts.unit,
        }

    def __call__(self, stage: Stage, number: int) -> nn.Module:
        earlier = list(self.rows)

        def report(rows: list[dict[str, Any]]) -> None:
            self.rows = earlier + [_strict(row) | {"validation_unit": self.unit} for row in rows]
            text = "".join(json.dumps(row) + "\n" for row in self.rows)
            write_atomically(self.folder / LOG_FILE, text.encode())

        network, progress = fit(
            stage,
            seed=derived_seed(self.config, self.member, number),
            checkpoint=self.folder / f"{stage.name}.checkpoint.safetensors",
            precision=self.config.precision,
            device=self.device,
            report=report,
        )
        last = progress.history[-1]
        self.facts["stages"][stage.name] = _strict(
            {
                "epochs": progress.epoch,
                "seconds": round(progress.seconds, 1),
                "validation_score": last["validation_score"],
                "validation_mre_mm": last["validation_mre_mm"],
                "best_epoch": progress.best_epoch,
                "best_validation_mre_mm": progress.best_mm,
            }
        )
        return network


def _strict(row: dict[str, Any]) -> dict[str, Any]:
    """The row with None for what is not a finite number, which JSON does not know."""
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in row.items()
    }


@dataclass(frozen=True, slots=True)
class _Parts:
    """A member's training and validation films, and the mean shape (L, 2)."""

    train: list[TrainingFilm]
    held: list[TrainingFilm]
    shape: NDArray[np.float64]

    @property
    def unit(self) -> str:
        """Unit of the validation errors: mm, or the frame's (about mm) where films have no scale."""
        return "mm" if all(np.isfinite(film.mm_per_px).all() for film in self.held) else "frame units"


def _load(config: RunConfig, member: int) -> _Parts:
    items = run_films(config)
    shape = mean_shape([truth(item, config.truth) for item in items])
    recipe = config.recipe
    side = recipe.side if isinstance(recipe, PaperRecipe) else recipe.coarse_side
    layout = None if isinstance(recipe, PaperRecipe) else recipe.layout
    loaded = list(load_films(items, config.truth, coarse_side=side, layout=layout, shape=shape))
    train, held = member_films(items, config, member)
    return _Parts([loaded[i] for i in train], [loaded[i] for i in held], shape)


def _default_member(
    config: RunConfig, recipe: DefaultRecipe, member: int, folder: Path, device: str
) -> dict[str, Any]:
    parts = _load(config, member)
    dropout = config.kind == "mc-dropout"
    fitter = _Fitter(config, member, parts, folder, device=device)
    coarse_stage = CoarseStage(recipe, parts.train, parts.held, dropout=dropout)
    coarse = fitter(coarse_stage, 0)
    starts = coarse_stage.positions(coarse, parts.held)
    fine_stage = FineStage(recipe, parts.train, parts.held, shape=parts.shape, coarse=starts, dropout=dropout)
    fine = fitter(fine_stage, 1)
    export_coarse(coarse, recipe, coarse_stage.config, folder)
    export_fine(fine, recipe, fine_stage.config, folder)
    return fitter.facts | {"mean_shape": parts.shape.tolist()}


def _orientation(config: RunConfig, recipe: DefaultRecipe, folder: Path, device: str) -> dict[str, Any]:
    parts = _load(config, 0)
    fitter = _Fitter(config, 0, parts, folder, device=device)
    network = fitter(OrientationStage(recipe, parts.train, parts.held), 2)
    export_orientation(network, recipe, folder)
    return fitter.facts


def _paper_member(
    config: RunConfig, recipe: PaperRecipe, member: int, folder: Path, device: str
) -> dict[str, Any]:
    parts = _load(config, member)
    stage = PaperStage(recipe, parts.train, parts.held, dropout=config.kind == "mc-dropout")
    fitter = _Fitter(config, member, parts, folder, device=device)
    network = fitter(stage, 0)
    export_paper(network, recipe, stage.config, folder)
    return fitter.facts


def _end_with_parent(parent: int, end: Callable[[int], None] = os._exit) -> None:
    """Leave as soon as the run's own process is gone, however it went."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        end(1)

    threading.Thread(target=watch, daemon=True).start()


def main(arguments: list[str]) -> None:
    """Do the job that the command line names."""
    run, job, threads, device = arguments
    _end_with_parent(os.getppid())
    torch.set_num_threads(int(threads))
    try:
        do_job(Path(run), job, device=device)
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(BAD_INPUT)


if __name__ == "__main__":
    main(sys.argv[1:])

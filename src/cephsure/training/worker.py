"""One job of a run in a process of its own: a member's networks, or the orientation network.

``python -m cephsure.training.worker RUN JOB THREADS DEVICE``; JOB is a member's number or ``orientation``.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from cephsure.datasets import truth
from cephsure.training.checkpoint import write_atomic
from cephsure.training.coarse_stage import CoarseStage
from cephsure.training.fine_stage import FineStage
from cephsure.training.fit import fit
from cephsure.training.graphs import export_coarse, export_fine, export_orientation, export_paper
from cephsure.training.material import TrainingFilm, load_films, mean_shape
from cephsure.training.open_data import run_films
from cephsure.training.orientation_stage import OrientationStage
from cephsure.training.paper_stage import PaperStage
from cephsure.training.recipe import DefaultRecipe, PaperRecipe
from cephsure.training.run_config import RunConfig, derived_seed, member_films

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray
    from torch import nn

    from cephsure.training.stage import Stage

ORIENTATION = "orientation"
DONE_FILE = "done.json"
LOG_FILE = "log.jsonl"


def job_folder(run: Path, job: str) -> Path:
    """Where a job keeps its checkpoints, its log and, in the end, its networks."""
    return run / (job if job == ORIENTATION else f"member_{int(job):02d}")


def do_job(run: Path, job: str, *, device: str = "cpu") -> None:
    """Do one job of a run, going on from its checkpoints; a finished job is left as it is."""
    folder = job_folder(run, job)
    if (folder / DONE_FILE).exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    config = RunConfig.load(run)
    if isinstance(config.recipe, PaperRecipe):
        facts = _paper_member(config, config.recipe, int(job), folder, device)
    elif job == ORIENTATION:
        facts = _orientation(config, config.recipe, folder, device)
    else:
        facts = _default_member(config, config.recipe, int(job), folder, device)
    write_atomic(folder / DONE_FILE, json.dumps(facts, indent=2).encode())


class _Fitter:
    """Fits a job's stages one after the other, all in one log."""

    def __init__(self, config: RunConfig, member: int, folder: Path, device: str) -> None:
        self.config, self.member, self.folder, self.device = config, member, folder, device
        self.rows: list[dict[str, Any]] = []
        self.facts: dict[str, Any] = {"stages": {}}

    def __call__(self, stage: Stage, number: int) -> nn.Module:
        earlier = list(self.rows)

        def report(rows: list[dict[str, Any]]) -> None:
            self.rows = earlier + rows
            text = "".join(json.dumps(row) + "\n" for row in self.rows)
            write_atomic(self.folder / LOG_FILE, text.encode())

        network, progress = fit(
            stage,
            seed=derived_seed(self.config, self.member, number),
            checkpoint=self.folder / f"{stage.name}.checkpoint.safetensors",
            precision=self.config.precision,
            device=self.device,
            report=report,
        )
        self.facts["stages"][stage.name] = {
            "epochs": progress.epoch,
            "seconds": round(progress.seconds, 1),
            "validation_score": progress.history[-1]["validation_score"],
            "validation_mre_mm": progress.history[-1]["validation_mre_mm"],
            "best_epoch": progress.best_epoch,
            "best_validation_mre_mm": progress.best_mm,
        }
        return network


def _parts(
    config: RunConfig, member: int
) -> tuple[list[TrainingFilm], list[TrainingFilm], NDArray[np.float64], list[str]]:
    """A member's training and validation films, the mean shape, and the validation films' names."""
    items = run_films(config)
    shape = mean_shape([truth(item, config.truth) for item in items])
    recipe = config.recipe
    paper = isinstance(recipe, PaperRecipe)
    side = recipe.side if isinstance(recipe, PaperRecipe) else recipe.coarse_side
    layout = None if isinstance(recipe, PaperRecipe) else recipe.layout
    loaded = list(
        load_films(items, config.truth, coarse_side=side, layout=layout, shape=None if paper else shape)
    )
    train, held = member_films(items, config, member)
    return [loaded[i] for i in train], [loaded[i] for i in held], shape, [items[i].film_id for i in held]


def _default_member(
    config: RunConfig, recipe: DefaultRecipe, member: int, folder: Path, device: str
) -> dict[str, Any]:
    train, held, shape, names = _parts(config, member)
    dropout = config.kind == "mc-dropout"
    fitter = _Fitter(config, member, folder, device)
    coarse_stage = CoarseStage(recipe, train, held, dropout=dropout)
    coarse = fitter(coarse_stage, 0)
    starts = coarse_stage.positions(coarse, held)
    fine_stage = FineStage(recipe, train, held, shape=shape, coarse=starts, dropout=dropout)
    fine = fitter(fine_stage, 1)
    export_coarse(coarse, recipe, coarse_stage.config, folder)
    export_fine(fine, recipe, fine_stage.config, folder)
    return fitter.facts | {"mean_shape": shape.tolist(), "validation_films": names}


def _orientation(config: RunConfig, recipe: DefaultRecipe, folder: Path, device: str) -> dict[str, Any]:
    train, held, _, names = _parts(config, 0)
    fitter = _Fitter(config, 0, folder, device)
    network = fitter(OrientationStage(recipe, train, held), 2)
    export_orientation(network, recipe, folder)
    return fitter.facts | {"validation_films": names}


def _paper_member(
    config: RunConfig, recipe: PaperRecipe, member: int, folder: Path, device: str
) -> dict[str, Any]:
    train, held, _, names = _parts(config, member)
    stage = PaperStage(recipe, train, held, dropout=config.kind == "mc-dropout")
    fitter = _Fitter(config, member, folder, device)
    network = fitter(stage, 0)
    export_paper(network, recipe, stage.config, folder)
    return fitter.facts | {"validation_films": names}


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
    do_job(Path(run), job, device=device)


if __name__ == "__main__":
    main(sys.argv[1:])

"""The training loop: plain PyTorch, one network at a time, from a checkpoint if there is one."""

from __future__ import annotations

import copy
import math
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from cephsure.training.checkpoint import (
    CheckpointTimes,
    load_checkpoint,
    pack_optimiser,
    save_checkpoint,
    unpack_optimiser,
)
from cephsure.training.device import make_repeatable, send

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import Tensor, nn

    from cephsure.training.stage import FitSettings, Precision, Stage

WARM_UP_SHARE = 0.05


@dataclass
class Progress:
    """Where a fit stands; JSON data, kept in the checkpoint."""

    epoch: int = 0
    steps: int = 0
    best_score: float = math.inf
    best_mm: float = math.inf
    best_epoch: int = 0
    rate_factor: float = 1.0
    since_rate: int = 0
    seconds: float = 0.0
    finished: bool = False
    history: list[dict[str, float]] = field(default_factory=list)


class _State:
    """All that changes while a network is fitted, and that a checkpoint holds."""

    def __init__(self, stage: Stage, device: torch.device) -> None:
        settings = stage.settings
        # torch's stubs leave memory_format out.
        self.network: nn.Module = stage.network().to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.averaged = copy.deepcopy(self.network) if settings.ema_decay is not None else None
        self.optimiser = _optimiser(self.network, settings)
        self.best: dict[str, Tensor] = {}
        self.progress = Progress()

    @property
    def judged(self) -> nn.Module:
        """The network that is validated and kept."""
        return self.network if self.averaged is None else self.averaged

    def keep_best(self) -> None:
        """Remember the present weights as the best."""
        self.best = {name: value.detach().clone() for name, value in self.judged.state_dict().items()}

    def save(self, path: Path) -> None:
        """Write all of it."""
        parts = {"network.": self.network.state_dict(), "best.": self.best}
        if self.averaged is not None:
            parts["averaged."] = self.averaged.state_dict()
        tensors = {prefix + name: value for prefix, part in parts.items() for name, value in part.items()}
        save_checkpoint(path, tensors | pack_optimiser(self.optimiser), asdict(self.progress))

    def load(self, path: Path) -> None:
        """Go back to what ``save`` wrote."""
        tensors, facts = load_checkpoint(path)

        def part(prefix: str) -> dict[str, Tensor]:
            return {
                key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)
            }

        self.network.load_state_dict(part("network."))
        if self.averaged is not None:
            self.averaged.load_state_dict(part("averaged."))
        self.best = part("best.")
        unpack_optimiser(self.optimiser, tensors)
        self.progress = Progress(**facts)


def fit(
    stage: Stage,
    *,
    seed: int,
    checkpoint: Path,
    precision: Precision,
    device: str = "cpu",
    times: CheckpointTimes | None = None,
    report: Callable[[list[dict[str, Any]]], None] = lambda _: None,
) -> tuple[nn.Module, Progress]:
    """Fit a stage's network and return the weights it is meant to keep.

    Every epoch draws its order and augmentations from (seed, epoch) alone, so a fit that was killed goes on
    from its last checkpoint to the same weights as one that was not.

    Args:
        stage: network, examples, loss and validation.
        seed: of the random start and of every epoch.
        checkpoint: file to go on from and to write to.
        precision: "bfloat16" runs the network under autocast.
        device: torch device.
        times: when to write it; by default as often as costs little.
        report: is given all JSON rows of the fit so far, at its start and after each epoch.
    """
    times = times or CheckpointTimes()
    where = torch.device(device)
    make_repeatable(where)
    torch.manual_seed(seed)
    settings = stage.settings
    state = _State(stage, where)
    if checkpoint.exists():
        state.load(checkpoint)
        report(_rows(stage, state.progress))
    progress = state.progress
    while not progress.finished:
        start = time.monotonic()
        loss = _epoch(stage, state, seed=seed, precision=precision, device=where)
        score, mre_mm = stage.validate(state.judged.eval())
        seconds = time.monotonic() - start
        progress.seconds += seconds
        gained = _advance(progress, settings, score=score, mre_mm=mre_mm, loss=loss)
        if gained and settings.keep == "best":
            state.keep_best()
        times.after_epoch(seconds, finished=progress.finished, write=lambda: state.save(checkpoint))
        report(_rows(stage, progress))
    if state.best and not _fell_below(settings, progress.history[-1]["validation_mre_mm"]):
        state.judged.load_state_dict(state.best)
    return state.judged.eval(), progress


def _rows(stage: Stage, progress: Progress) -> list[dict[str, Any]]:
    return [{"stage": stage.name, "epochs": stage.settings.epochs, **row} for row in progress.history]


def _epoch(stage: Stage, state: _State, *, seed: int, precision: Precision, device: torch.device) -> float:
    """One pass over the films; the mean of its steps' losses, for which alone the device is waited for."""
    network, optimiser, progress = state.network, state.optimiser, state.progress
    network.train()
    for group in optimiser.param_groups:
        group["lr"] = learning_rate(stage.settings, progress)
    losses: list[Tensor] = []
    for batch in stage.batches(np.random.default_rng((seed, progress.epoch))):
        inputs, targets = (
            tuple(send(array, device) for array in part) for part in (batch.inputs, batch.targets)
        )
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bfloat16"):
            outputs = network(*inputs)
        loss = stage.loss(outputs.float(), targets)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        if state.averaged is not None and stage.settings.ema_decay is not None:
            decay = min(stage.settings.ema_decay, (1 + progress.steps) / (10 + progress.steps))
            _average(state.averaged, network, decay)
        progress.steps += 1
        losses.append(loss.detach())
    progress.epoch += 1
    return float(torch.stack(losses).double().mean())


def learning_rate(settings: FitSettings, progress: Progress) -> float:
    """The rate of the epoch about to begin: warm-up and a cosine down to zero, or the plateau's rate."""
    if settings.schedule == "plateau":
        return settings.learning_rate * progress.rate_factor
    warm_up = max(1.0, WARM_UP_SHARE * settings.epochs)
    rising = min(1.0, (progress.epoch + 1) / (warm_up + 1))
    return settings.learning_rate * rising * 0.5 * (1 + math.cos(math.pi * progress.epoch / settings.epochs))


def _advance(progress: Progress, settings: FitSettings, *, score: float, mre_mm: float, loss: float) -> bool:
    """Enter an epoch's figures, decide on the plateau's rate and on stopping; whether it was a gain."""
    progress.history.append(
        {
            "epoch": progress.epoch,
            "loss": loss,
            "validation_score": score,
            "validation_mre_mm": mre_mm,
            "seconds": progress.seconds,
        }
    )
    gained = score < progress.best_score * (1.0 - settings.least_gain)
    if gained:
        progress.best_score, progress.best_mm, progress.best_epoch = score, mre_mm, progress.epoch
        progress.since_rate = 0
    else:
        progress.since_rate += 1
    if settings.schedule == "plateau" and progress.since_rate > settings.plateau_patience:
        progress.rate_factor *= 0.1
        progress.since_rate = 0
    idle = progress.epoch - progress.best_epoch
    progress.finished = (
        progress.epoch >= settings.epochs
        or (settings.stop_patience is not None and idle >= settings.stop_patience)
        or _fell_below(settings, mre_mm)
    )
    return gained


def _fell_below(settings: FitSettings, mre_mm: float) -> bool:
    """Whether this is the error that training is stopped at: then its network is the one that is wanted."""
    return settings.stop_below_mm is not None and mre_mm < settings.stop_below_mm


def _optimiser(network: nn.Module, settings: FitSettings) -> torch.optim.Optimizer:
    if settings.optimiser == "adam":
        return torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
    return torch.optim.AdamW(
        network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
    )


@torch.no_grad()
def _average(averaged: nn.Module, network: nn.Module, decay: float) -> None:
    """Move the averaged weights, and batch-norm statistics, towards the present ones."""
    for kept, new in zip(averaged.state_dict().values(), network.state_dict().values(), strict=True):
        if kept.dtype.is_floating_point:
            kept.lerp_(new, 1.0 - decay)
        else:
            kept.copy_(new)

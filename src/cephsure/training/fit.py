"""The training loop: plain PyTorch, one network at a time, from a checkpoint if there is one."""

from __future__ import annotations

import copy
import math
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from cephsure.training.checkpoint import load_checkpoint, pack_optimiser, save_checkpoint, unpack_optimiser

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import Tensor, nn

    from cephsure.training.settings import FitSettings, Precision
    from cephsure.training.stage import Stage

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


def fit(
    stage: Stage,
    *,
    seed: int,
    checkpoint: Path,
    precision: Precision,
    device: str = "cpu",
    report: Callable[[list[dict[str, Any]]], None] = lambda _: None,
) -> tuple[nn.Module, Progress]:
    """Fit a stage's network and return the weights it is meant to keep.

    Every epoch draws its order and augmentations from (seed, epoch) alone and ends in a checkpoint, so a fit
    that was killed goes on from its last whole epoch to the same weights as one that was not.

    Args:
        stage: network, examples, loss and validation.
        seed: of the random start and of every epoch.
        checkpoint: file to go on from and to write to.
        precision: "bfloat16" runs the network under autocast.
        device: torch device.
        report: is given all JSON rows of the fit so far, at its start and after each epoch.
    """
    torch.manual_seed(seed)
    settings = stage.settings
    network = stage.network().to(device)
    # torch's stubs leave memory_format out.
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    averaged = copy.deepcopy(network) if settings.ema_decay is not None else None
    optimiser = _optimiser(network, settings)
    progress = Progress()
    best: dict[str, Tensor] = {}
    if checkpoint.exists():
        tensors, facts = load_checkpoint(checkpoint)
        _restore(network, averaged, optimiser, best, tensors)
        progress = Progress(**facts)
        report(_rows(stage, progress))
    while not progress.finished:
        start = time.monotonic()
        loss = _epoch(
            stage, network, averaged, optimiser, progress, seed=seed, precision=precision, device=device
        )
        judged = averaged if averaged is not None else network
        judged.eval()
        score, mre_mm = stage.validate(judged)
        gained = score < progress.best_score
        progress.seconds += time.monotonic() - start
        _advance(progress, settings, score=score, mre_mm=mre_mm, loss=loss)
        if gained and settings.keep == "best":
            best = {name: value.detach().clone() for name, value in judged.state_dict().items()}
        _save(checkpoint, network, averaged, optimiser, best=best, progress=progress)
        report(_rows(stage, progress))
    kept = averaged if averaged is not None else network
    if best and not _fell_below(settings, progress.history[-1]["validation_mre_mm"]):
        kept.load_state_dict(best)
    return kept.eval(), progress


def _rows(stage: Stage, progress: Progress) -> list[dict[str, Any]]:
    return [{"stage": stage.name, "epochs": stage.settings.epochs, **row} for row in progress.history]


def _epoch(
    stage: Stage,
    network: nn.Module,
    averaged: nn.Module | None,
    optimiser: torch.optim.Optimizer,
    progress: Progress,
    *,
    seed: int,
    precision: Precision,
    device: str,
) -> float:
    rng = np.random.default_rng((seed, progress.epoch))
    network.train()
    for group in optimiser.param_groups:
        group["lr"] = learning_rate(stage.settings, progress)
    losses: list[float] = []
    for batch in stage.batches(rng):
        inputs = [torch.from_numpy(array).to(device) for array in batch.inputs]
        with torch.autocast(device, dtype=torch.bfloat16, enabled=precision == "bfloat16"):
            outputs = network(*inputs)
        loss = stage.loss(
            outputs.float(), tuple(torch.from_numpy(array).to(device) for array in batch.targets)
        )
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        if averaged is not None and stage.settings.ema_decay is not None:
            _average(
                averaged, network, min(stage.settings.ema_decay, (1 + progress.steps) / (10 + progress.steps))
            )
        progress.steps += 1
        losses.append(float(loss.detach()))
    progress.epoch += 1
    return float(np.mean(losses))


def learning_rate(settings: FitSettings, progress: Progress) -> float:
    """The rate of the epoch about to begin: warm-up and a cosine down to zero, or the plateau's rate."""
    if settings.schedule == "plateau":
        return settings.learning_rate * progress.rate_factor
    warm_up = max(1.0, WARM_UP_SHARE * settings.epochs)
    rising = min(1.0, (progress.epoch + 1) / (warm_up + 1))
    return settings.learning_rate * rising * 0.5 * (1 + math.cos(math.pi * progress.epoch / settings.epochs))


def _advance(progress: Progress, settings: FitSettings, *, score: float, mre_mm: float, loss: float) -> None:
    """Enter one epoch's figures, and decide on the plateau's rate and on stopping."""
    progress.history.append(
        {
            "epoch": progress.epoch,
            "loss": loss,
            "validation_score": score,
            "validation_mre_mm": mre_mm,
            "seconds": progress.seconds,
        }
    )
    if score < progress.best_score:
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


def _save(
    path: Path,
    network: nn.Module,
    averaged: nn.Module | None,
    optimiser: torch.optim.Optimizer,
    *,
    best: dict[str, Tensor],
    progress: Progress,
) -> None:
    tensors = {f"network.{name}": value for name, value in network.state_dict().items()}
    if averaged is not None:
        tensors |= {f"averaged.{name}": value for name, value in averaged.state_dict().items()}
    tensors |= {f"best.{name}": value for name, value in best.items()}
    save_checkpoint(path, tensors | pack_optimiser(optimiser), asdict(progress))


def _restore(
    network: nn.Module,
    averaged: nn.Module | None,
    optimiser: torch.optim.Optimizer,
    best: dict[str, Tensor],
    tensors: dict[str, Tensor],
) -> None:
    def part(prefix: str) -> dict[str, Tensor]:
        return {
            name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)
        }

    network.load_state_dict(part("network."))
    if averaged is not None:
        averaged.load_state_dict(part("averaged."))
    best.update(part("best."))
    unpack_optimiser(optimiser, tensors)

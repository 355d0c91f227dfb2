"""The training loop, plain PyTorch, one network at a time; and its checkpoints, from which it goes on.

A checkpoint is one safetensors file, replaced atomically, that holds all a fit needs.
"""

from __future__ import annotations

import copy
import json
import math
import signal
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save

from cephsure.atomic import write_atomically
from cephsure.training.device import make_repeatable, send

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import FrameType

    from torch import Tensor, nn

    from cephsure.training.stage import FitSettings, Precision, Stage

WARM_UP_SHARE = 0.05
TRAINING_PER_SAVING = 10.0
"""Seconds of training to every second of saving, unless an interval is given."""


def save_checkpoint(path: Path, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
    """Write tensors and JSON facts into one file."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_atomically(path, save(plain, metadata={"facts": json.dumps(facts)}))


def load_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what ``save_checkpoint`` wrote."""
    with safe_open(str(path), framework="pt") as stream:
        tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 - not a mapping
        facts: dict[str, Any] = json.loads(stream.metadata()["facts"])
    return tensors, facts


def pack_optimiser(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """An Adam optimiser's moments as flat named tensors."""
    return {
        f"optimiser.{index}.{name}": torch.as_tensor(value)
        for index, state in optimiser.state_dict()["state"].items()
        for name, value in state.items()
    }


def unpack_optimiser(optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Give an optimiser back the moments that ``pack_optimiser`` took, laid out in memory as its weights."""
    weights = [weight for group in optimiser.param_groups for weight in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        if key.startswith("optimiser."):
            _, index, name = key.split(".", 2)
            weight = weights[int(index)]
            moment = torch.empty_like(weight, device="cpu").copy_(tensor) if name != "step" else tensor
            state.setdefault(int(index), {})[name] = moment
    whole = optimiser.state_dict()
    optimiser.load_state_dict({"state": state, "param_groups": whole["param_groups"]})


class CheckpointTimes:
    """When a fit is saved: at an interval, at its end, and before the job ends because it was told to.

    Left to itself it saves once the training since the last checkpoint has taken ten times as long as that
    checkpoint: where epochs are long this is after each of them, where they are short after some.

    Attributes:
        every: epochs from one checkpoint to the next; None goes by what they cost.
        unsaved: epochs since the last checkpoint.
        told_to_end: whether a signal has asked the job to end.
    """

    def __init__(self, every: int | None = None) -> None:
        self.every = every
        self.unsaved = 0
        self.told_to_end = False
        self._trained_s = self._saving_s = 0.0

    def end_on_signals(self) -> None:
        """End this process on SIGTERM and SIGINT: at once, or where epochs are unsaved after a checkpoint."""

        def end(number: int, _: FrameType | None) -> None:
            self.told_to_end = True
            if not self.unsaved:
                sys.exit(128 + number)

        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGINT, end)

    def after_epoch(self, seconds: float, *, finished: bool, write: Callable[[], None]) -> None:
        """Write a checkpoint after an epoch of ``seconds`` where one is due; end if the job was told to.

        Raises:
            SystemExit: a signal has asked for it.
        """
        self.unsaved += 1
        self._trained_s += seconds
        by_cost = self._trained_s >= TRAINING_PER_SAVING * self._saving_s
        due = by_cost if self.every is None else self.unsaved >= self.every
        if due or finished or self.told_to_end:
            start = time.monotonic()
            write()
            self._saving_s = time.monotonic() - start
            self.unsaved, self._trained_s = 0, 0.0
        if self.told_to_end:
            sys.exit(128 + signal.SIGTERM)


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
        self.judged = self.network if self.averaged is None else self.averaged  # validated and kept
        self.optimiser = _optimiser(self.network, settings)
        self.best: dict[str, Tensor] = {}
        self.progress = Progress()

    def weights(self) -> dict[str, Tensor]:
        """A copy of the weights that are judged."""
        return {name: value.detach().clone() for name, value in self.judged.state_dict().items()}

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
        parts: dict[str, dict[str, Tensor]] = {"network": {}, "averaged": {}, "best": {}, "optimiser": {}}
        for key, value in tensors.items():
            part, name = key.split(".", 1)
            parts[part][name] = value
        self.network.load_state_dict(parts["network"])
        if self.averaged is not None:
            self.averaged.load_state_dict(parts["averaged"])
        self.best = parts["best"]
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

    def tell() -> None:
        facts = {"stage": stage.name, "epochs": settings.epochs}
        report([facts | row for row in state.progress.history])

    if checkpoint.exists():
        state.load(checkpoint)
        tell()
    progress = state.progress
    if settings.judge_start and not progress.epoch:
        progress.best_score, progress.best_mm = stage.validate(state.judged.eval())
        state.best = state.weights()
    while not progress.finished:
        start = time.monotonic()
        loss = _epoch(stage, state, seed=seed, precision=precision, device=where)
        score, mre_mm = stage.validate(state.judged.eval())
        seconds = time.monotonic() - start
        progress.seconds += seconds
        if _advance(progress, settings, score, mre_mm, loss) and settings.keep == "best":
            state.best = state.weights()
        times.after_epoch(seconds, finished=progress.finished, write=lambda: state.save(checkpoint))
        tell()
    if state.best and not _fell_below(settings, progress.history[-1]["validation_mre_mm"]):
        state.judged.load_state_dict(state.best)
    return state.judged.eval(), progress


def _epoch(stage: Stage, state: _State, *, seed: int, precision: Precision, device: torch.device) -> float:
    """One pass over the films; the mean of its steps' losses, for which alone the device is waited for."""
    network, optimiser, progress = state.network, state.optimiser, state.progress
    network.train()
    for group in optimiser.param_groups:
        group["lr"] = learning_rate(stage.settings, progress)
    losses: list[Tensor] = []
    for batch in stage.batches(np.random.default_rng((seed, progress.epoch))):
        inputs = (send(array, device) for array in batch.inputs)
        targets = tuple(send(array, device) for array in batch.targets)
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


def _advance(progress: Progress, settings: FitSettings, score: float, mre_mm: float, loss: float) -> bool:
    """Enter an epoch's figures, decide on the plateau's rate and on stopping; whether it was a gain."""
    row = {"epoch": progress.epoch, "loss": loss, "validation_score": score, "validation_mre_mm": mre_mm}
    progress.history.append(row | {"seconds": progress.seconds})
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

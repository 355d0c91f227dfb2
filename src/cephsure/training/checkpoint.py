"""Checkpoints: one safetensors file, replaced atomically, that holds all a fit needs to go on; and when."""

from __future__ import annotations

import json
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

import torch
from safetensors import safe_open
from safetensors.torch import save

from cephsure.atomic import write_atomically

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import FrameType

    from torch import Tensor

TRAINING_PER_SAVING = 10.0
"""Seconds of training to every second of saving, unless an interval is given."""


def save_checkpoint(path: Path, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
    """Write tensors and JSON facts into one file, atomically."""
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
    packed: dict[str, Tensor] = {}
    for index, state in optimiser.state_dict()["state"].items():
        for name, value in state.items():
            packed[f"optimiser.{index}.{name}"] = torch.as_tensor(value)
    return packed


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

"""A stage of a job: one network to be fitted, and what the loop needs of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from torch import Tensor, nn

Precision = Literal["float32", "bfloat16"]
USUAL_PRECISION: Precision = "float32"
"""Whatever the machine: the same command must not give other weights on another day."""
Schedule = Literal["cosine", "plateau"]


@dataclass(frozen=True, slots=True)
class FitSettings:
    """How one network is fitted.

    Attributes:
        epochs: passes over the training films (at most, where training stops by itself).
        batch_films: films a step.
        learning_rate: peak learning rate.
        optimiser: "adam" (reference) or "adamw" (with decoupled weight decay).
        weight_decay: of adamw.
        schedule: "cosine" (short warm-up, then down to zero) or "plateau" (down on a validation plateau).
        plateau_patience: epochs without gain before the rate goes down tenfold.
        stop_patience: epochs without gain before training stops; None never stops early.
        stop_below_mm: stop after the first epoch whose validation MRE is under this, and keep that epoch's
            weights whatever ``keep`` says; None never does.
        ema_decay: decay a step of the averaged weights that are kept (less in the first steps); None keeps
            the plain ones.
        keep: "last" epoch's weights or those of the "best" validation epoch.
        least_gain: share by which a score must be under the best one to be a gain.
        judge_start: whether the network as it begins counts among the epochs, as epoch 0.
    """

    epochs: int
    batch_films: int = 8
    learning_rate: float = 2e-3
    optimiser: Literal["adam", "adamw"] = "adamw"
    weight_decay: float = 1e-2
    schedule: Schedule = "cosine"
    plateau_patience: int = 15
    stop_patience: int | None = None
    stop_below_mm: float | None = None
    ema_decay: float | None = 0.99
    keep: Literal["last", "best"] = "last"
    least_gain: float = 0.0
    judge_start: bool = False


@dataclass(frozen=True, slots=True)
class StageFacts:
    """What is known of a stage before it begins.

    Attributes:
        name: its network's, in logs and in the bundle.
        fit: the recipe's field that holds its settings.
        usual_cost: of an epoch beside the recipe's other stages, until its own time is known.
        loss_unit: of its training loss.
        counts_wrong: whether validation tells a share of wrong answers, and no length.
    """

    name: str
    fit: str
    usual_cost: float
    loss_unit: str
    counts_wrong: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """Inputs and targets of one step, on the device already or still on the host; the loop sends them."""

    inputs: tuple[NDArray[np.float32] | Tensor, ...]
    targets: tuple[NDArray[np.float32] | Tensor, ...]


class Stage(Protocol):
    """One network, its examples, its loss and its validation."""

    name: str
    settings: FitSettings

    def network(self) -> nn.Module:
        """A new network; its random start comes from torch's generator."""

    def batches(self, rng: np.random.Generator) -> Iterator[Batch]:
        """One epoch of examples, in an order and with augmentations drawn from ``rng``.

        Nothing in it may wait for a GPU: while one computes a step, the next is made ready.
        """

    def loss(self, outputs: Tensor, targets: tuple[Tensor, ...]) -> Tensor:
        """Scalar loss of float32 network outputs."""

    def validate(self, network: nn.Module) -> tuple[float, float]:
        """(score, MRE in mm) on the validation films, less is better; the score steers rate and stopping."""


def shuffled(count: int, size: int, rng: np.random.Generator) -> Iterator[NDArray[np.intp]]:
    """Random batches of indices, all films once; a last batch of one joins the one before (batch norm)."""
    order = rng.permutation(count)
    cuts = list(range(size, count, size))
    if cuts and count - cuts[-1] == 1:
        cuts.pop()
    yield from np.split(order, cuts)

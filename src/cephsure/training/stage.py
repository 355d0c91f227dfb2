"""What the loop needs of a network to be fitted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from cephsure.training.settings import FitSettings


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

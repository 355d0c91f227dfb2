"""A network that goes on from a bundle's graph: its weights found again, its norms kept as they are.

An exported graph has no names for all of its weights, and batch norms are folded into the convolutions before
them. Both are made good by the order: a graph uses its weights in the order in which the network's layers do.
What comes of it is compared with the graph itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from torch import nn

from cephsure.errors import BundleError
from cephsure.inference.session import Session, undropped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

    Weights = tuple[NDArray[np.float32], ...]
    Layer = nn.Module | Tensor | tuple[nn.Conv2d, nn.BatchNorm2d]
    """What uses weights: a layer, a parameter by itself, or a convolution with the norm folded into it."""

_PASSED_ON = frozenset({"Cast", "Expand", "Identity", "Reshape", "Tile", "Transpose", "Unsqueeze"})
"""What a weight goes through before it is used."""
_USES = frozenset({"Add", "BatchNormalization", "Conv", "ConvTranspose", "Gemm", "Mul"})
_MOST_APART = 1e-3
"""How far the network's maps may lie from the graph's, as a share of the largest: float32's rounding."""


class KeptNorm(nn.BatchNorm2d):
    """A batch norm whose statistics stay what they are, in training too; its scale and shift are trained.

    A few films are too few for statistics of their own, and a folded norm's are lost.
    """

    def train(self, mode: bool = True) -> Self:  # noqa: ARG002 - whatever is asked
        """Stay as in prediction."""
        return super().train(False)


def go_on_from(network: nn.Module, layers: Iterable[Layer], path: Path, example: Tensor) -> None:
    """Give a network a graph's weights, and make it one that can be trained on.

    Args:
        network: one of the graph's shape.
        layers: all of its layers that have weights, in the order in which they are used.
        path: the graph.
        example: a batch that the network takes; with it both are compared.

    Raises:
        BundleError: the graph is of another network.
    """
    found = weights_in_order(path)
    try:
        with torch.no_grad():
            for layer in layers:
                _fill(layer, next(found, ()))
    except (ValueError, RuntimeError) as error:
        raise BundleError("is of another network than its recipe says", where=path) from error
    for module in network.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = KeptNorm
    wanted, masks = maps_of(path, example), undropped(Session(path))
    given = (example,) if masks is None else (example, torch.from_numpy(masks).expand(len(example), -1))
    with torch.no_grad():
        found = network.eval()(*given).numpy()
    if found.shape != wanted.shape or np.abs(found - wanted).max() > _MOST_APART * np.abs(wanted).max():
        raise BundleError("gives other maps than the network its recipe says", where=path)
    network.train()


def weights_in_order(path: Path) -> Iterator[Weights]:
    """The weights that each node of a graph uses, in the order of the nodes; nodes without are passed over.

    Raises:
        BundleError: it cannot be loaded.
    """
    import onnx

    try:
        graph = onnx.load(str(path)).graph
    except Exception as error:
        raise BundleError("cannot be loaded", where=path, remedy="get the bundle again") from error
    known: dict[str, NDArray[Any]] = {
        weight.name: onnx.numpy_helper.to_array(weight) for weight in graph.initializer
    }
    for node in graph.node:
        if node.op_type in _PASSED_ON and node.input[0] in known:
            known[node.output[0]] = known[node.input[0]]
        elif node.op_type in _USES:
            used = tuple(known[name].astype(np.float32) for name in node.input if name in known)
            if used:
                yield used


def _fill(layer: Layer, weights: Weights) -> None:
    """Give one layer its weights; ValueError where they are not its own."""
    if isinstance(layer, tuple):
        conv, norm = layer
        targets: list[Any] = [conv.weight, norm.bias]
        # The folded norm comes back as one that changes nothing at first.
        norm.weight.fill_(1.0)
        _statistic(norm.running_mean).zero_()
        _statistic(norm.running_var).fill_(1.0 - norm.eps)
    elif isinstance(layer, nn.BatchNorm2d):
        targets = [layer.weight, layer.bias, layer.running_mean, layer.running_var]
    elif isinstance(layer, nn.Module):
        targets = [layer.weight, layer.bias]
    else:
        targets = [layer]
    for target, weight in zip(targets, weights, strict=True):
        if target.shape != weight.shape:
            raise ValueError(f"{weight.shape} in place of {tuple(target.shape)}")
        target.copy_(torch.from_numpy(np.array(weight)))


def _statistic(values: Tensor | None) -> Tensor:
    if values is None:  # our norms keep them all
        raise ValueError("a norm without statistics")
    return values


def maps_of(path: Path, example: Tensor) -> NDArray[np.float32]:
    """What a graph gives of a batch, without dropout."""
    graph = Session(path)
    masks = undropped(graph)
    return graph.run(example.numpy(), None if masks is None else np.repeat(masks, len(example), axis=0))

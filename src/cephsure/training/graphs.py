"""Trained networks as ONNX graphs whose weights lie in a safetensors file beside them, in half precision.

A safetensors file is a header followed by raw tensors, and an ONNX graph may take its weights from any place
in any file: so one file of weights serves both. Matrices are kept as float16 and cast to float32 when a
session loads them; vectors stay float32.
"""

from __future__ import annotations

import json
import logging
import struct
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors.numpy import save

from cephsure.atomic import write_atomically
from cephsure.training.graph_features import TELLING, add_features

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from cephsure.recipes.coarse_to_fine.networks import UNetConfig
    from cephsure.recipes.paper.network import PaperUNetConfig
    from cephsure.training.recipe import DefaultRecipe, PaperRecipe

OPSET = 18


def export_coarse(network: nn.Module, recipe: DefaultRecipe, config: UNetConfig, folder: Path) -> None:
    """Write ``coarse.onnx``: (N, 1, S, S) film [and (N, M) masks] to (N, L, S/2, S/2) logits and features."""
    film = torch.zeros(2, 1, recipe.coarse_side, recipe.coarse_side)
    _export(network, "coarse", folder, inputs=["film"], examples=(film,), mask_sizes=config.mask_sizes)


def export_fine(network: nn.Module, recipe: DefaultRecipe, config: UNetConfig, folder: Path) -> None:
    """Write ``fine.onnx``: (N, L, C, P, P) patches [and (N, M) masks] to (N, K, L, P, P) logits."""
    layout = recipe.layout
    patches = torch.zeros(2, config.landmarks, layout.channels, layout.map_side, layout.map_side)
    _export(network, "fine", folder, inputs=["patches"], examples=(patches,), mask_sizes=config.mask_sizes)


def export_orientation(network: nn.Module, recipe: DefaultRecipe, folder: Path) -> None:
    """Write ``orientation.onnx``: (N, 1, S, S) film to (N, 2) logits of facing left and negative."""
    side = recipe.orientation_side
    film = torch.zeros(2, 1, side, side)
    _export(network, "orientation", folder, inputs=["film"], examples=(film,), mask_sizes=())


def export_paper(network: nn.Module, recipe: PaperRecipe, config: PaperUNetConfig, folder: Path) -> None:
    """Write ``paper.onnx``: (N, 1, S, S) film [and (N, M) masks] to (N, L, S, S) maps and features."""
    film = torch.zeros(2, 1, recipe.side, recipe.side)
    _export(network, "paper", folder, inputs=["film"], examples=(film,), mask_sizes=config.mask_sizes)


def _export(
    network: nn.Module,
    name: str,
    folder: Path,
    *,
    inputs: list[str],
    examples: tuple[Tensor, ...],
    mask_sizes: Sequence[int],
) -> None:
    if mask_sizes:
        inputs = [*inputs, "masks"]
        examples = (*examples, torch.ones(2, sum(mask_sizes)))
    # torch's stubs leave memory_format out.
    plain = network.cpu().float().eval().to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    program = _to_onnx(plain, inputs, examples)
    model = program.model_proto
    if name in TELLING:
        add_features(model)
    _write_graph(model, name, folder)


def _to_onnx(network: nn.Module, inputs: list[str], examples: tuple[Tensor, ...]) -> Any:
    batch = torch.export.Dim("batch")
    noisy = logging.getLogger("torch.onnx")
    level = noisy.level
    noisy.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.onnx.export(
                network,
                examples,
                dynamo=True,
                optimize=True,
                verbose=False,
                opset_version=OPSET,
                input_names=inputs,
                output_names=["maps"],
                dynamic_shapes=tuple({0: batch} for _ in inputs),
            )
    finally:
        noisy.setLevel(level)


def _write_graph(model: Any, name: str, folder: Path) -> None:
    """Move a graph's weights into ``NAME.safetensors`` and write ``NAME.onnx`` that points into it."""
    import onnx
    from onnx import numpy_helper

    weights: dict[str, NDArray[Any]] = {}
    kept = []
    casts = []
    for initializer in model.graph.initializer:
        array = numpy_helper.to_array(initializer)
        if array.dtype != np.float32 or array.size < 16:
            kept.append(initializer)
        elif array.ndim >= 2 and min(array.shape[:2]) > 1:
            weights[f"{initializer.name}.half"] = array.astype(np.float16)
            casts.append(
                onnx.helper.make_node(
                    "Cast", [f"{initializer.name}.half"], [initializer.name], to=onnx.TensorProto.FLOAT
                )
            )
        else:
            weights[initializer.name] = array
    content = save(weights)
    offsets = _offsets(content)
    outside = [_pointer(key, array, offsets[key], f"{name}.safetensors") for key, array in weights.items()]
    nodes = list(model.graph.node)
    del model.graph.initializer[:], model.graph.node[:], model.graph.value_info[:]
    model.graph.initializer.extend(kept + outside)
    model.graph.node.extend(casts + nodes)
    model.ClearField("metadata_props")
    for node in model.graph.node:
        node.ClearField("metadata_props")
        node.ClearField("doc_string")
    write_atomically(folder / f"{name}.safetensors", content)
    write_atomically(folder / f"{name}.onnx", model.SerializeToString(deterministic=True))


def _offsets(content: bytes) -> dict[str, tuple[int, int]]:
    """Where each tensor of a safetensors file begins and how many bytes it has."""
    (header_size,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + header_size])
    start = 8 + header_size
    return {
        key: (start + entry["data_offsets"][0], entry["data_offsets"][1] - entry["data_offsets"][0])
        for key, entry in header.items()
        if key != "__metadata__"
    }


def _pointer(key: str, array: NDArray[Any], place: tuple[int, int], location: str) -> Any:
    """An ONNX initializer that lies in another file."""
    import onnx

    tensor = onnx.TensorProto(name=key, dims=array.shape, data_location=onnx.TensorProto.EXTERNAL)
    tensor.data_type = onnx.TensorProto.FLOAT16 if array.dtype == np.float16 else onnx.TensorProto.FLOAT
    offset, length = place
    for name, value in (("location", location), ("offset", offset), ("length", length)):
        tensor.external_data.add(key=name, value=str(value))
    return tensor

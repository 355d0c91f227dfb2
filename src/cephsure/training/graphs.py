"""Trained networks as ONNX graphs whose weights lie in a safetensors file beside them, in half precision.

A safetensors file is a header and then raw tensors, and an ONNX graph may take its weights from any place
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

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor, nn

OPSET = 18
_RISING = frozenset({"Resize", "ConvTranspose"})
_AXES = "features.axes"


def export_network(
    network: nn.Module,
    name: str,
    folder: Path,
    *,
    example: tuple[str, Tensor],
    mask_sizes: Sequence[int] = (),
    with_features: bool = False,
) -> None:
    """Write ``NAME.onnx`` and ``NAME.safetensors``: a batch [and its masks (N, M)] in, ``maps`` out.

    Args:
        network: what is exported; moved to the CPU and to float32.
        name: of its files.
        folder: where they go.
        example: the input's name, and a batch of two.
        mask_sizes: channels at each dropout site, for a network that takes masks.
        with_features: whether the graph also gives ``features``, for a network that sees the whole film.
    """
    examples = dict([example]) | ({"masks": torch.ones(2, sum(mask_sizes))} if mask_sizes else {})
    # torch's stubs leave memory_format out.
    plain = network.cpu().float().eval().to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    model = _to_onnx(plain, examples).model_proto
    if with_features:
        add_features(model)
    _write_graph(model, name, folder)


def _to_onnx(network: nn.Module, examples: dict[str, Tensor]) -> Any:
    batch = torch.export.Dim("batch")
    noisy = logging.getLogger("torch.onnx")
    level = noisy.level
    noisy.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.onnx.export(
                network,
                tuple(examples.values()),
                dynamo=True,
                optimize=True,
                verbose=False,
                opset_version=OPSET,
                input_names=list(examples),
                output_names=["maps"],
                dynamic_shapes=tuple({0: batch} for _ in examples),
            )
    finally:
        noisy.setLevel(level)


def add_features(model: Any) -> bool:
    """Give an ONNX graph the output ``features`` (N, C): its deepest maps' mean over their pixels.

    The deepest maps are what the first layer on the way up is given. The ONNX model is changed in place; maps
    and weights stay as they are. False where it has no such output now, without a way up.
    """
    from onnx import TensorProto, helper, numpy_helper

    graph = model.graph
    if any(output.name == "features" for output in graph.output):
        return True
    deepest = next((node.input[0] for node in graph.node if node.op_type in _RISING), None)
    if deepest is None:
        return False
    graph.initializer.append(numpy_helper.from_array(np.array([2, 3]), _AXES))
    graph.node.append(helper.make_node("ReduceMean", [deepest, _AXES], ["features"], keepdims=0))
    graph.output.append(helper.make_tensor_value_info("features", TensorProto.FLOAT, ["batch", None]))
    return True


def _write_graph(model: Any, name: str, folder: Path) -> None:
    """Move a graph's weights into ``NAME.safetensors`` and write ``NAME.onnx`` that points into it."""
    import onnx
    from onnx import numpy_helper

    weights: dict[str, NDArray[Any]] = {}
    kept, casts = [], []
    for initializer in model.graph.initializer:
        array = numpy_helper.to_array(initializer)
        if array.dtype != np.float32 or array.size < 16:
            kept.append(initializer)
        elif array.ndim >= 2 and min(array.shape[:2]) > 1:
            half = f"{initializer.name}.half"
            weights[half] = array.astype(np.float16)
            casts.append(onnx.helper.make_node("Cast", [half], [initializer.name], to=onnx.TensorProto.FLOAT))
        else:
            weights[initializer.name] = array
    content = save(weights)
    outside = _pointers(weights, content, f"{name}.safetensors")
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


def _pointers(weights: dict[str, NDArray[Any]], content: bytes, location: str) -> list[Any]:
    """ONNX initializers whose numbers lie in a safetensors file of this content."""
    from onnx import TensorProto

    (header_size,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + header_size])
    pointers = []
    for key, array in weights.items():
        begin, end = header[key]["data_offsets"]
        tensor = TensorProto(name=key, dims=array.shape, data_location=TensorProto.EXTERNAL)
        tensor.data_type = TensorProto.FLOAT16 if array.dtype == np.float16 else TensorProto.FLOAT
        place = {"location": location, "offset": 8 + header_size + begin, "length": end - begin}
        for name, value in place.items():
            tensor.external_data.add(key=name, value=str(value))
        pointers.append(tensor)
    return pointers

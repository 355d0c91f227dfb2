"""A second output of a landmark network's graph: what its deepest level has seen, pooled over the film."""

from __future__ import annotations

from typing import Any

import numpy as np

TELLING = frozenset({"coarse", "paper"})
"""The networks that see the whole film: their deepest level is about all of it."""

_RISING = frozenset({"Resize", "ConvTranspose"})
_AXES = "features.axes"


def add_features(model: Any) -> bool:
    """Give an ONNX graph the output ``features`` (N, C): its deepest maps' mean over their pixels.

    The deepest maps are what the first layer on the way up is given. Maps and weights stay as they are.

    Args:
        model: an ONNX model; changed in place.

    Returns:
        Whether the graph has such an output now: one without a way up has no deepest level.
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

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cephsure.bundles.network_files import WeightPlace, weight_places

onnx = pytest.importorskip("onnx", reason="networks are written with onnx")
FLOAT = onnx.TensorProto.FLOAT


def outside(location, **place):
    """A tensor whose numbers lie in another file."""
    tensor = onnx.TensorProto(name=location, dims=[2], data_type=FLOAT)
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in {"location": location, **place}.items():
        tensor.external_data.add(key=key, value=str(value))
    return tensor


def graph(*nodes, initializer=()):
    return onnx.helper.make_graph(list(nodes), "g", [], [], initializer=list(initializer))


def constant(name, **attribute):
    return onnx.helper.make_node("Constant", [], [name], **attribute)


def written(model):
    return weight_places(model.SerializeToString())


def test_the_places_of_weights():
    own = onnx.numpy_helper.from_array(np.zeros(3, np.float32), "own")
    model = onnx.helper.make_model(graph(initializer=[own, outside("a", offset=5, length=7), outside("b")]))
    assert written(model) == {WeightPlace("a", 12), WeightPlace("b", 0)}


def test_weights_in_attributes_of_nodes_in_graphs_in_graphs():
    inner = graph(constant("x", value=outside("deep")), initializer=[outside("inner")])
    branch = onnx.helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=inner)
    model = onnx.helper.make_model(graph(branch, constant("z", value=outside("shallow"))))
    assert {place.location for place in written(model)} == {"deep", "inner", "shallow"}


def test_weights_of_functions_sparse_tensors_and_training():
    model = onnx.helper.make_model(graph())
    sparse = onnx.SparseTensorProto(values=outside("values"), indices=outside("indices"), dims=[2])
    model.graph.sparse_initializer.append(sparse)
    model.functions.add(name="f").node.append(constant("x", value=outside("function")))
    model.training_info.add().initialization.initializer.append(outside("training"))
    node = model.graph.node.add(op_type="Constant")
    node.attribute.add(name="sparse_value", sparse_tensor=sparse)
    node.attribute.add(name="many").tensors.append(outside("listed"))
    found = {place.location for place in written(model)}
    assert found == {"values", "indices", "function", "training", "listed"}


def test_graphs_in_graphs_without_end_are_refused():
    inner = graph(initializer=[outside("a")])
    for _ in range(20):
        inner = graph(onnx.helper.make_node("If", ["c"], ["y"], then_branch=inner))
    with pytest.raises(ValueError, match="nested too deeply"):
        written(onnx.helper.make_model(inner))


def test_a_file_without_a_name_is_refused():
    with pytest.raises(ValueError, match="has no name"):
        written(onnx.helper.make_model(graph(initializer=[outside("", note="location")])))


@pytest.mark.parametrize("content", [b"\x3a", b"\x3a\x05ab", b"\x3f", b"\x09ab", b"\xff" * 20, b"\x08"])
def test_bytes_that_are_no_message(content):
    with pytest.raises(ValueError, match=r"cut short|damaged"):
        weight_places(content)


@settings(derandomize=True, max_examples=200, deadline=2000)
@given(st.binary(max_size=300), st.integers(0, 200), st.integers(0, 255))
def test_any_bytes_give_places_or_a_value_error(content, at, byte):
    whole = bytearray(onnx.helper.make_model(graph(initializer=[outside("a", offset=1)])).SerializeToString())
    whole[at % len(whole)] = byte
    for one in (content, bytes(whole), bytes(whole[:at])):
        try:
            assert isinstance(weight_places(one), set)
        except ValueError as error:
            said = str(error)
            assert said

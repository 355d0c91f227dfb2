from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from cephsure.errors import BundleError
from cephsure.films import Film
from cephsure.inference import session
from cephsure.inference.session import Session
from cephsure.model import load_model, shipped_models

torch_graph = pytest.importorskip("cephsure.inference.torch_graph")


def networks():
    models = shipped_models()
    first = models["default-mc-dropout"] / "members" / "00"
    return {
        "coarse": first / "coarse.onnx",
        "fine": first / "fine.onnx",
        "orientation": models["default-baseline"] / "orientation" / "orientation.onnx",
    }


def examples(network, count):
    rng = np.random.default_rng(0)
    shape = (count, *next(iter(network._graph.inputs.values()))[1:])
    kept = rng.uniform(size=(count, network.mask_channels)) > 0.2
    masks = (kept / 0.8).astype(np.float32) if network.mask_channels else None
    return rng.normal(size=shape).astype(np.float32), masks


@pytest.mark.parametrize("name", ["coarse", "fine", "orientation"])
@pytest.mark.parametrize("count", [1, 3])
def test_torch_computes_what_onnx_runtime_does(name, count):
    path = networks()[name]
    ours, reference = Session(path, runtime="torch"), Session(path)
    assert (ours.runtime, ours.device) == ("torch", "cpu")
    assert (ours.inputs, ours.mask_channels) == (reference.inputs, reference.mask_channels)
    given = examples(reference, count)
    expected = reference.run(*given)
    found = ours.run(*given)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())
    features = reference.features(*given)
    assert (features is None) == (name != "coarse")
    for network in (ours, reference):
        maps, by_the_way = network.run_with_features(*given)
        np.testing.assert_allclose(maps, expected, atol=1e-5 * np.abs(expected).max())
        assert (by_the_way is None) == (features is None)
        if features is not None:
            np.testing.assert_allclose(network.features(*given), features, atol=1e-5)
            np.testing.assert_allclose(by_the_way, features, atol=1e-5)


def test_a_graph_may_be_computed_in_several_threads_at_once():
    network = Session(networks()["coarse"], runtime="torch")
    image, masks = examples(network, 4)
    alone = [network.run(image[k : k + 1], masks[k : k + 1]) for k in range(4)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda k: network.run(image[k : k + 1], masks[k : k + 1]), range(4)))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.slow
def test_a_models_predictions_agree_also_in_stacked_batches(monkeypatch, draw_head):
    films = [Film(draw_head(np.random.default_rng(seed))[0]) for seed in range(3)]
    reference = load_model("default-mc-dropout")
    expected = list(reference.predict_many(films, samples=2))
    opened = session._open
    monkeypatch.setattr(session, "_open", lambda path, device, _: opened(path, device, "torch"))
    model = load_model("default-mc-dropout")
    alone = list(model.predict_many(films, samples=2))
    model._localizer.device = "cuda"  # where passes and films are stacked
    stacked = list(model.predict_many(films, samples=2, batch=2))
    assert len(stacked) == 3
    for one, other in [*zip(alone, expected, strict=True), *zip(stacked, expected, strict=True)]:
        np.testing.assert_allclose(one.points_px, other.points_px, atol=1e-4)


def test_a_node_that_torch_does_not_know_is_named(tmp_path):
    from onnx import TensorProto, helper, save

    shape = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    out = helper.make_tensor_value_info("maps", TensorProto.FLOAT, [1])
    graph = helper.make_graph([helper.make_node("Erf", ["x"], ["maps"])], "g", [shape], [out])
    save(helper.make_model(graph), tmp_path / "odd.onnx")
    with pytest.raises(BundleError, match="torch cannot compute this network's Erf"):
        torch_graph.TorchGraph(tmp_path / "odd.onnx", "cpu")
    (tmp_path / "broken.onnx").write_bytes(b"no network")
    with pytest.raises(BundleError, match="torch cannot load this network"):
        torch_graph.TorchGraph(tmp_path / "broken.onnx", "cpu")


def write_node(path, kind, inputs, constants=(), **attributes):
    """Write a network of one node on x (1, 1, 4, 4)."""
    from onnx import TensorProto, helper, numpy_helper, save

    shape = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 4, 4])
    out = helper.make_tensor_value_info("maps", TensorProto.FLOAT, None)
    weights = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants]
    node = helper.make_node(kind, inputs, ["maps"], **attributes)
    model = helper.make_model(helper.make_graph([node], "g", [shape], [out], weights))
    save(model, path)
    return path


KERNEL = [("w", np.ones((1, 1, 3, 3), np.float32))]
SCALES = [("s", np.array([1, 1, 2, 2], np.float32))]
POOL = {"kernel_shape": [2, 2], "strides": [2, 2]}
RESIZE = {"mode": "nearest", "nearest_mode": "floor", "coordinate_transformation_mode": "asymmetric"}


@pytest.mark.parametrize(
    ("node", "attributes", "words"),
    [
        (("Conv", ["x", "w"], KERNEL), {"pads": [1, 1, 0, 1]}, "Conv with uneven padding"),
        (("Conv", ["x", "w"], KERNEL), {"dilations": [2, 2]}, r"Conv with dilations \[2, 2\]"),
        (("Conv", ["x", "w"], KERNEL), {"auto_pad": "SAME_UPPER"}, "Conv with auto_pad SAME_UPPER"),
        (("ConvTranspose", ["x", "w"], KERNEL), {"pads": [1, 1, 1, 1]}, "ConvTranspose with pads"),
        (("ConvTranspose", ["x", "w"], KERNEL), {"output_shape": [4, 4]}, "ConvTranspose with output_shape"),
        (
            ("MaxPool", ["x"], []),
            {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1},
            "MaxPool with ceil_mode 1",
        ),
        (("MaxPool", ["x"], []), {"kernel_shape": [2, 2]}, "MaxPool with no strides"),
        (("Resize", ["x", "", "s"], SCALES), {**RESIZE, "mode": "linear"}, "Resize with mode linear"),
        (
            ("Resize", ["x", "", "s"], SCALES),
            {**RESIZE, "nearest_mode": "ceil"},
            "Resize with nearest_mode ceil",
        ),
        (("Resize", ["x", "", "s"], SCALES), {"mode": "nearest"}, "Resize with no nearest_mode"),
        (("Resize", ["x", "", "", "s"], SCALES), RESIZE, "Resize with a size in place of scales"),
        (("Cast", ["x"], []), {"to": 11}, "Cast with to 11"),
    ],
)
def test_what_torch_would_compute_otherwise_is_refused_when_it_is_loaded(tmp_path, node, attributes, words):
    path = write_node(tmp_path / "odd.onnx", *node, **attributes)
    with pytest.raises(BundleError, match=f"torch cannot compute this network's {words}"):
        torch_graph.TorchGraph(path, "cpu")


@pytest.mark.parametrize(
    ("kind", "inputs", "constants", "attributes"),
    [
        ("Conv", ["x", "w"], KERNEL, {}),
        ("Conv", ["x", "w"], KERNEL, {"pads": [1, 0, 1, 0], "strides": [2, 1]}),
        ("ConvTranspose", ["x", "w"], KERNEL, {}),
        ("Resize", ["x", "", "s"], SCALES, RESIZE),
    ],
)
def test_what_is_left_out_is_as_onnx_has_it(tmp_path, kind, inputs, constants, attributes):
    path = write_node(tmp_path / "net.onnx", kind, inputs, constants, **attributes)
    image = np.random.default_rng(0).normal(size=(1, 1, 4, 4)).astype(np.float32)
    expected = Session(path).run(image)
    np.testing.assert_allclose(Session(path, runtime="torch").run(image), expected, atol=1e-5)


@pytest.mark.parametrize("runtime", ["torch", "onnxruntime"])
def test_a_network_that_cannot_be_computed_is_the_bundles_fault(tmp_path, runtime):
    path = write_node(tmp_path / "net.onnx", "Conv", ["x", "w"], [("w", np.ones((1, 3, 3, 3), np.float32))])
    with pytest.raises(BundleError, match=r"net\.onnx: .*cannot (compute|load) this network"):
        Session(path, runtime=runtime).run(np.zeros((1, 1, 4, 4), np.float32))

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

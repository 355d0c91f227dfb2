from __future__ import annotations

import ctypes
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnxruntime
import pytest

from cephsure.errors import BundleError, InputError
from cephsure.inference import session as module
from cephsure.inference.session import Call, Session, channel_masks, load_networks, run_each


def image(dots, count=1, seed=0):
    return np.random.default_rng(seed).normal(size=(count, 1, dots.SIDE, dots.SIDE)).astype(np.float32)


def test_a_network_gives_its_maps(dots, dot_bundles):
    network = Session(dot_bundles() / "members" / "00" / "coarse.onnx")
    assert network.inputs == ("film",)
    assert network.mask_channels == 0
    film = image(dots, 3)
    maps = network.run(film)
    assert maps.shape == (3, 4, dots.SIDE // 2, dots.SIDE // 2)
    assert maps.dtype == np.float32
    # The first landmark's quarter is the upper left one: 1.5 times the mean of 2 x 2 pixels.
    np.testing.assert_allclose(maps[2, 0, 20, 15], 1.5 * film[2, 0, 40:42, 30:32].mean(), rtol=1e-5)


def test_masks_are_a_second_input(dots, dot_bundles):
    network = Session(dot_bundles("default", "mc-dropout") / "members" / "00" / "coarse.onnx")
    assert network.mask_channels == 5
    kept = np.array([[1, 1, 0, 0, 0]], dtype=np.float32)
    whole = network.run(image(dots), np.ones((1, 5), dtype=np.float32))
    np.testing.assert_allclose(network.run(image(dots), kept)[0, 0, 20, 15], 0.4 * whole[0, 0, 20, 15])


def test_a_network_may_run_in_several_threads_at_once(dots, dot_bundles):
    network = Session(dot_bundles() / "members" / "00" / "coarse.onnx")
    films = [image(dots, seed=seed) for seed in range(16)]
    alone = [network.run(film) for film in films]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(network.run, films))
    for one, other in zip(alone, together, strict=True):
        assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("content", [b"", b"no network", None])
def test_what_is_no_network_is_refused_in_one_line(tmp_path, content):
    file = tmp_path / "coarse.onnx"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(BundleError) as caught:
        Session(file)
    assert str(caught.value) == f"{file}: ONNX Runtime cannot load this network (get the bundle again)"


def test_networks_are_loaded_in_order(dot_bundles):
    members = dot_bundles("default", "ensemble", 3) / "members"
    paths = [members / f"{k:02d}" / f"{stage}.onnx" for k in range(3) for stage in ("coarse", "fine")]
    with ThreadPoolExecutor(2) as pool:
        networks = load_networks(paths, pool, takes_masks=False)
    assert [network.inputs[0] for network in networks] == ["film", "patches"] * 3


@pytest.mark.parametrize("kind", ["baseline", "mc-dropout"])
def test_networks_that_do_not_fit_the_kind_are_refused(dot_bundles, kind):
    path = dot_bundles("default", kind) / "members" / "00" / "fine.onnx"
    with ThreadPoolExecutor(1) as pool:
        assert len(load_networks([path], pool, takes_masks=kind == "mc-dropout")) == 1
        with pytest.raises(BundleError, match=r"fine\.onnx: this network does not fit the bundle's kind"):
            load_networks([path], pool, takes_masks=kind != "mc-dropout")


def test_masks_drop_whole_channels_and_keep_the_mean():
    masks = channel_masks(np.random.default_rng(0), 400, (10, 30), 0.4)
    assert masks.shape == (400, 40)
    assert masks.dtype == np.float32
    assert set(np.unique(masks)) == {np.float32(0), np.float32(1 / 0.6)}
    # 16 000 draws: the share dropped has a standard deviation of 0.004.
    assert abs((masks == 0).mean() - 0.4) < 0.02
    assert abs(masks.mean() - 1.0) < 0.035


def test_no_dropout_keeps_all():
    assert (channel_masks(np.random.default_rng(0), 3, (5,), 0.0) == 1).all()


def test_auto_is_the_cpu_and_cuda_is_refused_where_there_is_no_gpu(dot_bundles, monkeypatch):
    path = dot_bundles() / "members" / "00" / "coarse.onnx"
    monkeypatch.setattr(module, "_torch_has_gpu", lambda: False)
    found = Session(path, device="auto")
    if found.device == "cuda":  # ONNX Runtime has found one
        return
    assert (found.device, found.runtime) == ("cpu", "onnxruntime")
    with pytest.raises(InputError, match="no CUDA GPU can be used here"):
        Session(path, device="cuda")


@pytest.mark.parametrize("device", ["auto", "cuda"])
def test_torch_computes_where_only_torch_has_a_gpu(dot_bundles, monkeypatch, device):
    opened = []

    class Graph:
        inputs, outputs = {"film": (1, 1, 8, 8)}, ("maps",)

        def __init__(self, path, where):
            opened.append((path, where))

    torch_graph = pytest.importorskip("cephsure.inference.torch_graph")
    monkeypatch.setattr(torch_graph, "TorchGraph", Graph)
    monkeypatch.setattr(module, "_torch_has_gpu", lambda: True)
    path = dot_bundles() / "members" / "00" / "coarse.onnx"
    found = Session(path, device=device)
    if found.runtime == "onnxruntime":  # which has a GPU itself
        return
    assert (found.device, found.runtime) == ("cuda", "torch")
    assert opened == [(path, "cuda")]


def test_a_network_on_the_cpu_stays_there(dot_bundles, monkeypatch):
    monkeypatch.setattr(module, "_torch_has_gpu", lambda: pytest.fail("nobody asked for a GPU"))
    assert Session(dot_bundles() / "members" / "00" / "coarse.onnx").device == "cpu"


@pytest.mark.parametrize("most", [1, 3, 32])
def test_stacked_jobs_give_what_single_ones_give_in_their_order(dots, dot_bundles, monkeypatch, most):
    monkeypatch.setattr(module, "GPU_BATCH", most)
    members = dot_bundles("default", "ensemble", 3) / "members"
    networks = [Session(members / f"{k:02d}" / "coarse.onnx") for k in range(3)]
    images = [image(dots, seed=seed) for seed in range(4)]
    jobs = [(network, film) for film in images for network in networks]
    with ThreadPoolExecutor(2) as pool:
        alone, stacked = (
            run_each(
                jobs,
                lambda job: Call(job[0], job[1]),
                lambda job, found: (networks.index(job[0]), found.maps),
                pool=pool,
                stacked=stacked,
            )
            for stacked in (False, True)
        )
    for (member, maps), (other_member, other_maps), job in zip(alone, stacked, jobs, strict=True):
        assert networks[member] is networks[other_member] is job[0]
        np.testing.assert_allclose(maps, other_maps, rtol=1e-5)


def test_masks_are_stacked_with_their_inputs(dots, dot_bundles):
    network = Session(dot_bundles("default", "mc-dropout") / "members" / "00" / "coarse.onnx")
    masks = channel_masks(np.random.default_rng(1), 5, (5,), 0.4)
    calls = [Call(network, image(dots), mask[None]) for mask in masks]
    with ThreadPoolExecutor(1) as pool:
        found = run_each(calls, lambda call: call, lambda _, found: found.maps, pool=pool, stacked=True)
        alone = run_each(calls, lambda call: call, lambda _, found: found.maps, pool=pool, stacked=False)
        assert run_each([], lambda call: call, lambda _, found: found.maps, pool=pool, stacked=True) == []
    np.testing.assert_allclose(np.stack(found), np.stack(alone), rtol=1e-5)


def test_torch_is_not_loaded_where_there_is_no_driver_for_a_gpu(monkeypatch):
    def none(name):
        raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", none)
    monkeypatch.setattr(module, "find_spec", lambda _: pytest.fail("asked for torch"))
    assert module._torch_has_gpu() is False


@pytest.mark.parametrize("there", [True, False])
def test_torch_is_asked_where_there_is_a_driver(monkeypatch, there):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(ctypes, "CDLL", lambda _: None)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert module._torch_has_gpu() is there
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    assert module._torch_has_gpu() is False


@pytest.mark.parametrize(("loaded", "device"), [(True, "cuda"), (False, "cpu")])
def test_onnx_runtimes_gpu_is_used_where_its_libraries_are(dot_bundles, monkeypatch, loaded, device):
    asked = []

    class Opened:
        def __init__(self, path, options, providers):
            asked.append((path, providers))

        def get_providers(self):
            return ["CUDAExecutionProvider"] * loaded + ["CPUExecutionProvider"]

        def get_inputs(self):
            return []

        get_outputs = get_inputs

    monkeypatch.setattr(module, "_torch_has_gpu", lambda: False)
    monkeypatch.setattr(onnxruntime, "InferenceSession", Opened)
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: asked.append("libraries"), raising=False)
    path = dot_bundles() / "members" / "00" / "coarse.onnx"
    graph, runtime, found = module._open(path, "auto", None)
    assert (runtime, found, graph.on_gpu) == ("onnxruntime", device, loaded)
    libraries, (_, providers) = asked
    assert libraries == "libraries"
    assert [providers[0][0], providers[1]] == ["CUDAExecutionProvider", "CPUExecutionProvider"]
    assert providers[0][1]["use_tf32"] == "0"


def test_a_network_that_is_none_of_ours_is_refused(tmp_path, dots):
    shape = [("film", ["n", 1, 8, 8])]
    for name, inputs in (("maps", [*shape, ("more", ["n", 3])]), ("maps", [("masks", ["n", 3])])):
        path = tmp_path / "odd.onnx"
        nodes = [("Identity", [inputs[0][0]], [name], {})]
        path.write_bytes(dots._graph(nodes, inputs, len(inputs[0][1]), {}))
        with pytest.raises(BundleError, match=r"odd\.onnx: not a network of ours"):
            Session(path)


@pytest.mark.parametrize("takes", [(1, 96, 64), (2, 96, 96), (1, 96), (1, 96, 96, 1)])
def test_a_network_of_another_size_than_the_recipes_is_refused(dots, dot_bundles, takes):
    network = Session(dot_bundles() / "members" / "00" / "coarse.onnx")
    with pytest.raises(BundleError, match=r"takes inputs of 1 x 96 x 96, and the bundle's recipe gives it"):
        network.check_shapes(takes, (4, 48, 48))
    network.check_shapes((1, 96, 96), (4, 48, 48))
    assert network.run(image(dots)).shape == (1, 4, 48, 48)


@pytest.mark.parametrize("gives", [(3, 48, 48), (4, 48), (4, 48, 47)])
def test_maps_of_another_size_than_the_recipes_are_refused(dots, dot_bundles, gives):
    network = Session(dot_bundles() / "members" / "00" / "coarse.onnx")
    network.check_shapes((1, 96, 96), gives)
    with pytest.raises(BundleError, match=r"gives maps of 4 x 48 x 48, where .* are needed"):
        network.run(image(dots))
    network.check_shapes((1, 96, 96), (None, 48, 48))
    network.run(image(dots))


def test_numbers_that_are_not_finite_are_the_networks_fault(dots, dot_bundles):
    network = Session(dot_bundles() / "members" / "00" / "coarse.onnx")
    film = image(dots)
    film[0, 0, 3, 3] = np.nan
    with pytest.raises(BundleError, match="numbers that are not finite"):
        network.run(film)

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
import torch
from safetensors.numpy import load_file
from safetensors.torch import load_file as load_tensors

from cephsure.recipes.coarse_to_fine.networks import (
    CoarseNet,
    FineNet,
    OrientationNet,
    UNetConfig,
    export_fine,
    export_orientation,
)
from cephsure.recipes.paper.stage import PaperUNet, PaperUNetConfig, export_paper

pytestmark = pytest.mark.slow


def trained(network, checkpoint):
    """The network with the averaged weights that a fit has ended in."""
    tensors = load_tensors(checkpoint)
    prefix = "averaged."
    weights = {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
    network.load_state_dict(weights)
    return network.eval()


def worn(network):
    """The network as after some steps: no scale is 1, no statistic what it began as, hardly a map dead."""
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if "running_var" in name:
                value.uniform_(0.5, 2.0)
            elif "running_mean" in name or name.endswith(("bias", "shift")):
                value.normal_(0.2, 0.2)
            elif name.endswith("scale"):
                value.normal_(1, 0.3)
    return network.eval()


@pytest.fixture(scope="module")
def networks(finished_run, tiny_recipe, tiny_paper, tmp_path_factory):
    """Networks as torch has them, with their graphs and their inputs' shapes: from a run, and with masks."""
    run, config, bundle = finished_run
    member, torso = run / "member_00", config.recipe
    layout, folder = torso.layout, tmp_path_factory.mktemp("graphs")
    torch.manual_seed(0)
    masked = UNetConfig(5, (6, 8), annotators=2, dropout=True)
    paper = PaperUNetConfig(5, (6, 8), dropout=True)
    made = {
        "coarse": (
            trained(CoarseNet(UNetConfig(19, torso.coarse_widths)), member / "coarse.checkpoint.safetensors"),
            bundle / "members" / "00" / "coarse.onnx",
            [(1, 64, 64)],
        ),
        "fine": (
            trained(
                FineNet(UNetConfig(19, torso.fine_widths, annotators=2), layout.channels),
                member / "fine.checkpoint.safetensors",
            ),
            bundle / "members" / "00" / "fine.onnx",
            [(19, layout.channels, 16, 16)],
        ),
        "orientation": (
            trained(OrientationNet(32), run / "orientation" / "orientation.checkpoint.safetensors"),
            bundle / "orientation" / "orientation.onnx",
            [(1, 32, 32)],
        ),
        "fine-masked": (
            worn(FineNet(masked, layout.channels)),
            folder / "fine.onnx",
            [(5, layout.channels, 16, 16), (sum(masked.mask_sizes),)],
        ),
        "paper-masked": (
            worn(PaperUNet(paper)),
            folder / "paper.onnx",
            [(1, 32, 32), (sum(paper.mask_sizes),)],
        ),
    }
    export_fine(made["fine-masked"][0], tiny_recipe, masked, folder)
    export_paper(made["paper-masked"][0], tiny_paper, paper, folder)
    return made


NAMES = ("coarse", "fine", "orientation", "fine-masked", "paper-masked")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("count", [1, 3])
def test_onnx_runtime_gives_torchs_maps_to_half_precision(networks, name, count):
    network, path, shapes = networks[name]
    session = onnxruntime.InferenceSession(path)
    assert [entry.name for entry in session.get_inputs()][1:] == ["masks"][: len(shapes) - 1]
    rng = np.random.default_rng(count)
    inputs = [rng.normal(size=(count, *shapes[0])).astype(np.float32)]
    if len(shapes) > 1:
        inputs.append(((rng.uniform(size=(count, *shapes[1])) > 0.2) / 0.8).astype(np.float32))
    feeds = {entry.name: array for entry, array in zip(session.get_inputs(), inputs, strict=True)}
    (maps,) = session.run(["maps"], feeds)
    with torch.inference_mode():
        expected = network(*map(torch.from_numpy, inputs)).numpy()
    assert maps.shape == expected.shape
    assert expected.std() > 0.01
    # Weights have 11 bits: a relative error of 0.0005 each, which a few layers add up.
    assert 0 < np.abs(maps - expected).max() < 0.01 * np.abs(expected).max()


@pytest.mark.parametrize(("name", "level"), [("coarse", "trunk.down.2"), ("paper-masked", "down.1")])
def test_the_features_are_the_deepest_levels_mean(networks, name, level):
    network, path, shapes = networks[name]
    session = onnxruntime.InferenceSession(path)
    assert [entry.name for entry in session.get_outputs()] == ["maps", "features"]
    rng = np.random.default_rng(0)
    inputs = [rng.normal(size=(2, *shapes[0])).astype(np.float32)]
    inputs += [np.ones((2, *shape), dtype=np.float32) for shape in shapes[1:]]
    feeds = {entry.name: array for entry, array in zip(session.get_inputs(), inputs, strict=True)}
    (pooled,) = session.run(["features"], feeds)
    seen = []
    block = network.get_submodule(level)
    hook = block.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    with torch.inference_mode():
        network(*map(torch.from_numpy, inputs))
    hook.remove()
    expected = seen[0].mean(dim=(2, 3)).numpy()
    assert pooled.shape == expected.shape
    np.testing.assert_allclose(pooled, expected, atol=0.01 * np.abs(expected).max())


@pytest.mark.parametrize("name", ["fine", "orientation"])
def test_other_networks_have_maps_alone(networks, name):
    session = onnxruntime.InferenceSession(networks[name][1])
    assert [entry.name for entry in session.get_outputs()] == ["maps"]


@pytest.mark.parametrize("name", NAMES)
def test_the_weights_are_one_safetensors_file(networks, name):
    network, path, _ = networks[name]
    weights = load_file(path.with_suffix(".safetensors"))
    halves = {key: array for key, array in weights.items() if key.endswith(".half")}
    assert halves
    assert all(array.dtype == np.float16 for array in halves.values())
    assert all(array.dtype == np.float32 for key, array in weights.items() if key not in halves)
    stored = sum(array.size for array in weights.values())
    count = sum(p.numel() for p in network.parameters())
    # The graph itself keeps a few small constants; batch norm is folded into the convolutions.
    assert 0.85 * count < stored < 1.15 * count
    content = path.read_bytes()
    assert len(content) < 60_000
    assert str(path.parent).encode() not in content
    assert b".py" not in content


def test_half_weights_are_the_networks_rounded(networks):
    network, path, _ = networks["orientation"]
    weights = load_file(path.with_suffix(".safetensors"))
    hidden = network.hidden.weight.detach().numpy()
    same = [array for array in weights.values() if sorted(array.shape) == sorted(hidden.shape)]
    assert any(np.array_equal(a, w.astype(np.float16)) for a in same for w in (hidden, hidden.T))


def test_the_same_network_gives_the_same_files_in_another_process(networks, finished_run, tmp_path):
    network, path, _ = networks["orientation"]
    export_orientation(network, finished_run[1].recipe, tmp_path)
    for suffix in (".onnx", ".safetensors"):
        assert (tmp_path / path.name).with_suffix(suffix).read_bytes() == path.with_suffix(
            suffix
        ).read_bytes()

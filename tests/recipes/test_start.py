from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from cephsure.errors import BundleError
from cephsure.recipes.coarse_to_fine.networks import (
    CoarseNet,
    FineNet,
    UNetConfig,
    export_coarse,
    export_fine,
)
from cephsure.recipes.paper.stage import PaperUNet, PaperUNetConfig, export_paper
from cephsure.recipes.start import KeptNorm, go_on_from, maps_of, weights_in_order

pytestmark = pytest.mark.slow
CONFIG = UNetConfig(5, (6, 8, 9), annotators=2)


def worn(network):
    """The network as after some steps: no norm is what it began as."""
    torch.manual_seed(3)
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if "running_var" in name:
                value.uniform_(0.5, 2.0)
            elif "running_mean" in name or name.endswith(("bias", "shift")):
                value.normal_(0.2, 0.2)
            elif name.endswith(("scale", "norm.weight")):
                value.normal_(1, 0.3)
    return network.eval()


def cases(recipe, paper, *, dropout):
    """Networks of each recipe: (name, a new one, its export, its input)."""
    config = replace(CONFIG, dropout=dropout)
    layout, side = recipe.layout, recipe.coarse_side
    unet = PaperUNetConfig(5, (4, 6, 8), dropout)
    patches = torch.rand(2, 5, layout.channels, layout.map_side, layout.map_side)
    return {
        "coarse": (
            lambda: CoarseNet(config),
            lambda network, to: export_coarse(network, recipe, config, to),
            torch.rand(2, 1, side, side),
        ),
        "fine": (
            lambda: FineNet(config, layout.channels),
            lambda network, to: export_fine(network, recipe, config, to),
            patches,
        ),
        "paper": (
            lambda: PaperUNet(unet),
            lambda network, to: export_paper(network, paper, unet, to),
            torch.rand(2, 1, paper.side, paper.side),
        ),
    }


@pytest.mark.parametrize("name", ["coarse", "fine", "paper"])
@pytest.mark.parametrize("dropout", [False, True])
def test_a_network_goes_on_from_its_graph(name, dropout, tiny_recipe, tiny_paper, tmp_path):
    make, export, example = cases(tiny_recipe, tiny_paper, dropout=dropout)[name]
    export(worn(make()), tmp_path)
    path, network = tmp_path / f"{name}.onnx", make()
    go_on_from(network, network.layers(), path, torch.zeros_like(example))
    wanted = maps_of(path, example)
    sizes = sum(network.config.mask_sizes)
    given = (example, torch.ones(2, sizes)) if dropout else (example,)
    # In training as well: its norms keep their statistics.
    assert network.training
    assert not any(norm.training for norm in network.modules() if isinstance(norm, nn.BatchNorm2d))
    found = network(*given)
    np.testing.assert_allclose(found.detach().numpy(), wanted, atol=1e-4 * np.abs(wanted).max())

    found.square().sum().backward()
    assert all(
        weight.grad is not None and weight.grad.abs().sum() > 0
        for key, weight in network.named_parameters()
        if key.endswith(("first.weight", "norm.bias", "scale"))
    )


def test_what_is_trained_on_is_exported_as_it_is(tiny_recipe, tiny_paper, tmp_path):
    make, export, example = cases(tiny_recipe, tiny_paper, dropout=False)["fine"]
    export(worn(make()), tmp_path)
    network = make()
    go_on_from(network, network.layers(), tmp_path / "fine.onnx", example)
    with torch.no_grad():
        for norm in network.modules():
            if isinstance(norm, KeptNorm):
                norm.weight.mul_(1.1)
    wanted = network(example).detach().numpy()
    (tmp_path / "again").mkdir()
    export(network, tmp_path / "again")
    found = maps_of(tmp_path / "again" / "fine.onnx", example)
    np.testing.assert_allclose(found, wanted, atol=5e-3 * np.abs(wanted).max())  # half precision
    assert "BatchNormalization" not in {
        node.op_type for node in onnx.load(tmp_path / "again" / "fine.onnx").graph.node
    }


@pytest.mark.parametrize(
    "other",
    [replace(CONFIG, widths=(6, 8, 10)), replace(CONFIG, widths=(6, 8)), replace(CONFIG, landmarks=6)],
)
def test_a_graph_of_another_network_is_refused(other, tiny_recipe, tmp_path):
    export_coarse(CoarseNet(other).eval(), tiny_recipe, other, tmp_path)
    network = CoarseNet(CONFIG)
    with pytest.raises(BundleError, match=r"coarse\.onnx: is of another network than its recipe says"):
        go_on_from(network, network.layers(), tmp_path / "coarse.onnx", torch.zeros(2, 1, 64, 64))


def test_a_graph_that_computes_something_else_is_refused(tiny_recipe, tmp_path):
    export_coarse(worn(CoarseNet(CONFIG)), tiny_recipe, CONFIG, tmp_path)
    path = tmp_path / "coarse.onnx"
    model = onnx.load(path, load_external_data=False)
    relu = next(node for node in model.graph.node if node.op_type == "Relu")
    relu.op_type = "Sigmoid"
    onnx.save(model, path)
    network = CoarseNet(CONFIG)
    with pytest.raises(BundleError, match="gives other maps than the network its recipe says"):
        go_on_from(network, network.layers(), path, torch.rand(2, 1, 64, 64))


def test_a_file_that_is_no_graph_is_refused(tmp_path):
    (tmp_path / "no.onnx").write_bytes(b"no graph")
    with pytest.raises(BundleError, match=r"no\.onnx: cannot be loaded"):
        list(weights_in_order(tmp_path / "no.onnx"))


def test_other_annotators_begin_as_the_mean_of_the_known_ones():
    network = FineNet(CONFIG, 6)
    mean = network.weight.detach().mean(dim=0)
    assert network.told_apart(2).weight.shape == (2, 5, 6)
    assert not torch.equal(network.weight[0], mean)
    for count in (1, 3):
        other = FineNet(CONFIG, 6)
        mean = other.weight.detach().mean(dim=0)
        assert other.told_apart(count).config.annotators == count
        assert all(torch.equal(maps, mean) for maps in other.weight)
        assert len(other.weight) == count


def test_new_annotators_maps_stand_before_the_known_ones_and_are_parted_again():
    torch.manual_seed(0)
    network = FineNet(CONFIG, 6).eval()
    patches = torch.rand(1, 5, 6, 8, 8)
    known = network(patches).detach()
    assert network.beside(3).config.annotators == 5
    found = network(patches).detach()
    torch.testing.assert_close(found[:, 3:], known)
    torch.testing.assert_close(found[:, :3], known.mean(dim=1, keepdim=True).expand(1, 3, 5, 8, 8))

    before = network.with_maps(slice(3, None))
    assert (before.config.annotators, network.config.annotators) == (2, 5)
    torch.testing.assert_close(before(patches).detach(), known)
    with torch.no_grad():
        before.weight.zero_()
    torch.testing.assert_close(network(patches).detach(), found)

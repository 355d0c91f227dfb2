from __future__ import annotations

import pytest
import torch

from cephsure.recipes.coarse_to_fine.networks import CoarseNet, FineNet, OrientationNet, UNetConfig


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def test_mask_sizes_leave_the_finest_block_out():
    # Down blocks but the first (3, 4, 5), then up blocks (4, 3, 2).
    assert UNetConfig(19, (2, 3, 4, 5), dropout=True).mask_sizes == (3, 4, 5, 4, 3, 2)
    assert UNetConfig(19, (2, 3, 4, 5)).mask_sizes == ()


def test_coarse_maps_have_half_the_films_side():
    assert CoarseNet(UNetConfig(7, (4, 6, 8)))(torch.rand(2, 1, 48, 48)).shape == (2, 7, 24, 24)


def test_coarse_masks_of_ones_change_nothing_and_zeros_do():
    config = UNetConfig(3, (4, 6, 8), dropout=True)
    network = CoarseNet(config).eval()
    film, masks = torch.rand(2, 1, 32, 32), torch.ones(2, sum(config.mask_sizes))
    assert torch.equal(network(film, masks), network(film))
    assert not torch.allclose(network(film, torch.zeros_like(masks)), network(film))


def test_fine_maps_are_one_for_each_annotator_and_landmark():
    network = FineNet(UNetConfig(5, (4, 6), annotators=2), channels=6)
    assert network(torch.rand(3, 5, 6, 16, 16)).shape == (3, 2, 5, 16, 16)


def fine(*, annotators=1, dropout=False):
    config = UNetConfig(4, (4, 6), annotators=annotators, dropout=dropout)
    network = FineNet(config, channels=5).eval()
    with torch.no_grad():  # away from the start, where all landmarks have the same scale and shift
        for name, parameter in network.named_parameters():
            if name.endswith(("scale", "shift")):
                parameter.add_(0.3 * torch.randn_like(parameter))
    return network


def test_a_landmarks_map_depends_on_its_own_patch_only():
    network, patches = fine(), torch.rand(2, 4, 5, 8, 8)
    changed = patches.clone()
    changed[1, 2] = torch.rand(5, 8, 8)
    before, after = network(patches), network(changed)
    same = torch.tensor(
        [[torch.allclose(before[n, :, k], after[n, :, k]) for k in range(4)] for n in range(2)]
    )
    assert same.tolist() == [[True] * 4, [True, True, False, True]]


def test_landmarks_are_told_apart():
    # The same patch gives each landmark another map, in each film of a batch alike.
    patch = torch.rand(1, 1, 5, 8, 8).expand(2, 4, -1, -1, -1)
    maps = fine()(patch)
    assert torch.allclose(maps[0], maps[1], atol=1e-6)
    assert all(not torch.allclose(maps[0, 0, a], maps[0, 0, b]) for a in range(4) for b in range(a))


def test_annotators_are_told_apart():
    maps = fine(annotators=2)(torch.rand(1, 4, 5, 8, 8))
    assert not torch.allclose(maps[:, 0], maps[:, 1])


def test_a_films_mask_serves_all_its_patches():
    network = fine(dropout=True)
    size = sum(network.config.mask_sizes)
    patches = torch.rand(2, 4, 5, 8, 8)
    assert torch.equal(network(patches, torch.ones(2, size)), network(patches))
    masks = torch.ones(2, size)
    masks[1] = (torch.rand(size) > 0.5) * 2.0
    before, after = network(patches), network(patches, masks)
    assert torch.allclose(before[0], after[0], atol=1e-6)
    assert all(not torch.allclose(before[1, 0, k], after[1, 0, k]) for k in range(4))


@pytest.mark.parametrize("side", [32, 64])
def test_orientation_gives_two_answers_for_any_side(side):
    assert OrientationNet(side)(torch.rand(3, 1, side, side)).shape == (3, 2)


def test_all_networks_learn_everywhere():
    for network, inputs in (
        (CoarseNet(UNetConfig(3, (4, 6))), (torch.rand(2, 1, 16, 16),)),
        (FineNet(UNetConfig(3, (4, 6), annotators=2), channels=5), (torch.rand(2, 3, 5, 8, 8),)),
        (OrientationNet(32), (torch.rand(4, 1, 32, 32),)),
    ):
        network(*inputs).square().sum().backward()
        without = [
            name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0
        ]
        assert without == []

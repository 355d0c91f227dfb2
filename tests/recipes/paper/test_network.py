from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn

from cephsure.recipes.paper.network import PaperUNet, PaperUNetConfig

SMALL = PaperUNetConfig(landmarks=3, filters=(4, 6, 8), dropout=True)


def double(inner, outer):
    """Weights of conv 3 x 3 + bias, norm's scale and shift, twice."""
    return 9 * inner * outer + outer + 2 * outer + 9 * outer * outer + outer + 2 * outer


def test_parameters_counted_by_hand():
    # Down 18 849 984, transposed convolutions 2 786 240, up 9 406 080, the 1 x 1 head 1 235.
    down = sum(double(a, b) for a, b in itertools.pairwise((1, 64, 128, 256, 512, 1024)))
    rise = sum(4 * 2 * b * b + b for b in (512, 256, 128, 64))
    up = sum(double(2 * b, b) for b in (512, 256, 128, 64))
    assert (down, rise, up) == (18_849_984, 2_786_240, 9_406_080)
    network = PaperUNet(PaperUNetConfig())
    assert sum(p.numel() for p in network.parameters()) == down + rise + up + 64 * 19 + 19 == 31_043_539


def test_layers_stand_as_described():
    network = PaperUNet(PaperUNetConfig())
    for block in (*network.down, *network.up):
        kinds = [nn.Conv2d, nn.ReLU, nn.BatchNorm2d] * 2
        assert [type(layer) for layer in block] == kinds
        assert all(layer.kernel_size == (3, 3) for layer in block if isinstance(layer, nn.Conv2d))
    assert [rise.kernel_size for rise in network.rise] == [(2, 2)] * 4
    assert [(rise.in_channels, rise.out_channels) for rise in network.rise] == [
        (1024, 512),
        (512, 256),
        (256, 128),
        (128, 64),
    ]
    assert (network.pool.kernel_size, network.head.kernel_size) == (2, (1, 1))


def test_dropout_sites_after_pooling_and_after_concatenations():
    assert PaperUNetConfig().mask_sizes == ()
    assert PaperUNetConfig(dropout=True).mask_sizes == (64, 128, 256, 512, 1024, 512, 256, 128)


def test_maps_have_the_films_size():
    torch.manual_seed(0)
    network = PaperUNet(PaperUNetConfig(landmarks=5, filters=(2, 3, 4)))
    assert network(torch.rand(2, 1, 128, 128)).shape == (2, 5, 128, 128)


@pytest.fixture
def small():
    torch.manual_seed(0)
    network = PaperUNet(SMALL).eval()
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):  # so that hardly a channel is dead in so small a network
            nn.init.kaiming_normal_(layer.weight)
            nn.init.constant_(layer.bias, 0.3)
    return network


def test_masks_of_ones_change_nothing(small):
    film = torch.rand(2, 1, 16, 16)
    masks = torch.ones(2, sum(SMALL.mask_sizes))
    assert torch.equal(small(film, masks), small(film))


def test_every_masks_channel_has_its_say(small):
    # Sites of 4 + 6 channels going down and 12 + 8 going up: each channel, left out, changes the maps.
    film = torch.rand(1, 1, 16, 16)
    assert sum(SMALL.mask_sizes) == 30
    plain = small(film)
    silent = []
    for channel in range(30):
        masks = torch.ones(1, 30)
        masks[0, channel] = 0.0
        if torch.equal(small(film, masks), plain):
            silent.append(channel)
    assert len(silent) <= 3  # dead ones


def test_the_film_is_seen_whatever_is_dropped(small):
    # Even with nothing from below, the finest level's half of the last concatenation knows the film.
    masks = torch.zeros(2, sum(SMALL.mask_sizes))
    masks[:, -4:] = 1.0
    first, second = small(torch.rand(2, 1, 16, 16), masks)
    assert not torch.equal(first, second)


def test_each_film_of_a_batch_has_masks_of_its_own(small):
    film = torch.rand(1, 1, 16, 16)
    masks = (torch.rand(2, sum(SMALL.mask_sizes)) > 0.4) / 0.6
    together = small(film.expand(2, -1, -1, -1), masks)
    alone = torch.cat([small(film, masks[:1]), small(film, masks[1:])])
    assert torch.allclose(together, alone, atol=1e-5)
    assert not torch.allclose(together[0], together[1])

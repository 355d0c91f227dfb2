from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from cephsure.datasets import open_dataset, select
from cephsure.recipes.paper.stage import PaperStage, PaperUNet, PaperUNetConfig
from cephsure.training import device
from cephsure.training.material import load_films, radial_errors_mm


@pytest.fixture(scope="module")
def loaded(films):
    items = select(open_dataset(films), "train").films[:5]
    return [film for film, _ in load_films(items, "senior", side=32, shape=None)]


@pytest.fixture
def stage(tiny_paper, loaded):
    return PaperStage(tiny_paper, loaded[:4], loaded[4:], dropout=False)


class Answers(nn.Module):
    """An oracle that gives the same maps for every film."""

    def __init__(self, maps):
        super().__init__()
        self.maps = nn.Parameter(maps, requires_grad=False)

    def forward(self, film):
        return self.maps.expand(len(film), -1, -1, -1)


def test_targets_are_gaussians_of_mass_1000_at_the_landmarks(stage, loaded):
    (batch, *_) = stage.batches(np.random.default_rng(0))
    images, maps = batch.inputs[0].numpy(), batch.targets[0].numpy()
    assert images.shape == (4, 1, 32, 32)
    assert images.min() >= -1
    assert images.max() <= 1
    assert maps.shape == (4, 19, 32, 32)
    # Sigma is 2 px, cut after 2: weights 1, 0.8825 twice and 0.6065 twice, together 3.978. All the mass is
    # there where the map's edge is far.
    assert maps.max() == pytest.approx(1000 / 3.978**2, rel=1e-3)
    assert ((maps > 0).sum(axis=(2, 3)) <= 25).all()
    inner = [
        m for m in maps.reshape(-1, 32, 32) if all(8 < k < 23 for k in np.unravel_index(m.argmax(), m.shape))
    ]
    assert len(inner) > 10
    assert [m.sum() for m in inner] == pytest.approx([1000.0] * len(inner), rel=1e-3)


def test_target_maps_decode_to_the_landmarks_within_half_a_cell(stage, loaded):
    maps = stage._maps(stage._held_lines)
    score, mre = stage.validate(Answers(maps))
    assert score == 0.0
    # Cells of 6 x 7.5 px at 0.1 mm: rounding costs at most 0.48 mm, on average less.
    assert 0 < mre < 0.4


def test_validation_counts_errors_in_mm(stage, loaded):
    film = loaded[4]
    shifted = torch.roll(stage._maps(stage._held_lines), 4, dims=3)  # four cells to the right: 24 px, 2.4 mm
    _, mre = stage.validate(Answers(shifted))
    assert mre == pytest.approx(2.4, abs=0.3)
    assert np.nanmax(radial_errors_mm(film.points_px + np.array([24.25, 0.0]), film)) == pytest.approx(2.425)


def test_missing_landmarks_take_no_part_in_the_loss(tiny_paper, loaded):
    points = [film.points_px.copy() for film in loaded]
    for one in points:
        one[[3, 7]] = np.nan
    holed = [replace(film, points_px=one) for film, one in zip(loaded, points, strict=True)]
    stage = PaperStage(tiny_paper, holed[:4], holed[4:], dropout=False)
    (batch, *_) = stage.batches(np.random.default_rng(0))
    outputs = torch.zeros(batch.targets[0].shape, requires_grad=True)
    loss = stage.loss(outputs, batch.targets)
    known = np.delete(batch.targets[0].numpy(), [3, 7], axis=1)
    assert loss.item() == pytest.approx((known**2).mean(), rel=1e-5)
    loss.backward()
    silent = [k for k in range(19) if not outputs.grad[:, k].any()]
    assert silent == [3, 7]


def test_no_landmark_at_all_is_no_nan(stage):
    outputs = torch.ones((1, 2, 4, 4), requires_grad=True)
    loss = stage.loss(outputs, (torch.full((1, 2, 4, 4), float("nan")),))
    loss.backward()
    assert loss.item() == 0.0
    assert not outputs.grad.any()


def test_masks_are_given_only_with_dropout(tiny_paper, loaded, stage):
    assert all(len(batch.inputs) == 1 for batch in stage.batches(np.random.default_rng(0)))
    dropping = PaperStage(tiny_paper, loaded[:4], loaded[4:], dropout=True)
    (batch,) = dropping.batches(np.random.default_rng(0))
    # Filters 4, 6, 8: sites of 4 and 6 channels going down, of 12 and 8 going up.
    assert batch.inputs[1].shape == (4, 30)
    assert set(np.unique(batch.inputs[1])) == {np.float32(0), np.float32(1 / 0.6)}


def test_the_first_version_reaches_four_sigma(tiny_paper, loaded):
    stage = PaperStage(replace(tiny_paper, version=1), loaded[:4], loaded[4:], dropout=False)
    (batch, *_) = stage.batches(np.random.default_rng(0))
    maps = batch.targets[0].numpy()
    # A height of 1000 / (2 pi sigma^2) at most, less where the landmark lies between pixels.
    assert 0.8 * 1000 / (8 * np.pi) < maps.max() <= 1000 / (8 * np.pi) + 1e-3
    inner = [m for m in maps.reshape(-1, 32, 32) if all(8 < k < 23 for k in np.argwhere(m == m.max())[0])]
    assert len(inner) > 10
    assert [m.sum() for m in inner] == pytest.approx([1000.0] * len(inner), rel=1e-3)


def test_a_validation_in_parts_is_the_mean_over_films(tiny_paper, loaded, monkeypatch):
    torch.manual_seed(0)
    network = nn.Conv2d(1, 19, 3, padding=1)
    found = []
    for part in (1, 2, 64):
        monkeypatch.setattr(device, "CPU_PART", part)
        found.append(PaperStage(tiny_paper, loaded[:2], loaded[2:], dropout=False).validate(network))
    assert found[1:] == [pytest.approx(found[0])] * 2
    alone = [
        PaperStage(tiny_paper, loaded[:2], [film], dropout=False).validate(network) for film in loaded[2:]
    ]
    assert found[0] == pytest.approx(np.mean(alone, axis=0))


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

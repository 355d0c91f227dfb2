from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from cephsure.datasets import open_dataset, select
from cephsure.recipes.coarse_to_fine import stages as module
from cephsure.recipes.coarse_to_fine.stages import OrientationStage
from cephsure.training.material import load_films


@pytest.fixture(scope="module")
def loaded(films):
    items = select(open_dataset(films), "train").films[:3]
    return [film for film, _ in load_films(items, "mean", side=64, shape=None)]


@pytest.fixture
def stage(tiny_recipe, loaded):
    return OrientationStage(tiny_recipe, loaded, loaded[:2])


class Says(nn.Module):
    """Always gives the same two logits."""

    def __init__(self, *logits):
        super().__init__()
        self.logits = nn.Parameter(torch.tensor(logits))

    def forward(self, film):
        return self.logits.expand(len(film), 2)


def test_every_film_once_in_each_orientation(stage):
    batches = list(stage.batches(np.random.default_rng(0)))
    labels = np.concatenate([batch.targets[0] for batch in batches])
    images = np.concatenate([batch.inputs[0] for batch in batches])
    assert images.shape == (12, 1, 32, 32)
    assert sorted(map(tuple, labels.tolist())) == sorted([(a, b) for a in (0.0, 1.0) for b in (0.0, 1.0)] * 3)


def test_labels_say_how_the_image_was_turned(stage, monkeypatch):
    # Without other changes a view that faces left is the mirror image, a negative the inverse.
    monkeypatch.setattr(module, "coarse_warp", lambda plain, *_: plain)
    monkeypatch.setattr(module, "furniture", lambda image, _: image)
    monkeypatch.setattr(module, "blur_and_noise", lambda images, _: images)
    monkeypatch.setattr(module, "grey_curve", lambda images, _: images)
    stage = OrientationStage(replace_batch(stage), stage.train[:1], stage.train[:1])
    rng = np.random.default_rng(1)
    images = {
        tuple(label): image[0]
        for batch in stage.batches(rng)
        for image, label in zip(batch.inputs[0], batch.targets[0].astype(int).tolist(), strict=True)
    }
    middle = slice(6, 26)  # the surround may be filled at random
    plain = images[0, 0][:, middle]
    assert np.corrcoef(plain.ravel(), images[1, 0][:, ::-1][:, middle].ravel())[0, 1] > 0.99
    assert np.corrcoef(plain.ravel(), images[0, 1][:, middle].ravel())[0, 1] < -0.99
    assert np.corrcoef(plain.ravel(), images[1, 1][:, ::-1][:, middle].ravel())[0, 1] < -0.99


def replace_batch(stage):
    """The least of a recipe that the stage needs."""

    class Recipe:
        orientation_side, orientation_fit = stage.side, replace(stage.settings, batch_films=4)

    return Recipe()


@pytest.mark.parametrize("logits", [(5.0, 5.0), (-5.0, 5.0), (-5.0, -5.0)])
def test_one_answer_for_all_is_wrong_on_three_of_four(stage, logits):
    share, mre = stage.validate(Says(*logits))
    assert share == 0.75
    assert np.isnan(mre)


def test_validation_draws_the_same_films_each_time(stage):
    torch.manual_seed(0)
    network = stage.network().eval()
    assert stage.validate(network)[0] == stage.validate(network)[0]


def test_the_loss_by_hand(stage):
    # Logits of 0 cost log 2 each, whatever the softened target.
    assert stage.loss(torch.zeros(3, 2), (torch.rand(3, 2).round(),)).item() == pytest.approx(np.log(2))
    # The best answer to a softened 1 is logit log(0.98 / 0.02).
    best = torch.full((1, 2), float(np.log(0.98 / 0.02)), requires_grad=True)
    stage.loss(best, (torch.ones(1, 2),)).backward()
    assert best.grad.abs().max() < 1e-6

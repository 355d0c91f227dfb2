from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F

from cephsure.datasets import AnnotatedFilm
from cephsure.films import Spacing, SpacingSource
from cephsure.recipes.coarse_to_fine import stages as module
from cephsure.recipes.coarse_to_fine.stages import CoarseStage, coarse_input
from cephsure.training.material import load_films


class Bright(nn.Module):
    """An oracle: its only map follows the film's brightness."""

    def __init__(self):
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))

    def forward(self, film, masks=None):
        assert masks is None
        return 3.0 * F.avg_pool2d(film, 2)


def centroid(image):
    """Of what is brighter than the middle of the image's range."""
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    weights = np.maximum(image - (image.min() + image.max()) / 2, 0)
    return np.array([(weights * columns).sum(), (weights * rows).sum()]) / weights.sum()


@pytest.fixture
def blob_films(tmp_path):
    """Films with one bright blob each, at the only landmark."""
    items = []
    for number, point in enumerate([(70.3, 110.8), (120.0, 61.4), (88.0, 140.0)]):
        y, x = np.mgrid[:200, :160]
        grey = 20 + 230 * np.exp(-((x - point[0]) ** 2 + (y - point[1]) ** 2) / (2 * 5.0**2))
        path = tmp_path / f"{number}.png"
        Image.fromarray(np.round(grey).astype(np.uint8)).save(path)
        spacing = Spacing(0.5, 0.5, SpacingSource.USER)
        items.append(AnnotatedFilm(str(number), path, {"me": np.array([point])}, spacing=spacing))
    return [film for film, _ in load_films(items, "me", side=64, shape=None)]


@pytest.fixture
def stage(tiny_recipe, blob_films):
    return CoarseStage(tiny_recipe, blob_films, blob_films[:1], dropout=False)


def test_positions_are_in_the_films_own_pixels(stage, blob_films):
    for found, film in zip(stage.positions(Bright(), blob_films), blob_films, strict=True):
        # A map pixel is 6.25 film px; the decoder must do much better than half of that.
        assert found[0] == pytest.approx(film.points_px[0], abs=1.0)


def test_validation_is_the_mean_radial_error_in_mm(stage, blob_films):
    score, mre = stage.validate(Bright())
    error = np.linalg.norm(stage.positions(Bright(), blob_films[:1])[0] - blob_films[0].points_px)
    assert score == mre == pytest.approx(0.5 * error)


def test_the_plain_view_is_what_prediction_sees(blob_films):
    image, warp = coarse_input(blob_films[0], 64)
    assert image.shape == (64, 64)
    assert abs(image.mean()) < 1e-4
    assert centroid(image) == pytest.approx(warp.output(blob_films[0].points_px)[0], abs=0.3)


def test_targets_lie_where_the_augmented_image_shows_the_landmark(stage, monkeypatch):
    monkeypatch.setattr(module, "furniture", lambda image, _: image)
    monkeypatch.setattr(module, "blur_and_noise", lambda images, _: images)
    seen = 0
    for seed in range(12):
        for batch in stage.batches(np.random.default_rng(seed)):
            for image, target in zip(batch.inputs[0][:, 0], batch.targets[0], strict=True):
                x, y = 2 * target[0] + 0.5
                if not (7 < x < 56 and 7 < y < 56):
                    continue
                seen += 1
                left, top = round(x) - 5, round(y) - 5
                found = centroid(image[top : top + 11, left : left + 11]) + np.array([left, top])
                assert found == pytest.approx([x, y], abs=0.7)
    assert seen > 20


@pytest.mark.slow
def test_landmarks_moved_off_the_grid_count_as_missing(stage):
    targets = np.concatenate(
        [b.targets[0] for s in range(40) for b in stage.batches(np.random.default_rng(s))]
    )
    known = targets[np.isfinite(targets).all(axis=2)]
    # Map pixels of a 64-pixel grid: -0.25 to 31.25.
    assert known.min() >= -0.25
    assert known.max() <= 31.25


def test_every_epoch_has_all_films_once_and_comes_from_its_seed(stage):
    first, again, other = (list(stage.batches(np.random.default_rng(s))) for s in (1, 1, 2))
    assert sum(len(batch.inputs[0]) for batch in first) == 3
    assert all(np.array_equal(a.inputs[0], b.inputs[0]) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0].inputs[0], other[0].inputs[0])


def test_masks_are_given_only_with_dropout(tiny_recipe, blob_films, stage):
    (batch, *_) = stage.batches(np.random.default_rng(0))
    assert len(batch.inputs) == 1
    recipe = replace(tiny_recipe, dropout=0.5)
    dropping = CoarseStage(recipe, blob_films, blob_films, dropout=True)
    (batch, *_) = dropping.batches(np.random.default_rng(0))
    assert batch.inputs[1].shape == (len(batch.inputs[0]), sum(dropping.config.mask_sizes))
    assert set(np.unique(batch.inputs[1])) == {0.0, 2.0}


def test_a_missing_landmark_is_masked(tiny_recipe, blob_films):
    missing = [replace(film, points_px=np.full((1, 2), np.nan)) for film in blob_films]
    stage = CoarseStage(tiny_recipe, missing, missing, dropout=False)
    torch.manual_seed(0)
    network = stage.network()
    for batch in stage.batches(np.random.default_rng(0)):
        loss = stage.loss(network(torch.from_numpy(batch.inputs[0])), (torch.from_numpy(batch.targets[0]),))
        loss.backward()
        assert loss.item() == 0.0
    assert not any(p.grad.any() for p in network.parameters())
    assert np.isnan(stage.validate(network)).all()


def test_one_film_alone_is_a_batch_that_batch_norm_can_take(tiny_recipe, blob_films):
    stage = CoarseStage(tiny_recipe, blob_films[:1], blob_films[1:], dropout=False)
    torch.manual_seed(0)
    network = stage.network().train()
    (batch,) = stage.batches(np.random.default_rng(3))
    assert batch.inputs[0].shape == (1, 1, 64, 64)
    loss = stage.loss(network(torch.from_numpy(batch.inputs[0])), (torch.from_numpy(batch.targets[0]),))
    loss.backward()
    assert all(torch.isfinite(p.grad).all() for p in network.parameters())

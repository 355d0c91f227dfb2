from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from cephsure.datasets import AnnotatedFilm
from cephsure.errors import BundleError
from cephsure.films import Spacing, SpacingSource
from cephsure.geometry import Affine, linear
from cephsure.recipes.coarse_to_fine import stages as module
from cephsure.recipes.coarse_to_fine.localizer import map_to_frame
from cephsure.recipes.coarse_to_fine.networks import FineNet, UNetConfig, export_fine
from cephsure.recipes.coarse_to_fine.stages import FineStage, patch_film
from cephsure.training.material import TrainingFilm, load_films, mean_shape
from cephsure.training.start import StartNetworks

HEAD = np.array([[-30.0, -20.0], [40.0, -10.0], [10.0, 45.0], [-20.0, 15.0]])


class Bright(nn.Module):
    """An oracle: its maps follow the brightness of the finest patch."""

    def __init__(self, annotators=1):
        super().__init__()
        self.annotators = annotators
        self.unused = nn.Parameter(torch.zeros(1))

    def forward(self, patches):
        maps = 3.0 * patches[:, :, :4].mean(dim=2)
        return torch.stack([maps] * self.annotators, dim=1)


def centroid(image):
    """Of what is brighter than the middle of the image's range."""
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    weights = np.maximum(image - (image.min() + image.max()) / 2, 0)
    return np.array([(weights * columns).sum(), (weights * rows).sum()]) / weights.sum()


@pytest.fixture
def blob_films(tmp_path, tiny_recipe):
    """Heads of four bright blobs, at the landmarks; two annotators who agree. Gives films and mean shape."""
    items = []
    for number, (angle, scale) in enumerate([(8, 2.0), (-12, 2.3), (0, 1.8)]):
        pose = Affine(linear(rotation_deg=angle, scale=scale), np.array([130.0, 150.0]))
        points = pose.apply(HEAD)
        y, x = np.mgrid[:320, :280]
        squared = np.array([(x - px) ** 2 + (y - py) ** 2 for px, py in points])
        grey = 10 + 240 * np.exp(-squared / (2 * (2.5 * scale) ** 2)).sum(axis=0)
        path = tmp_path / f"{number}.png"
        Image.fromarray(np.clip(np.round(grey), 0, 255).astype(np.uint8)).save(path)
        spacing = Spacing(0.4, 0.4, SpacingSource.USER)
        items.append(AnnotatedFilm(str(number), path, {"a": points, "b": points}, spacing=spacing))
    shape = mean_shape([item.annotations["a"] for item in items])
    loaded = load_films(items, "mean", side=64, shape=shape)
    return [patch_film(film, pixels, tiny_recipe.layout) for film, pixels in loaded], shape


def make(recipe, blob_films, *, jitter_px=0.0, dropout=False):
    films, shape = blob_films
    rng = np.random.default_rng(0)
    starts = [film.points_px + rng.normal(0, jitter_px, film.points_px.shape) for film in films]
    return FineStage(recipe, films, films, shape=shape, coarse=starts, dropout=dropout)


def test_patches_round_displaced_points_find_the_landmarks(tiny_recipe, blob_films):
    stage = make(tiny_recipe, blob_films, jitter_px=4.0)
    for film, start in zip(stage.validation, stage.coarse, strict=True):
        found = stage.refine(Bright(annotators=2), [film], [start])[0]
        assert np.abs(start - film.points_px).max() > 4
        assert found == pytest.approx(film.points_px, abs=1.0)


def test_validation_is_of_the_whole_way_in_mm(tiny_recipe, blob_films):
    stage = make(tiny_recipe, blob_films, jitter_px=4.0)
    score, mre = stage.validate(Bright())
    assert score == mre < 0.4
    coarse = [
        0.4 * np.linalg.norm(s - f.points_px, axis=1)
        for s, f in zip(stage.coarse, stage.validation, strict=True)
    ]
    assert np.mean(coarse) > 1.5


def test_coarse_points_in_one_place_are_left_there(tiny_recipe, blob_films):
    stage = make(tiny_recipe, blob_films)
    start = np.full((4, 2), 50.0)
    assert stage.refine(Bright(), stage.validation[:1], [start])[0] is start


def test_targets_lie_where_the_augmented_patch_shows_the_landmark(tiny_recipe, blob_films, monkeypatch):
    monkeypatch.setattr(module, "blur_and_noise", lambda images, _: images)
    stage = make(tiny_recipe, blob_films)
    seen = 0
    for seed in range(4):
        for batch in stage.batches(np.random.default_rng(seed)):
            shown = batch.inputs[0][:, :, :4].mean(axis=2)  # (N, L, P, P)
            assert batch.targets[0].shape == (len(shown), 2, 4, 2)
            for patch, (x, y) in zip(
                shown.reshape(-1, 16, 16), batch.targets[0][:, 0].reshape(-1, 2), strict=True
            ):
                if not (4 < x < 11 and 4 < y < 11):
                    continue
                seen += 1
                left, top = round(x) - 3, round(y) - 3
                found = centroid(patch[top : top + 7, left : left + 7]) + np.array([left, top])
                assert found == pytest.approx([x, y], abs=0.5)
    assert seen > 30


def test_annotators_have_targets_of_their_own(tiny_recipe, blob_films):
    films, shape = blob_films
    apart = []
    for film in films:  # the second annotator marks 3 frame units to the right, along the head's own axis
        second = film.frame.apply(film.frame.inverse().apply(film.marks_px[1]) + np.array([3.0, 0.0]))
        apart.append(replace(film, marks_px=np.stack([film.marks_px[0], second])))
    stage = FineStage(tiny_recipe, apart, apart, shape=shape, coarse=[], dropout=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "fine_warp", lambda frame, _: module.Warp(frame))
        (batch, *_) = stage.batches(np.random.default_rng(0))
    first, second = batch.targets[0][:, 0], batch.targets[0][:, 1]
    step = tiny_recipe.layout.map_step
    assert second - first == pytest.approx(np.broadcast_to([3.0 / step, 0.0], first.shape), abs=1e-4)
    merged = FineStage(
        replace(tiny_recipe, tell_annotators_apart=False), apart, apart, shape=shape, coarse=[], dropout=False
    )
    (batch, *_) = merged.batches(np.random.default_rng(0))
    assert batch.targets[0].shape[1] == 1


def test_maps_of_those_who_taught_the_start_have_old_films_alone(tiny_recipe, blob_films, tmp_path):
    films, shape = blob_films
    nothing = np.full_like(films[0].marks_px, np.nan)
    new = [replace(film, marks_px=np.concatenate([film.marks_px, nothing])) for film in films[:1]]
    old = [
        replace(film, marks_px=np.concatenate([nothing, film.marks_px]), is_old=True) for film in films[1:]
    ]
    start = StartNetworks(tmp_path, shape, ("ann", "bob"))
    stage = FineStage(
        tiny_recipe, new + old, new, shape=shape, coarse=[new[0].points_px], dropout=False, start=start
    )
    assert (stage.config.annotators, stage.meant) == (4, 2)
    for epoch in range(4):  # each has the new film and one of the old ones
        batches = list(stage.batches(np.random.default_rng(epoch)))
        known = np.concatenate([np.isfinite(batch.targets[0]).all(axis=(2, 3)) for batch in batches])
        assert sorted(known.tolist()) == [[False, False, True, True], [True, True, False, False]]

    class Two(Bright):
        def forward(self, patches):
            return torch.cat([super().forward(patches), torch.zeros(len(patches), 2, 4, 16, 16)], dim=1)

    (found,) = stage.refine(Two(annotators=2), new, [new[0].points_px])
    assert found == pytest.approx(new[0].points_px, abs=1.0)
    assert [(maps.start, maps.stop, folder) for maps, folder in stage.whose_maps(tmp_path)] == [
        (None, 2, tmp_path),
        (2, None, tmp_path / "before"),
    ]
    assert [maps.stop for maps, _ in make(tiny_recipe, blob_films).whose_maps(tmp_path)] == [2]


def test_a_start_with_maps_of_others_than_it_names_is_refused(tiny_recipe, blob_films, tmp_path):
    films, shape = blob_films
    config = UNetConfig(4, tiny_recipe.fine_widths, annotators=2)
    export_fine(FineNet(config, tiny_recipe.layout.channels).eval(), tiny_recipe, config, tmp_path)
    start = StartNetworks(tmp_path, shape, ("ann",))
    stage = FineStage(tiny_recipe, films, films, shape=shape, coarse=[], dropout=False, start=start)
    with pytest.raises(BundleError, match=r"fine\.onnx: has maps of 2 annotators, not of 1"):
        stage.network()


def test_a_missing_landmark_has_a_patch_but_no_target(tiny_recipe, blob_films):
    films, shape = blob_films
    holed = []
    for film in films:
        points, marked = film.points_px.copy(), film.marks_px.copy()
        points[2] = np.nan
        marked[:, 2] = np.nan
        marked[1, 3] = np.nan  # only one of both left this out
        holed.append(replace(film, points_px=points, marks_px=marked))
    stage = FineStage(tiny_recipe, holed, holed, shape=shape, coarse=[], dropout=False)
    (batch, *_) = stage.batches(np.random.default_rng(0))
    assert np.isfinite(batch.inputs[0]).all()
    known = np.isfinite(batch.targets[0]).all(axis=-1)
    assert known.tolist() == [[[True, True, False, True], [True, True, False, False]]] * len(known)
    outputs = torch.zeros((len(known), 2, 4, 16, 16), requires_grad=True)
    stage.loss(outputs, (torch.from_numpy(batch.targets[0]),)).backward()
    assert (outputs.grad.abs().sum(dim=(-1, -2)) > 0).tolist() == known.tolist()


def test_films_without_a_frame_are_not_trained_on_and_have_no_error(tiny_recipe, blob_films):
    films, shape = blob_films
    lost = replace(films[0], frame=None, pyramid=None)
    stage = FineStage(
        tiny_recipe, [lost, *films[1:]], [lost], shape=shape, coarse=[films[0].points_px], dropout=False
    )
    assert sum(len(batch.inputs[0]) for batch in stage.batches(np.random.default_rng(0))) == 2
    assert np.isnan(stage.validate(Bright())).all()


def test_masks_are_given_only_with_dropout(tiny_recipe, blob_films):
    stage = make(tiny_recipe, blob_films, dropout=True)
    (batch, *_) = stage.batches(np.random.default_rng(0))
    assert batch.inputs[1].shape == (len(batch.inputs[0]), sum(stage.config.mask_sizes))
    (batch, *_) = make(tiny_recipe, blob_films).batches(np.random.default_rng(0))
    assert len(batch.inputs) == 1


def test_the_loss_is_in_frame_units(tiny_recipe, blob_films):
    # The target's sigma, 2 frame units, is 1 map pixel at 2 units a pixel.
    stage = make(tiny_recipe, blob_films)
    assert tiny_recipe.layout.map_step == 2.0
    assert map_to_frame(np.array([[8.5, 7.5]]), tiny_recipe.layout).tolist() == [[2.0, 0.0]]
    y, x = torch.meshgrid(torch.arange(16.0), torch.arange(16.0), indexing="ij")
    target = -((x - 7.0) ** 2 + (y - 7.0) ** 2) / 2
    outputs = target[None, None, None].clone().requires_grad_()
    plain = replace(tiny_recipe, fine_distance_weight=0.0)
    stage.recipe = plain
    stage.loss(outputs, (torch.full((1, 1, 1, 2), 7.0),)).backward()
    assert outputs.grad.abs().max() < 1e-6


def test_a_patch_film_has_reductions_where_it_has_a_frame(tiny_recipe):
    shape = np.array([[-50.0, 0.0], [50.0, 0.0], [0.0, 70.0]])
    film = TrainingFilm("a", shape, shape[None], np.full(2, np.nan), None, Affine(0.6 * np.eye(2), [45, 60]))
    pixels = np.zeros((120, 90), dtype=np.float32)
    # The film is coarser than the finest patch asks for (0.8 frame units), so it stays as it is.
    assert patch_film(film, pixels, tiny_recipe.layout).pyramid.levels[0][0].shape == (120, 90)
    assert patch_film(replace(film, frame=None), pixels, tiny_recipe.layout).pyramid is None

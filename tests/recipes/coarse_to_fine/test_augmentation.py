from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cephsure.geometry import Affine, linear
from cephsure.preprocessing import whole_view, whole_warp, working_film
from cephsure.recipes.coarse_to_fine.localizer import PatchLayout, build_pyramid, frame_of, grey_patches
from cephsure.recipes.coarse_to_fine.stages import (
    blur_and_noise,
    coarse_warp,
    fine_warp,
    furniture,
    grey_curve,
    patch_jitter,
)

SEEDS = st.integers(0, 2**32 - 1)
SHAPE = np.array([[-30.0, -20.0], [40.0, -10.0], [10.0, 45.0], [-20.0, 15.0]])


def blobs(width, height, points, sigma):
    y, x = np.mgrid[:height, :width]
    squared = [(x - px) ** 2 + (y - py) ** 2 for px, py in points]
    return np.exp(-np.array(squared) / (2 * sigma**2)).sum(axis=0).astype(np.float32)


def centroid(image):
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    weights = np.maximum(image.astype(np.float64) - 0.05, 0)
    return np.array([(weights * columns).sum(), (weights * rows).sum()]) / weights.sum()


@settings(max_examples=40, deadline=None)
@example(seed=1283961, x=0.5, y=0.5)  # bends a wide blob so much that its centroid moves by 0.43 px
@given(seed=SEEDS, x=st.floats(0.3, 0.7), y=st.floats(0.3, 0.7))
def test_a_blob_goes_where_the_coarse_warp_says(seed, x, y):
    side, width, height = 64, 190, 240
    point = np.array([x * width, y * height])
    film = working_film(blobs(width, height, [point], 4.0), side)
    warp = coarse_warp(whole_warp(film, side), side, np.random.default_rng(seed))
    expected = warp.output(point)
    view = whole_view(film, warp, side, fill=0.0)
    if (expected > 6).all() and (expected < side - 7).all():  # else part of the blob is cut off
        assert centroid(view) == pytest.approx(expected, abs=0.4)
    assert warp.source(expected) == pytest.approx(point, abs=1e-6)


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(seed=SEEDS)
def test_blobs_go_where_the_fine_warp_says(seed):
    rng = np.random.default_rng(seed)
    layout = PatchLayout(map_side=16, step=0.5, context_steps=(1.5,))
    points = Affine(linear(rotation_deg=10, scale=2.5), np.array([230.0, 235.0])).apply(SHAPE)
    pyramid = build_pyramid(blobs(460, 470, points, 2.5), 2.5, layout)
    warp = fine_warp(frame_of(points, SHAPE), rng)
    expected = warp.output(points)
    centres = expected + rng.uniform(-2, 2, (4, 2))
    fine, _ = grey_patches(pyramid, warp, centres, layout)
    for patch, offset in zip(fine, expected - centres, strict=True):
        assert (centroid(patch) - 15.5) * layout.step == pytest.approx(offset, abs=0.15)


def test_coarse_poses_cover_scales_from_two_thirds_to_one_and_a_half():
    film = working_film(np.zeros((240, 190), np.float32), 64)
    plain = whole_warp(film, 64)
    rng = np.random.default_rng(0)
    scales = np.array([coarse_warp(plain, 64, rng).affine.scale for _ in range(400)]) / plain.affine.scale
    # Film px a grid px: the head is drawn larger where this is smaller.
    assert 1 / 1.5 - 0.01 < scales.min() < 0.70
    assert 1.40 < scales.max() < 1 / 0.68 + 0.01


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS)
def test_one_rising_grey_curve_for_all_images_of_a_film(seed):
    ramp = np.linspace(0, 1, 101, dtype=np.float32)
    first, second = grey_curve([ramp, ramp[::-1]], np.random.default_rng(seed))
    assert np.array_equal(first, second[::-1])
    assert (first >= 0).all()
    assert (first <= 1).all()
    assert (np.diff(first) >= -1e-6).all()
    assert first[-1] > first[0]


def test_blur_and_noise_keep_the_mean_and_give_new_images():
    images = np.random.default_rng(0).uniform(0.2, 0.8, (3, 40, 40)).astype(np.float32)
    before = images.copy()
    for seed in range(30):
        changed = blur_and_noise(images, np.random.default_rng(seed))
        assert changed.shape == images.shape
        assert changed.dtype == np.float32
        assert np.abs(changed.mean(axis=(1, 2)) - images.mean(axis=(1, 2))).max() < 0.01
    assert np.array_equal(images, before)


def test_furniture_leaves_most_of_the_film_to_see():
    image = np.full((64, 64), 0.5, np.float32)
    changed = np.array([(furniture(image, np.random.default_rng(s)) != 0.5).mean() for s in range(300)])
    assert (image == 0.5).all()
    assert 0.1 < (changed > 0).mean() < 0.99
    assert np.quantile(changed, 0.95) < 0.6


def test_jitter_is_mostly_as_large_as_coarse_errors():
    offsets = patch_jitter(20000, 10.0, np.random.default_rng(0))
    assert np.abs(offsets).max() <= 10
    # Three quarters of N(0, 2) and one of N(0, 4.5), cut at 10: a variance of 8.06 without the cut.
    assert offsets.std() == pytest.approx(np.sqrt(0.75 * 4 + 0.25 * 4.5**2), rel=0.05)
    assert np.abs(offsets.mean(axis=0)).max() < 0.1


@pytest.mark.parametrize(
    "draw",
    [lambda rng: patch_jitter(5, 8.0, rng), lambda rng: furniture(np.zeros((32, 32), np.float32), rng)],
)
def test_the_generator_decides_all(draw):
    assert np.array_equal(draw(np.random.default_rng(4)), draw(np.random.default_rng(4)))

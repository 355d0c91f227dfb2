from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cephsure.geometry import Affine, Warp, linear
from cephsure.recipes.coarse_to_fine.patches import (
    PatchLayout,
    build_pyramid,
    frame_of,
    frame_to_map,
    grey_patches,
    map_to_frame,
    network_input,
)

LAYOUT = PatchLayout(map_side=16, step=0.5, context_steps=(1.5, 3.0))
SHAPE = np.array([[-30.0, -20.0], [40.0, -10.0], [10.0, 45.0], [-20.0, 15.0]])


def blobs(width, height, points, sigma):
    y, x = np.mgrid[:height, :width]
    squared = [(x - px) ** 2 + (y - py) ** 2 for px, py in points]
    return np.exp(-np.array(squared) / (2 * sigma**2)).sum(axis=0).astype(np.float32)


def centroid(image):
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    weights = image.astype(np.float64)
    return np.array([(weights * columns).sum(), (weights * rows).sum()]) / weights.sum()


def test_lengths_of_a_layout():
    layout = PatchLayout(map_side=32, step=0.4, context_steps=(1.6, 3.2))
    assert (layout.map_step, layout.channels) == (0.8, 6)
    assert layout.level_steps == pytest.approx((0.32, 1.28, 2.56))


@settings(max_examples=30, deadline=None)
@given(
    x=st.floats(-20, 20),
    y=st.floats(-20, 20),
)
def test_map_pixels_and_offsets_are_inverse(x, y):
    offset = np.array([[x, y]])
    assert map_to_frame(frame_to_map(offset, LAYOUT), LAYOUT) == pytest.approx(offset, abs=1e-9)


def test_the_maps_middle_is_the_patchs_centre():
    # Between the 8th and the 9th of 16 pixels, one frame unit each.
    assert frame_to_map(np.array([[0.0, 0.0], [1.0, -7.5]]), LAYOUT).tolist() == [[7.5, 7.5], [8.5, 0.0]]


def test_the_frame_carries_the_mean_shape_onto_the_film():
    pose = Affine(linear(rotation_deg=17, scale=4.0), np.array([300.0, 250.0]))
    frame = frame_of(pose.apply(SHAPE), SHAPE)
    assert frame.scale == pytest.approx(4.0)
    assert frame.apply(SHAPE) == pytest.approx(pose.apply(SHAPE))


def test_a_missing_point_has_no_say_in_the_frame():
    pose = Affine(linear(rotation_deg=-30, scale=2.5), np.array([100.0, 80.0]))
    points = pose.apply(SHAPE)
    points[2] = np.nan
    assert frame_of(points, SHAPE).matrix == pytest.approx(pose.matrix)


def test_pyramid_levels_have_four_fifths_of_their_patches_steps():
    # 8 px a frame unit: levels of 0.4, 1.2 and 2.4 units a pixel are 3.2, 9.6 and 19.2 film px a pixel.
    pyramid = build_pyramid(np.zeros((960, 800), np.float32), 8.0, LAYOUT)
    sizes = [image.shape for image, _ in pyramid.levels]
    assert sizes == [(300, 250), (100, 83), (50, 42)]
    for (image, from_film), step in zip(pyramid.levels, (3.2, 9.6, 19.2), strict=True):
        assert from_film.scale == pytest.approx(1 / step, rel=0.02)
        corner = from_film.apply(np.array([[-0.5, -0.5], [799.5, 959.5]]))
        assert corner == pytest.approx(np.array([[-0.5, -0.5], np.array(image.shape[::-1]) - 0.5]), abs=1e-6)


def test_a_coarse_film_is_never_enlarged():
    pyramid = build_pyramid(np.zeros((60, 50), np.float32), 0.5, LAYOUT)
    assert pyramid.levels[0][0].shape == (60, 50)


@settings(max_examples=30, deadline=None)
@given(
    angle=st.floats(-40, 40),
    scale=st.floats(2.0, 3.4),
    jitter=st.lists(st.floats(-3, 3), min_size=8, max_size=8),
)
def test_image_and_points_go_through_one_map(angle, scale, jitter):
    pose = Affine(linear(rotation_deg=angle, scale=scale), np.array([230.0, 235.0]))
    points = pose.apply(SHAPE)
    pyramid = build_pyramid(blobs(460, 470, points, 1.5 * scale), pose.scale, LAYOUT)
    warp = Warp(frame_of(points, SHAPE))
    centres = SHAPE + np.array(jitter).reshape(4, 2)
    fine, wide = grey_patches(pyramid, warp, centres, LAYOUT)
    assert fine.shape == (4, 32, 32)
    assert wide.shape == (4, 2, 16, 16)
    for index in range(4):
        offset = (centroid(fine[index]) - 15.5) * LAYOUT.step
        assert offset == pytest.approx(warp.output(points[index]) - centres[index], abs=0.15)
        # The wider patch looks at the same place, three times as coarsely; other blobs may come into it.
        peak = np.unravel_index(np.argmax(wide[index, 0]), (16, 16))
        offset = (np.array(peak[::-1]) - 7.5) * LAYOUT.context_steps[0]
        assert np.abs(offset - (SHAPE - centres[index])).max(axis=1).min() <= 1.6


def test_the_finest_patch_is_folded_without_losing_its_place():
    fine = np.random.default_rng(0).uniform(size=(2, 32, 32)).astype(np.float32)
    wide = np.random.default_rng(1).uniform(size=(2, 2, 16, 16)).astype(np.float32)
    folded = network_input(fine, wide)
    assert folded.shape == (2, 6, 16, 16)
    plain = (fine - fine.mean(axis=(1, 2), keepdims=True)) / (fine.std(axis=(1, 2), keepdims=True) + 0.01)
    for channel, (row, column) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
        assert folded[:, channel] == pytest.approx(plain[:, row::2, column::2], abs=1e-5)

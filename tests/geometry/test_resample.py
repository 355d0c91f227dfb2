from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cephsure.geometry import Affine, grid_points, linear, resize, sample_bilinear, sample_lattices

seeds = st.integers(0, 2**32 - 1)


def plain_bilinear(image, x, y):
    """Bilinear interpolation of one point as its definition says, the edge repeated."""
    height, width = image.shape
    x, y = min(max(float(x), 0.0), width - 1.0), min(max(float(y), 0.0), height - 1.0)
    left, top = int(np.floor(x)), int(np.floor(y))
    right, below = min(left + 1, width - 1), min(top + 1, height - 1)
    u, v = x - left, y - top
    return (1 - v) * ((1 - u) * image[top, left] + u * image[top, right]) + v * (
        (1 - u) * image[below, left] + u * image[below, right]
    )


def ramp(width, height):
    """An image whose value at (x, y) is 0.25 x - 0.5 y + 3."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    return (0.25 * x - 0.5 * y + 3).astype(np.float32)


def test_bilinear_is_exact_on_a_ramp():
    points = np.random.default_rng(0).uniform(0, 1, (4, 5, 2)) * [29, 19]
    found = sample_bilinear(ramp(30, 20), points)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, 0.25 * points[..., 0] - 0.5 * points[..., 1] + 3, atol=1e-5)


def test_bilinear_gives_the_pixels_themselves():
    image = np.random.default_rng(0).uniform(size=(5, 7)).astype(np.float32)
    x, y = np.meshgrid(np.arange(7.0), np.arange(5.0))
    np.testing.assert_allclose(sample_bilinear(image, np.stack([x, y], axis=-1)), image, atol=1e-6)


def test_the_edge_is_repeated():
    image = np.array([[1.0, 2.0], [3.0, 4.0]], dtype=np.float32)
    outside = np.array([[-9.0, 0.0], [9.0, 0.0], [0.5, -7.0], [0.5, 99.0], [1e9, 1e9]])
    assert sample_bilinear(image, outside).tolist() == [1.0, 2.0, 1.5, 3.5, 4.0]


def test_fill_begins_half_a_pixel_beyond_the_edge():
    image = np.full((4, 6), 5.0, dtype=np.float32)
    points = np.array([[-0.5, 0.0], [-0.51, 0.0], [5.5, 3.5], [5.51, 3.0], [2.0, 3.51], [2.0, -0.6]])
    assert sample_bilinear(image, points, fill=9.0).tolist() == [5.0, 9.0, 5.0, 9.0, 9.0, 9.0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_points_of_either_precision_are_taken_and_left_as_they_are(dtype):
    points = np.array([[2.5, 1.5], [-3.0, 99.0]], dtype=dtype)
    before = points.copy()
    assert sample_bilinear(ramp(6, 4), points).dtype == np.float32
    assert points.tolist() == before.tolist()


@given(seeds, st.integers(1, 6), st.integers(1, 6))
def test_bilinear_is_what_its_definition_says_on_the_smallest_images_too(seed, width, height):
    rng = np.random.default_rng(seed)
    image = rng.uniform(size=(height, width)).astype(np.float32)
    points = rng.uniform(-2, 8, (20, 2)).astype(np.float32)
    expected = [plain_bilinear(image, x, y) for x, y in points]
    np.testing.assert_allclose(sample_bilinear(image, points), expected, atol=2e-6)


@settings(max_examples=30)
@given(seeds)
def test_lattices_are_bilinear_values_at_their_points(seed):
    rng = np.random.default_rng(seed)
    image = rng.uniform(size=(rng.integers(1, 60), rng.integers(1, 60))).astype(np.float32)
    to_image = Affine(
        linear(rotation_deg=rng.uniform(-180, 180), scale=rng.uniform(0.2, 3), shear=rng.normal(0, 0.2)),
        rng.uniform(0, 60, 2),
    )
    centres, axis = rng.normal(0, 10, (3, 2)), (np.arange(5) - 2.0) * rng.uniform(0.3, 3)
    found = sample_lattices(image, to_image, centres, axis)
    assert found.shape == (3, 5, 5)
    assert found.dtype == np.float32
    expected = [
        [[plain_bilinear(image, *to_image.apply(centre + np.array([dx, dy]))) for dx in axis] for dy in axis]
        for centre in centres
    ]
    np.testing.assert_allclose(found, expected, atol=5e-5)


def test_lattices_agree_with_a_grid_of_points_on_a_large_image():
    rng = np.random.default_rng(0)
    image = rng.uniform(size=(750, 600)).astype(np.float32)
    to_image = Affine(linear(rotation_deg=7, scale=2.7), np.array([300.0, 400.0]))
    centres = rng.normal(0, 50, (19, 2))
    points = to_image.apply(centres[:, None, None, :] + grid_points(64, 64, 0.4))
    found = sample_lattices(image, to_image, centres, (np.arange(64) - 31.5) * 0.4)
    # 2^-24 of some hundred pixels is the rounding of a coordinate; neighbours differ by up to 1.
    np.testing.assert_allclose(found, sample_bilinear(image, points), atol=2e-4)


def test_grid_points_are_centred():
    grid = grid_points(4, 3, 2.0)
    assert grid.shape == (3, 4, 2)
    assert grid[0, :, 0].tolist() == [-3.0, -1.0, 1.0, 3.0]
    assert grid[:, 0, 1].tolist() == [-2.0, 0.0, 2.0]


def test_resize_by_one_gives_the_image_itself():
    image = ramp(30, 20)
    same, to_old = resize(image, 1.0)
    assert same is image
    np.testing.assert_allclose(to_old.matrix, np.eye(2))
    np.testing.assert_allclose(to_old.offset, 0)


def test_halving_averages_by_a_triangle_about_the_shared_corner():
    # Inside, the triangle over four pixels weighs them 1, 3, 3, 1 of 8; pixel 1 of the half image is at 2.5.
    image = np.zeros((1, 8), dtype=np.float32)
    image[0, 3] = 8.0
    half, to_old = resize(np.repeat(image, 8, axis=0), 0.5)
    np.testing.assert_allclose(half[1], [0, 3, 1, 0], atol=1e-5)
    np.testing.assert_allclose(to_old.apply(np.array([1.0, 0.0])), [2.5, 0.5])


@pytest.mark.parametrize("factor", [0.9, 0.31, 0.1, 0.043, 1.7])
@pytest.mark.parametrize("size", [(387, 480), (641, 401)])
def test_a_bright_dot_is_found_again_where_it_was(factor, size):
    width, height = size
    rng = np.random.default_rng(0)
    for _ in range(5):
        x, y = rng.uniform(0.4, 0.6, 2) * size
        along_x = np.exp(-0.5 * ((np.arange(width) - x) / 30) ** 2)
        along_y = np.exp(-0.5 * ((np.arange(height) - y) / 30) ** 2)
        small, to_old = resize(np.outer(along_y, along_x).astype(np.float32), factor)
        assert small.dtype == np.float32
        rows, columns = np.indices(small.shape)
        centroid = np.array([(columns * small).sum(), (rows * small).sum()]) / small.sum()
        np.testing.assert_allclose(to_old.apply(centroid), [x, y], atol=0.1)


@pytest.mark.parametrize("factor", [0.5, 0.2, 0.07])
def test_a_ramp_stays_one_away_from_the_edges(factor):
    small, to_old = resize(ramp(400, 300), factor)
    rows, columns = np.indices(small.shape)
    at = to_old.apply(np.stack([columns, rows], axis=-1).astype(np.float64))
    expected = 0.25 * at[..., 0] - 0.5 * at[..., 1] + 3
    # Weights sampled from the triangle shift a pixel's centre by up to 0.02 of its width.
    np.testing.assert_allclose(small[3:-3, 3:-3], expected[3:-3, 3:-3], atol=0.02 * 0.75 / factor)


def test_however_small_the_factor_a_pixel_remains():
    small, to_old = resize(ramp(100, 3000), 0.001)
    assert small.shape == (3, 1)
    np.testing.assert_allclose(to_old.apply(np.array([0.0, 0.0])), [49.5, 499.5])
    assert sample_bilinear(small, np.array([[0.0, 1.0]])).tolist() == [small[1, 0]]

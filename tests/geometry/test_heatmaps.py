from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cephsure.geometry import local_centroids, read_maps, softmax_maps


def blob(x, y, *, sigma=1.2, width=40, height=30):
    columns, rows = np.meshgrid(np.arange(width), np.arange(height))
    return np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2)).astype(np.float32)


def test_softmax_by_hand():
    logits = np.log(np.array([[[1.0, 2.0], [3.0, 4.0]]], dtype=np.float32))
    np.testing.assert_allclose(softmax_maps(logits), [[[0.1, 0.2], [0.3, 0.4]]], rtol=1e-6)


def test_softmax_of_each_map_by_itself_however_large_its_logits():
    logits = np.zeros((3, 4, 5), dtype=np.float32)
    logits[1] += 1e4
    logits[2, 1, 2] = 1e4
    before = logits.copy()
    found = softmax_maps(logits)
    assert found.dtype == np.float32
    assert logits.tolist() == before.tolist()
    np.testing.assert_allclose(found[:2], 1 / 20, rtol=1e-6)
    assert found[2, 1, 2] == 1.0


@given(st.floats(6, 33), st.floats(6, 23))
def test_a_gaussians_centroid_is_its_centre_to_a_fraction_of_a_pixel(x, y):
    # A window of 3 pixels about the nearest whole one cuts 1 % of a Gaussian of 1.2: a bias of 0.04 at most.
    assert local_centroids(blob(x, y)[None], 3)[0] == pytest.approx([x, y], abs=0.04)
    assert local_centroids(blob(x, y)[None], 5)[0] == pytest.approx([x, y], abs=2e-3)


def test_a_centroid_by_hand():
    maps = np.zeros((2, 5, 6), dtype=np.float32)
    maps[0, 2, 3], maps[0, 2, 4], maps[0, 1, 3] = 0.5, 0.25, 0.25
    maps[0, 2, 0] = 0.4  # three pixels away: not within a radius of 2
    maps[1, 3, 2] = 1.0
    assert local_centroids(maps, 2).tolist() == [[3.25, 1.75], [2.0, 3.0]]


def test_a_second_mode_far_away_does_not_pull():
    both = blob(10, 10) + 0.9 * blob(30, 20)
    assert local_centroids(both[None], 3)[0] == pytest.approx([10, 10], abs=1e-3)


def test_at_the_edge_the_window_is_cut_on_both_sides():
    maps = np.stack([blob(0, 15), blob(39, 29), blob(1, 1), blob(20.3, 0)])
    found = local_centroids(maps, 3)
    np.testing.assert_allclose(found[:2], [[0, 15], [39, 29]], atol=1e-6)
    np.testing.assert_allclose(found[2], [1, 1], atol=1e-6)
    # Across the edge the window is open.
    np.testing.assert_allclose(found[3], [20.3, 0], atol=0.04)


def test_of_equal_maxima_the_first_in_reading_order_is_taken():
    maps = np.zeros((1, 9, 9), dtype=np.float32)
    maps[0, 1, 7] = maps[0, 7, 1] = 1.0
    assert local_centroids(maps, 1).tolist() == [[7.0, 1.0]]
    assert local_centroids(np.full((1, 9, 9), 0.25, dtype=np.float32), 3).tolist() == [[0.0, 0.0]]


def test_an_empty_map_gives_a_finite_position():
    assert local_centroids(np.zeros((1, 4, 4), dtype=np.float32), 2).tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize("size", [(1, 1), (1, 8), (3, 2)])
def test_a_window_may_be_larger_than_the_map(size):
    maps = np.random.default_rng(0).uniform(size=(5, *size)).astype(np.float32)
    found = local_centroids(maps, 3)
    assert ((found >= 0) & (found <= [size[1] - 1, size[0] - 1])).all()


@pytest.mark.slow
@given(st.integers(0, 2**32 - 1), st.integers(0, 4))
def test_centroids_are_what_their_definition_says(seed, radius):
    rng = np.random.default_rng(seed)
    maps = rng.uniform(size=(3, rng.integers(1, 9), rng.integers(1, 9))).astype(np.float32)
    for heat_map, found in zip(maps, local_centroids(maps, radius), strict=True):
        height, width = heat_map.shape
        row, column = np.unravel_index(heat_map.argmax(), heat_map.shape)
        reach_x, reach_y = (min(radius, at, size - 1 - at) for at, size in ((column, width), (row, height)))
        rows, columns = slice(row - reach_y, row + reach_y + 1), slice(column - reach_x, column + reach_x + 1)
        window, (ys, xs) = heat_map[rows, columns], np.mgrid[rows, columns]
        expected = [(window * xs).sum() / window.sum(), (window * ys).sum() / window.sum()]
        assert found == pytest.approx(expected, abs=1e-5)


def test_readings_by_hand():
    maps = np.zeros((1, 4, 5), dtype=np.float32)
    maps[0, 0, 0], maps[0, 0, 3], maps[0, 3, 4] = 0.5, 0.25, 0.25
    found = read_maps(maps, np.array([[0.0, 0.0]]))
    # Distances 0, 3 and 5; -(0.5 log 0.5 + 2 x 0.25 log 0.25) = 1.5 log 2.
    assert found.expected_errors == pytest.approx([2.0])
    assert found.entropies == pytest.approx([1.5 * np.log(2)], rel=1e-5)
    assert found.activations.tolist() == [0.5]
    assert found.positions.tolist() == [[0.0, 0.0]]


def test_readings_of_a_uniform_and_of_a_certain_map():
    maps = np.stack([np.full((6, 7), 1 / 42), np.zeros((6, 7))]).astype(np.float32)
    maps[1, 2, 3] = 1.0
    centre = np.array([[3.0, 2.5], [3.5, 2.0]])
    found = read_maps(maps, centre)
    rows, columns = np.indices((6, 7))
    assert found.entropies == pytest.approx([np.log(42), 0.0], abs=1e-5)
    assert found.expected_errors == pytest.approx([np.hypot(columns - 3, rows - 2.5).mean(), 0.5], rel=1e-5)
    assert found.activations == pytest.approx([1 / 42, 1.0])


def test_activations_may_be_those_of_other_maps():
    maps = np.full((2, 3, 3), 1 / 9, dtype=np.float32)
    found = read_maps(maps, np.ones((2, 2)), np.array([7.0, -1.0], dtype=np.float32))
    assert found.activations.tolist() == [7.0, -1.0]


def test_every_reading_is_float64():
    found = read_maps(softmax_maps(np.zeros((2, 3, 3), dtype=np.float32)), np.ones((2, 2)))
    for values in (found.positions, found.activations, found.expected_errors, found.entropies):
        assert values.dtype == np.float64

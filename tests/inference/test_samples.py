from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cephsure.inference import Samples
from cephsure.inference.samples import HeatMaps, SampleMaps, blurred, laid_together, mixture


def test_samples_are_what_they_are_given_and_stay_so():
    values = np.zeros((3, 4))
    samples = Samples(np.zeros((3, 4, 2)), values, values, values)
    assert samples.coarse_positions_px is None
    with pytest.raises(dataclasses.FrozenInstanceError):
        samples.activations = values


def gaussians(centres, *, side=32, sigma=2.0):
    """(N, S, S) maps of Gaussians at (column, row), each summing to one."""
    axis = np.arange(side)
    x, y = axis - centres[:, :1], axis - centres[:, 1:]
    images = np.exp(-0.5 * (x[:, None, :] ** 2 + y[:, :, None] ** 2) / sigma**2)
    return (images / images.sum(axis=(1, 2), keepdims=True)).astype(np.float32)


def moments(maps, landmark=0):
    """Mean (2,) and covariance (2, 2) of a map's mass, in px of the film."""
    image = maps.probabilities[landmark].astype(np.float64)
    rows, columns = np.indices(image.shape)
    places = maps.origins_px[landmark] + np.stack([columns, rows], axis=-1) @ maps.cell_px.T
    mean = (image[..., None] * places).sum(axis=(0, 1)) / image.sum()
    away = places - mean
    return mean, np.einsum("hw,hwi,hwj->ij", image, away, away) / image.sum()


def turned(degrees, size):
    angle = np.deg2rad(degrees)
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * size


def test_cells_hold_their_positions():
    turn = np.array([[2.0, -1.0], [1.0, 2.0]])
    maps = HeatMaps(np.zeros((2, 3, 4), dtype=np.float32), np.array([[10.0, 20.0], [0.0, 0.0]]), turn)
    places = maps.origins_px + np.array([(3.4, -0.4), (-0.4, 2.4)]) @ turn.T
    assert maps.cells(places).tolist() == [[3, 0], [0, 2]]
    off = maps.origins_px + np.array([(3.6, 0.0), (0.0, -0.6)]) @ turn.T
    assert maps.cells(off).tolist() == [[-1, -1], [-1, -1]]
    assert maps.cells(np.full((2, 2), np.nan)).tolist() == [[-1, -1], [-1, -1]]


@given(st.floats(-50, 50), st.floats(-50, 50))
def test_a_mirrored_map_holds_mirrored_positions_in_the_same_cells(x, y):
    turn = np.array([[2.0, -1.0], [1.0, 2.0]])
    maps = HeatMaps(np.zeros((1, 9, 9), dtype=np.float32), np.array([[10.0, 5.0]]), turn)
    place = np.array([[x, y]])
    assert (maps.mirrored(100).cells(place * (-1, 1) + (99, 0)) == maps.cells(place)).all()


@given(st.floats(-50, 50), st.floats(-50, 50))
def test_a_scaled_map_holds_scaled_positions_in_the_same_cells(x, y):
    maps = HeatMaps(
        np.zeros((1, 9, 9), dtype=np.float32), np.array([[10.0, 5.0]]), np.array([[2.0, -1.0], [1.0, 2.0]])
    )
    scale, place = np.array([0.5, 0.125]), np.array([[x, y]])
    assert (maps.scaled(scale).cells(place * scale) == maps.cells(place)).all()


def test_the_middle_of_a_map_is_where_its_middle_cell_is():
    maps = HeatMaps(np.zeros((1, 3, 5), dtype=np.float32), np.array([[10.0, 20.0]]), turned(30, 2.0))
    assert maps.middles_px == pytest.approx(maps.origins_px + maps.cell_px @ [2.0, 1.0])
    assert (maps.cells(maps.middles_px) == (2, 1)).all()


def test_annotators_maps_are_moved_and_added_by_shares():
    """One mark by the first annotator a quarter, by the second three quarters: maps laid at one point."""
    images = gaussians(np.full((2, 2), 15.5)), gaussians(np.full((2, 2), 15.5), sigma=3.0)
    cell, marks = turned(20, 2.0), np.array([[[50.0, 60.0], [9.0, 8.0]], [[80.0, 70.0], [5.0, 0.0]]])
    maps = [
        HeatMaps(image, mark - cell @ np.full(2, 15.5), cell)
        for image, mark in zip(images, marks, strict=True)
    ]
    point = np.array([[100.0, 55.0], [0.0, 0.0]])
    together = laid_together(maps, np.array([[0.25, 1.0], [0.75, 0.0]]), point - marks)
    assert together.middles_px == pytest.approx(point)
    (mean, covariance), (other, alone) = moments(together), moments(together, 1)
    assert mean == pytest.approx(point[0], abs=1e-4)
    assert other == pytest.approx(point[1], abs=1e-4)
    # Variances add by shares where the means are one; a cell is 2 px.
    assert covariance == pytest.approx((0.25 * 4 + 0.75 * 9) * 4 * np.eye(2), abs=0.05)
    assert alone == pytest.approx(16 * np.eye(2), abs=0.05)


@given(st.floats(0, 40), st.floats(0, 40), st.floats(-0.9, 0.9), st.floats(-90, 90))
@settings(max_examples=30)
def test_blurring_adds_the_covariance_and_keeps_mass_and_middle(x, y, correlation, degrees):
    cell = turned(degrees, 1.5)
    maps = HeatMaps(gaussians(np.full((1, 2), 15.5)), np.array([[100.0, 50.0]]), cell)
    added = np.array([[x, correlation * np.sqrt(x * y)], [correlation * np.sqrt(x * y), y]])
    wider = blurred(maps, added[None])
    (mean, before), (after_mean, after) = moments(maps), moments(wider)
    assert wider.probabilities.sum() == pytest.approx(1.0, abs=2e-3)
    assert wider.probabilities.min() >= 0.0
    assert after_mean == pytest.approx(mean, abs=0.02)
    # Beyond three standard deviations there is no grid: a little is lost.
    assert after - before == pytest.approx(added, abs=0.03 * (x + y) + 0.01)
    assert wider.cell_px is maps.cell_px


def test_each_map_is_blurred_by_its_own_and_far_more_than_a_map_fits_half_a_map_is_added():
    maps = HeatMaps(gaussians(np.full((2, 2), 15.5)), np.zeros((2, 2)), np.eye(2))
    wider = blurred(maps, np.stack([np.zeros((2, 2)), 25 * np.eye(2)]))
    assert moments(wider)[1] == pytest.approx(moments(maps)[1], abs=1e-3)
    assert moments(wider, 1)[1] == pytest.approx(moments(maps, 1)[1] + 25 * np.eye(2), abs=0.1)
    flat = blurred(maps, np.tile(1e6 * np.eye(2), (2, 1, 1)))
    assert flat.probabilities.shape[1] == 64
    assert flat.probabilities[0] == pytest.approx(np.full((64, 64), flat.probabilities[0].mean()), rel=0.01)


@pytest.mark.parametrize("finer", [1, 2, 3])
def test_a_mixture_lies_where_its_samples_do(finer):
    """Two samples' maps, apart by broken numbers of cells and by a little turn."""
    points = np.array([[100.0, 200.0], [300.0, 50.0]])
    maps = gaussians(np.full((2, 2), 15.5))
    drawn = [
        SampleMaps(maps, points + shift, turned(20 + degrees, 2.0))
        for shift, degrees in (((1.3, -2.6), 1.0), ((-4.1, 0.9), -1.0))
    ]
    mixed = mixture(drawn, points_px=points, finer=finer)
    assert mixed.probabilities.sum(axis=(1, 2)) == pytest.approx([1.0, 1.0], abs=1e-3)
    assert np.sqrt(np.linalg.det(mixed.cell_px)) == pytest.approx(2.0 / finer, rel=1e-3)
    assert mixed.middles_px == pytest.approx(points)
    for landmark in range(2):
        mean, covariance = moments(mixed, landmark)
        assert mean == pytest.approx(points[landmark] + (-1.4, -0.85), abs=0.02)
        # Of each 16 px^2, and of the shift between the two; finer cells and broken ones blur a little.
        apart = np.array([2.7, -1.75])
        assert covariance == pytest.approx(16 * np.eye(2) + np.outer(apart, apart), abs=2.0)


def test_what_falls_off_the_map_is_missing():
    maps = gaussians(np.full((1, 2), 15.5))
    points = np.array([[0.0, 0.0]])
    far = SampleMaps(maps, points + 1000.0, np.eye(2))
    near = SampleMaps(maps, points, np.eye(2))
    mixed = mixture([far, near], points_px=points, side=80)
    assert mixed.probabilities.sum() == pytest.approx(0.5, abs=1e-4)


def test_mean_distances_of_an_empty_map_are_infinite():
    images = np.zeros((2, 1, 3), dtype=np.float32)
    images[0, 0] = (0.5, 0.0, 0.25)
    maps = HeatMaps(images, np.zeros((2, 2)), np.diag([2.0, 1.0]))
    assert maps.mean_distances(np.zeros((2, 2))).tolist() == [pytest.approx(4 / 3), np.inf]

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cephsure.inference import Samples
from cephsure.inference.samples import HeatMaps, SampleMaps, mean_of_marks, mixture


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


def moments(image):
    rows, columns = np.indices(image.shape)
    mean = np.array([(image * columns).sum(), (image * rows).sum()]) / image.sum()
    variance = (image * (columns - mean[0]) ** 2).sum() / image.sum()
    return mean, variance


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


def test_the_mean_of_two_marks_by_hand():
    maps = np.zeros((2, 1, 3, 3), dtype=np.float32)
    maps[0, 0, 1, 0] = 1.0  # one annotator surely at column 0, row 1
    maps[1, 0, 1, 2], maps[1, 0, 2, 2] = 0.75, 0.25
    mixed = mean_of_marks(maps)
    assert mixed.shape == (1, 5, 5)
    # The mean is at column 1 and row 1 or 1.5: on the finer grid column 2 and row 2 or 3.
    assert mixed[0, 2, 2] == pytest.approx(0.75, abs=1e-6)
    assert mixed[0, 3, 2] == pytest.approx(0.25, abs=1e-6)
    assert mixed.sum() == pytest.approx(1.0)


def test_the_mean_of_two_marks_has_their_mean_and_half_their_variance():
    centres = np.array([[12.0, 15.0], [18.5, 14.0]])
    mixed = mean_of_marks(gaussians(centres)[:, None])[0]
    mean, variance = moments(mixed)
    assert mean / 2 == pytest.approx(centres.mean(axis=0), abs=1e-3)
    assert variance / 4 == pytest.approx((4.0 + 4.0) / 4, rel=1e-3)


def test_one_annotators_map_stays():
    maps = gaussians(np.array([[10.0, 12.0]]))
    assert mean_of_marks(maps[None]) is not None
    assert (mean_of_marks(maps[None]) == maps).all()


def test_a_mixture_lies_where_its_samples_do():
    """Two samples' maps, apart by broken numbers of cells and by a little turn."""
    points = np.array([[100.0, 200.0], [300.0, 50.0]])
    maps = gaussians(np.full((2, 2), 15.5))
    drawn = []
    for shift, degrees in (((1.3, -2.6), 1.0), ((-4.1, 0.9), -1.0)):
        angle = np.deg2rad(20 + degrees)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * 2.0
        drawn.append(SampleMaps(maps, points + shift, turn))
    mixed = mixture(drawn, points_px=points, side=42)
    assert mixed.probabilities.sum(axis=(1, 2)) == pytest.approx([1.0, 1.0], abs=1e-4)
    for landmark in range(2):
        mean, _ = moments(mixed.probabilities[landmark])
        place = mixed.origins_px[landmark] + mixed.cell_px @ mean
        assert place == pytest.approx(points[landmark] + (-1.4, -0.85), abs=0.02)


def test_what_falls_off_the_map_is_missing():
    maps = gaussians(np.full((1, 2), 15.5))
    points = np.array([[0.0, 0.0]])
    far = SampleMaps(maps, points + 1000.0, np.eye(2))
    near = SampleMaps(maps, points, np.eye(2))
    assert mixture([far, near], points_px=points, side=40).probabilities.sum() == pytest.approx(0.5, abs=1e-4)

from __future__ import annotations

import numpy as np
import pytest

from cephsure.geometry import Affine, linear
from cephsure.preprocessing import working_film
from cephsure.recipes.paper.squeezed import blur_maps, maximum_positions, squeezed_view


def test_the_view_reaches_to_the_films_edges():
    # 200 x 100 px on 20 x 20: steps of 10 and 5 px; the first cell's centre is 4.5 and 2 px from the corner.
    _, to_film = squeezed_view(working_film(np.zeros((100, 200), np.float32), 20), 20)
    assert to_film.apply(np.array([[0.0, 0.0], [19.0, 19.0]])).tolist() == [[4.5, 2.0], [194.5, 97.0]]


def test_grey_values_are_in_minus_one_to_one():
    film = np.zeros((60, 80), np.float32)
    film[:, 40:] = 1.0
    view, _ = squeezed_view(working_film(film, 16), 16)
    assert view.shape == (16, 16)
    assert np.allclose(view[:, :7], -1)
    assert np.allclose(view[:, 9:], 1)


def test_a_blob_lies_where_the_map_says():
    y, x = np.mgrid[:300, :240]
    point = np.array([150.0, 90.0])
    film = np.exp(-((x - point[0]) ** 2 + (y - point[1]) ** 2) / (2 * 15.0**2)).astype(np.float32)
    view, to_film = squeezed_view(working_film(film, 64), 64)
    weights = view.astype(np.float64) + 1
    rows, columns = np.mgrid[:64, :64]
    centroid = np.array([(weights * columns).sum(), (weights * rows).sum()]) / weights.sum()
    assert to_film.apply(centroid) == pytest.approx(point, abs=0.5)


def test_a_moved_view_still_knows_where_on_the_film_it_looks():
    y, x = np.mgrid[:300, :240]
    point = np.array([150.0, 90.0])
    film = np.exp(-((x - point[0]) ** 2 + (y - point[1]) ** 2) / (2 * 15.0**2)).astype(np.float32)
    move = Affine(linear(rotation_deg=10.0), np.array([20.0, -15.0]))
    view, to_film = squeezed_view(working_film(film, 64), 64, move=move)
    plain, _ = squeezed_view(working_film(film, 64), 64)
    weights = view.astype(np.float64) + 1
    rows, columns = np.mgrid[:64, :64]
    centroid = np.array([(weights * columns).sum(), (weights * rows).sum()]) / weights.sum()
    assert to_film.apply(centroid) == pytest.approx(point, abs=0.5)
    assert np.abs(view - plain).max() > 0.5


def test_maxima_are_whole_pixels_column_first():
    maps = np.zeros((2, 5, 7), np.float32)
    maps[0, 4, 1] = 2.0
    maps[1, 0, 6] = 3.0
    positions, values = maximum_positions(maps)
    assert positions.tolist() == [[1.0, 4.0], [6.0, 0.0]]
    assert values.tolist() == [2.0, 3.0]


def test_blur_is_a_unit_gaussian_for_each_map():
    maps = np.zeros((2, 41, 41), np.float32)
    maps[0, 20, 20] = 1000.0
    blurred = blur_maps(maps, 5.0)
    # The height of a unit Gaussian: 1 / (2 pi sigma^2), as the targets have it.
    assert blurred[0, 20, 20] == pytest.approx(1000 / (2 * np.pi * 25), rel=2e-3)
    assert not blurred[1].any()

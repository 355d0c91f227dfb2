from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cephsure.geometry import Affine, Warp
from cephsure.preprocessing import thumbnail, whole_view, whole_warp, working_film


def blob(width, height, point, sigma):
    y, x = np.mgrid[:height, :width]
    return np.exp(-((x - point[0]) ** 2 + (y - point[1]) ** 2) / (2 * sigma**2)).astype(np.float32)


def centroid(image):
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    weights = image.astype(np.float64)
    return np.array([(weights * columns).sum(), (weights * rows).sum()]) / weights.sum()


def test_the_working_film_is_somewhat_finer_than_the_grid():
    film = working_film(np.zeros((480, 384), np.float32), 64)
    assert film.film_size_px == (384, 480)
    assert film.image.shape == (96, 77)


def test_the_plain_view_centres_the_film_and_keeps_its_proportions():
    # 100 x 200 px on 20 x 20: 10 px a cell; the film is 10 cells wide, with 5 cells free on each side.
    warp = whole_warp(working_film(np.zeros((200, 100), np.float32), 20), 20)
    assert warp.source(np.array([[4.5, -0.5], [14.5, 19.5]])).tolist() == [[-0.5, -0.5], [99.5, 199.5]]


def test_outside_the_film_is_its_mean_or_the_fill():
    film = working_film(np.full((40, 20), 0.25, np.float32), 20)
    warp = whole_warp(film, 20)
    assert np.allclose(whole_view(film, warp, 20), 0.25)
    filled = whole_view(film, warp, 20, fill=0.75)
    assert np.allclose(filled[:, :5], 0.75)
    assert np.allclose(filled[:, 5:15], 0.25)
    assert np.allclose(filled[:, 15:], 0.75)


@settings(max_examples=30, deadline=None)
@given(
    width=st.integers(150, 400),
    height=st.integers(150, 400),
    x=st.floats(0.25, 0.75),
    y=st.floats(0.25, 0.75),
    angle=st.floats(-0.4, 0.4),
)
def test_image_and_points_go_through_one_map(width, height, x, y, angle):
    side, point = 48, np.array([x * width, y * height])
    film = working_film(blob(width, height, point, 0.05 * max(width, height)), side)
    plain = whole_warp(film, side)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    warp = Warp(plain.affine.after(Affine.about(np.full(2, (side - 1) / 2), turn)))
    found = centroid(whole_view(film, warp, side, fill=0.0))
    assert found == pytest.approx(warp.output(point), abs=0.25)


def test_the_thumbnail_is_the_mean_of_two_by_two():
    film = working_film(np.random.default_rng(0).uniform(size=(64, 64)).astype(np.float32), 16)
    warp = whole_warp(film, 16)
    view = whole_view(film, warp, 16)
    small = thumbnail(film, warp, 8)
    assert small.shape == (8, 8)
    assert small[2, 5] == pytest.approx(view[4:6, 10:12].mean(), abs=1e-6)

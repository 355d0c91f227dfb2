from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cephsure.films import Film, Spacing, SpacingSource
from cephsure.geometry import Affine, Warp
from cephsure.preprocessing import (
    orient,
    square_film,
    standardise,
    stretch_grey,
    thumbnail,
    whole_view,
    whole_warp,
    working_film,
)


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


IMAGE = np.array([[0.0, 0.25], [0.5, 1.0]], np.float32)


def ramp(low, high):
    return np.linspace(low, high, 80 * 96, dtype=np.float32).reshape(80, 96)


def test_the_percentiles_come_to_lie_at_0_and_1():
    # On every eighth pixel of every eighth row, as its description says.
    pixels = np.random.default_rng(0).uniform(0.2, 0.6, (160, 240)).astype(np.float32)
    stretched = stretch_grey(pixels)
    low, high = np.percentile(stretched[::8, ::8], (0.5, 99.5))
    assert low == pytest.approx(0.0, abs=2e-3)
    assert high == pytest.approx(1.0, abs=2e-3)
    assert (stretched.min(), stretched.max()) == (0.0, 1.0)


@settings(deadline=None)
@given(
    gain=st.floats(0.05, 50, allow_nan=False),
    lift=st.floats(-5, 5, allow_nan=False),
)
def test_gain_and_lift_of_a_scanner_do_not_matter(gain, lift):
    pixels = ramp(0, 1)
    assert np.allclose(
        stretch_grey((gain * pixels + lift).astype(np.float32)), stretch_grey(pixels), atol=2e-3
    )


def test_the_film_itself_is_left_as_it_is():
    pixels = ramp(0.3, 0.9)
    before = pixels.copy()
    stretch_grey(pixels)
    assert np.array_equal(pixels, before)


def test_a_negative_stretches_to_the_negative():
    pixels = ramp(0.1, 0.7)
    assert np.allclose(stretch_grey(1 - pixels), 1 - stretch_grey(pixels), atol=1e-5)


def test_a_film_of_one_grey_gives_no_nan():
    assert np.isfinite(stretch_grey(np.full((32, 32), 0.4, np.float32))).all()
    assert np.abs(standardise(np.full((2, 8, 8), 0.4, np.float32))).max() < 1e-4


def test_standardise_works_on_each_image_alone():
    images = np.stack([ramp(0, 1), ramp(5, 9)])
    done = standardise(images)
    assert np.allclose(done.mean(axis=(1, 2)), 0, atol=1e-4)
    # A ramp's standard deviation is its range over the root of 12; 0.01 is added to it.
    spread = np.array([1, 4]) / np.sqrt(12)
    assert np.allclose(done.std(axis=(1, 2)), spread / (spread + 0.01), atol=1e-3)
    assert np.array_equal(done[0], standardise(images[0]))


@pytest.mark.parametrize(
    ("left", "negative", "expected"),
    [
        (False, False, [[0.0, 0.25], [0.5, 1.0]]),
        (True, False, [[0.25, 0.0], [1.0, 0.5]]),
        (False, True, [[1.0, 0.75], [0.5, 0.0]]),
        (True, True, [[0.75, 1.0], [0.0, 0.5]]),
    ],
)
def test_the_four_orientations(left, negative, expected):
    assert orient(IMAGE, left=left, negative=negative).tolist() == expected


@pytest.mark.parametrize(("left", "negative"), list(itertools.product([False, True], repeat=2)))
def test_each_is_its_own_inverse(left, negative):
    there = orient(IMAGE[None], left=left, negative=negative)
    assert np.array_equal(orient(there, left=left, negative=negative), IMAGE[None])


def stretched_blob(  # noqa: PLR0917 - a size, a place, a spread
    width: int, height: int, x: float, y: float, x_sigma: float, y_sigma: float
) -> np.ndarray:
    rows, columns = np.mgrid[0:height, 0:width]
    squares = ((columns - x) / x_sigma) ** 2 + ((rows - y) / y_sigma) ** 2
    return np.exp(-squares / 2).astype(np.float32)


def centre_of(pixels: np.ndarray) -> np.ndarray:
    rows, columns = np.mgrid[0 : pixels.shape[0], 0 : pixels.shape[1]]
    return np.array([(columns * pixels).sum(), (rows * pixels).sum()]) / pixels.sum()


def test_a_film_with_square_pixels_or_without_a_scale_is_itself() -> None:
    pixels = stretched_blob(120, 100, 50, 40, 8, 8)
    for spacing in (None, Spacing(0.2, 0.2, SpacingSource.USER), Spacing(0.2, 0.2005, SpacingSource.USER)):
        film = Film(pixels, spacing)
        square = square_film(film)
        assert square.film is film
        assert square.to_given is None


@pytest.mark.parametrize("aspect", [0.125, 0.4, 0.8, 1.25, 2.0, 3.0, 8.0])
@pytest.mark.parametrize("is_known", [True, False])
def test_what_is_round_in_mm_is_round_in_px_and_leads_back(aspect: float, is_known: bool) -> None:
    # A round blob on a film whose pixels are ``aspect`` times as high as wide.
    sigma, wide, high = 12.0, max(aspect, 1.0), max(1 / aspect, 1.0)
    x, y = 60.3 * wide, 50.7 * high
    pixels = stretched_blob(round(130 * wide), round(110 * high), x, y, sigma * wide, sigma * high)
    spacing = Spacing(0.1 / wide, 0.1 / high, SpacingSource.USER) if is_known else None
    square = square_film(Film(pixels, spacing, stated_aspect=wide / high))
    assert square.to_given is not None
    seen = square.film.pixels
    assert seen.dtype == np.float32
    np.testing.assert_allclose(square.to_given.apply(centre_of(seen)), (x, y), atol=0.05)
    rows, columns = np.mgrid[0 : seen.shape[0], 0 : seen.shape[1]]
    away = centre_of(seen)
    spread = [((axis - mid) ** 2 * seen).sum() for axis, mid in ((columns, away[0]), (rows, away[1]))]
    assert spread[0] / spread[1] == pytest.approx(1.0, abs=0.05)
    assert square.film.pixel_aspect == pytest.approx(1.0, abs=0.01)
    assert (square.film.spacing is not None) is is_known
    assert seen.size <= 4.1 * pixels.size

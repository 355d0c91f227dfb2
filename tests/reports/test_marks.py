from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cephsure.reports.marks import marks_of, paint_marks, spread_half_axes, to_picture
from cephsure.reports.painter import Painter

CROSS = np.array([[3.0, 0], [-3, 0], [0, 1], [0, -1]])


def lengths(half_axes):
    return np.hypot(half_axes[:, 0], half_axes[:, 1])


def test_half_axes_by_hand():
    half_axes = spread_half_axes(CROSS + np.array([10, 20]))
    # Variances 18/3 and 2/3; two standard deviations.
    np.testing.assert_allclose(lengths(half_axes), [2 * np.sqrt(6), 2 * np.sqrt(2 / 3)])
    np.testing.assert_allclose(np.abs(half_axes), np.diag(lengths(half_axes)), atol=1e-12)


@given(st.floats(-4, 4))
def test_half_axes_turn_with_the_samples(angle):
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    plain, turned = spread_half_axes(CROSS), spread_half_axes(CROSS @ turn)
    np.testing.assert_allclose(lengths(turned), lengths(plain), rtol=1e-9)
    # An axis has no direction along itself: compare up to sign.
    np.testing.assert_allclose(np.abs((plain @ turn * turned).sum(axis=1)), lengths(plain) ** 2, rtol=1e-6)


def test_two_standard_deviations_hold_what_a_normal_says():
    rng = np.random.default_rng(0)
    samples = rng.normal(size=(20000, 2)) * [5, 2]
    places = samples @ np.linalg.inv(spread_half_axes(samples))
    # In the plane, two standard deviations hold 1 - exp(-2) of a normal.
    assert ((places**2).sum(axis=1) < 1).mean() == pytest.approx(1 - np.exp(-2), abs=0.01)


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_samples_have_no_spread(count):
    np.testing.assert_array_equal(spread_half_axes(CROSS[:count]), np.zeros((2, 2)))


def test_pixel_centres_stay_pixel_centres():
    # Twice as large, the first pixel's centre lies between the first two pixels.
    np.testing.assert_allclose(
        to_picture(np.array([[0.0, 0.0], [9.0, 4.0]]), zoom=(2, 2)), [[0.5, 0.5], [18.5, 8.5]]
    )
    np.testing.assert_allclose(to_picture(np.array([[3.25, 7.5]]), zoom=(1, 1)), [[3.25, 7.5]])


def test_a_mark_is_where_its_landmark_is(make_prediction):
    prediction = make_prediction([(100.0, 50.0)], [6.0])
    (mark,) = marks_of(prediction, zoom=(0.5, 0.5), smallest_radius=1.0)
    np.testing.assert_allclose(mark.point, [49.75, 24.75])
    np.testing.assert_allclose(mark.samples, [[52.75, 24.75], [46.75, 24.75], [49.75, 27.75], [49.75, 21.75]])
    # Variance 2 * 36 / 3 along each axis, two standard deviations, half the size.
    np.testing.assert_allclose(lengths(mark.half_axes), np.sqrt(24) * 2 * 0.5)
    assert mark.value == pytest.approx(6 * 0.2)
    assert (mark.code, mark.number) == ("P1", 1)


def test_no_region_is_drawn_too_small_to_see(make_prediction):
    still, line = make_prediction([(10, 10)], [0.0]), make_prediction([(10, 10)], [30.0], samples=2)
    (mark,) = marks_of(still, zoom=(1, 1), smallest_radius=7.0)
    np.testing.assert_allclose(lengths(mark.half_axes), [7, 7])
    (mark,) = marks_of(line, zoom=(1, 1), smallest_radius=7.0)
    np.testing.assert_allclose(lengths(mark.half_axes), [2 * 30 * np.sqrt(2), 7])
    assert abs(np.linalg.det(mark.half_axes)) == pytest.approx(np.prod(lengths(mark.half_axes)))


def test_one_sample_has_the_circle_of_its_expected_error(make_prediction):
    prediction = make_prediction([(100, 50)], [6.0], kind="baseline", samples=1)
    (mark,) = marks_of(prediction, zoom=(0.5, 0.5), smallest_radius=1.0)
    np.testing.assert_allclose(lengths(mark.half_axes), [6, 6])  # twice 6 px, half the size
    assert mark.samples.shape == (0, 2)


def test_points_to_review_are_hollow_diamonds_and_accepted_ones_are_dots(make_prediction):
    prediction = make_prediction([(100.0, 100.0), (300.0, 100.0)], [5.0, 5.0])
    said = [
        mark.model_copy(update={"verdict": verdict})
        for mark, verdict in zip(prediction.landmarks, ("accept", "review"), strict=True)
    ]
    marks = marks_of(
        prediction.model_copy(update={"landmarks": tuple(said)}), zoom=(1.0, 1.0), smallest_radius=40.0
    )
    assert [mark.doubtful for mark in marks] == [False, True]
    picture = Image.new("RGB", (400, 200), (90, 90, 90))
    before = picture.getpixel((300, 100))
    paint_marks(Painter(picture), marks, unit=4.0)
    colour = marks[0].colour
    dot, middle, corner = (picture.getpixel(place) for place in ((100, 100), (300, 100), (317, 100)))
    assert dot == colour
    assert middle != colour
    assert middle != before
    assert np.abs(np.subtract(corner, colour)).max() < 30

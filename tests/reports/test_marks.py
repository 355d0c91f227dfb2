from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cephsure.reports.colours import UNSCALED, scale_for
from cephsure.reports.marks import marks_of, paint_marks, region_outlines, spread_half_axes, to_picture
from cephsure.reports.overlay import draw_overlay
from cephsure.reports.painter import Painter
from cephsure.reports.symbols import COLOURS
from cephsure.uncertainty.prediction import Region

SQUARE = ((100.0, 100.0), (140.0, 100.0), (140.0, 140.0), (100.0, 140.0))
SHAPES = {
    "hdr": Region(level=0.9, kind="hdr", outlines_px=(SQUARE,), area_mm2=64.0),
    "ellipse": Region(
        level=0.9, kind="ellipse", centre_px=(120, 110), half_axes_px=((30, 0), (0, 20)), area_mm2=75.4
    ),
    "whole": Region(level=0.9, kind="disc", whole_film=True),
}


def with_region(prediction, region):
    marks = [
        mark.model_copy(update={"region": region, "expected_error_mm": 1.5}) for mark in prediction.landmarks
    ]
    return prediction.model_copy(update={"landmarks": tuple(marks)})


def test_outlines_of_each_kind():
    assert region_outlines(SHAPES["hdr"])[0].tolist() == [list(corner) for corner in SQUARE]
    (ellipse,) = region_outlines(SHAPES["ellipse"])
    assert ellipse.min(axis=0) == pytest.approx([90.0, 90.0])
    assert ellipse.max(axis=0) == pytest.approx([150.0, 130.0])
    assert region_outlines(SHAPES["whole"]) == ()
    assert region_outlines(None) == ()


def test_marks_take_the_region_in_place_of_the_spread(make_prediction):
    prediction = with_region(make_prediction([(115.0, 110.0)], [5.0]), SHAPES["hdr"])
    (mark,) = marks_of(prediction, zoom=(2.0, 2.0), smallest_radius=1.0)
    assert mark.outlines[0][0] == pytest.approx([200.5, 200.5])
    # From the point to the box's far sides, longer side first, twice as large on the picture.
    assert np.abs(mark.half_axes) == pytest.approx(np.array([[0.0, 60.0], [50.0, 0.0]]))
    assert mark.colour == scale_for(prediction).colour(1.5)


def test_all_of_the_film_has_no_outline(make_prediction):
    prediction = with_region(make_prediction([(115.0, 110.0)], [5.0]), SHAPES["whole"])
    (mark,) = marks_of(prediction, zoom=(1.0, 1.0), smallest_radius=4.0)
    assert (mark.outlines, mark.shape) == ((), "square")
    assert mark.radius == pytest.approx(4.0)
    picture = Image.new("RGB", (400, 200))
    paint_marks(Painter(picture), [replace(mark, half_axes=20 * np.eye(2))], unit=1.0)
    for corner in ((95, 90), (135, 90), (95, 130), (135, 130)):
        assert np.ptp(picture.getpixel(corner)) > 100


def test_the_overlay_is_coloured_inside_the_region_and_along_its_edge(make_prediction, film_pixels, of_film):
    plain = make_prediction([(300.0, 400.0)], [1.0])
    colours = {}
    for name in ("hdr", "whole"):
        prediction = with_region(plain, SHAPES[name])
        colours[name] = of_film(draw_overlay(film_pixels, prediction), prediction)
    changed = np.abs(colours["hdr"] - colours["whole"]).sum(axis=2) > 0
    # The label beside the point may have moved as well.
    columns = np.flatnonzero(changed[:200, :200].any(axis=0))
    assert (columns.min(), columns.max()) == (pytest.approx(99, abs=2), pytest.approx(141, abs=2))
    assert changed[120, 120]
    edge, inside = colours["hdr"][100, 120], colours["hdr"][120, 120]
    assert np.ptp(edge) > np.ptp(inside)


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
    assert mark.colour == scale_for(prediction).colour(6 * 0.2)
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


def test_one_sample_and_an_unfit_film_have_no_colour(make_prediction, judged):
    single = make_prediction([(100, 50)], [6.0], kind="baseline", samples=1)
    unfit = judged(make_prediction([(100, 50)], [6.0]), "unfit", ["review"])
    for prediction, standing in ((single, "unjudged"), (unfit, "unfit")):
        (mark,) = marks_of(prediction, zoom=(1, 1), smallest_radius=1.0)
        assert (mark.colour, mark.shape, mark.standing) == (UNSCALED, "ellipse", standing)


def test_points_to_review_are_hollow_diamonds_and_accepted_ones_are_dots(make_prediction, judged):
    prediction = judged(
        make_prediction([(100.0, 100.0), (300.0, 100.0)], [5.0, 5.0]), "fit", ["accept", "review"]
    )
    marks = marks_of(prediction, zoom=(1.0, 1.0), smallest_radius=40.0)
    assert [mark.standing for mark in marks] == ["accept", "review"]
    picture = Image.new("RGB", (400, 200), (90, 90, 90))
    paint_marks(Painter(picture), marks, unit=4.0)
    dot, middle, corner = (picture.getpixel(place) for place in ((100, 100), (300, 100), (318, 100)))
    assert dot == COLOURS["accept"]
    assert max(middle) < 90
    assert np.abs(np.subtract(corner, COLOURS["review"])).max() < 30


def test_a_point_of_which_more_must_be_said_is_marked(make_prediction):
    prediction = make_prediction([(100, 50)], [6.0])
    noted = prediction.landmarks[0].model_copy(update={"note": "outside its own 90 % region"})
    said = prediction.model_copy(update={"landmarks": (noted,)})
    assert [marks_of(each, zoom=(1, 1), smallest_radius=1.0)[0].noted for each in (prediction, said)] == [
        False,
        True,
    ]

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cephsure.reports.marks import (
    ColourScale,
    coloured_value,
    marks_of,
    paint_marks,
    region_outlines,
    scale_for,
    spread_half_axes,
    to_picture,
)
from cephsure.reports.overlay import draw_overlay
from cephsure.reports.painter import Painter
from cephsure.uncertainty.prediction import Region

SCALE = ColourScale("spread", "mm", 3.0, (0.0, 1.0, 2.0, 3.0))

# Machado, Oliveira & Fernandes 2009, severity 1.0, on linear RGB.
EYES = {
    "all cones": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
XYZ_OF_RGB = np.array(
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
) / np.array([[0.9505], [1.0], [1.089]])


def lab(colour, eye):
    """CIE L*a*b* (D65) of an sRGB colour as an eye sees it."""
    value = np.array(colour) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    xyz = XYZ_OF_RGB @ np.clip(np.asarray(eye) @ linear, 0, 1)
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("eye", EYES.values(), ids=EYES.keys())
def test_quarters_of_the_scale_are_told_apart_by_every_eye(eye):
    seen = [lab(SCALE.colour(value), eye) for value in (0, 0.75, 1.5, 2.25, 3)]
    # A difference of 2.3 is just noticed; small marks on a grey film need several times that.
    assert min(np.linalg.norm(a - b) for a, b in combinations(seen, 2)) > 12


def test_every_colour_is_bright_enough_for_a_dark_film():
    assert min(lab(SCALE.colour(value), np.eye(3))[0] for value in np.linspace(0, 3, 61)) > 50


def test_sure_is_blue_and_doubtful_is_red():
    red, _, blue = SCALE.colour(0.0)
    assert blue > 200 > red
    red, _, blue = SCALE.colour(3.0)
    assert red > 200 > blue


def test_values_beyond_the_ends_have_the_ends_colours():
    assert SCALE.colour(-1.0) == SCALE.colour(0.0)
    assert SCALE.colour(50.0) == SCALE.colour(3.0)
    assert SCALE.tick_label(3.0) == "3+"
    assert SCALE.tick_label(1.0) == "1"


def test_with_a_scale_colours_stand_for_millimetres(make_prediction):
    prediction = make_prediction([(100, 100)], [5.0], mm_per_px=(0.2, 0.2))
    scale = scale_for(prediction)
    assert (scale.unit, scale.maximum) == ("mm", 3.0)
    assert "spread" in scale.quantity
    assert coloured_value(prediction, prediction.landmarks[0]) == pytest.approx(1.0)


def test_without_one_they_stand_for_percent_of_the_height(make_prediction):
    prediction = make_prediction([(100, 100)], [5.0], mm_per_px=None)
    scale = scale_for(prediction)
    assert (scale.unit, scale.maximum) == ("% of film height", 1.2)
    # 5 px of 500.
    assert coloured_value(prediction, prediction.landmarks[0]) == pytest.approx(1.0)


def test_the_scale_does_not_depend_on_the_values(make_prediction):
    low, high = (make_prediction([(100, 100)], [spread]) for spread in (0.1, 90.0))
    assert scale_for(low) == scale_for(high)


def test_one_sample_is_coloured_by_its_expected_error(make_prediction):
    prediction = make_prediction([(100, 100)], [5.0], kind="baseline", samples=1)
    assert scale_for(prediction).quantity == "expected error"
    # Twice 5 px of 0.2 mm.
    assert coloured_value(prediction, prediction.landmarks[0]) == pytest.approx(2.0)


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
    assert mark.value == 1.5


def test_all_of_the_film_has_no_outline(make_prediction):
    prediction = with_region(make_prediction([(115.0, 110.0)], [5.0]), SHAPES["whole"])
    (mark,) = marks_of(prediction, zoom=(1.0, 1.0), smallest_radius=4.0)
    assert mark.outlines == ()
    assert mark.radius == pytest.approx(4.0)


def test_the_overlay_is_coloured_inside_the_region_and_along_its_edge(make_prediction, film_pixels):
    plain = make_prediction([(300.0, 400.0)], [1.0])
    colours = {}
    for name in ("hdr", "whole"):
        sheet = draw_overlay(film_pixels, with_region(plain, SHAPES[name]))
        colours[name] = np.asarray(sheet, dtype=int)[:500]
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

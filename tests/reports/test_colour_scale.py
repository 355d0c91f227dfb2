from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from cephsure.reports.colour_scale import ColourScale, coloured_value, scale_for

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

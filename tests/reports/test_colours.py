from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

import eyes
from cephsure.reports.colours import (
    RAW,
    UNSCALED,
    ColourScale,
    colour_of,
    coloured_value,
    scale_for,
)

SCALE = ColourScale("spread", "mm", 3.0, (0.0, 1.0, 2.0, 3.0))


@pytest.mark.parametrize("eye", eyes.EYES.values(), ids=eyes.EYES.keys())
def test_quarters_of_the_scale_are_told_apart_by_every_eye(eye):
    colours = [SCALE.colour(value) for value in (0, 0.75, 1.5, 2.25, 3)]
    assert min(eyes.apart(a, b, eye) for a, b in combinations(colours, 2)) > 12


def test_every_colour_is_bright_enough_for_a_dark_film():
    assert min(eyes.lab(SCALE.colour(value), np.eye(3))[0] for value in np.linspace(0, 3, 61)) > 50


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


def test_a_promise_is_coloured_by_the_expected_error(make_prediction, judged):
    prediction = judged(make_prediction([(100, 100)], [5.0]), "fit", ["accept"], level=0.9)
    scale = scale_for(prediction)
    assert (scale.quantity, scale.unit, scale.maximum) == ("expected error, calibrated", "mm", 3.0)
    assert coloured_value(prediction, prediction.landmarks[0]) == 1.5
    assert colour_of(prediction, prediction.landmarks[0]) == scale.colour(1.5)


def test_without_a_promise_colours_stand_for_the_raw_spread(make_prediction):
    prediction = make_prediction([(100, 100)], [5.0], mm_per_px=(0.2, 0.2))
    scale = scale_for(prediction)
    assert (scale.quantity, scale.unit) == (f"spread of the samples ({RAW})", "mm")
    assert coloured_value(prediction, prediction.landmarks[0]) == pytest.approx(1.0)


def test_without_a_scale_they_stand_for_percent_of_the_height(make_prediction):
    prediction = make_prediction([(100, 100)], [5.0], mm_per_px=None)
    scale = scale_for(prediction)
    assert (scale.unit, scale.maximum) == ("% of film height", 1.2)
    # 5 px of 500.
    assert coloured_value(prediction, prediction.landmarks[0]) == pytest.approx(1.0)


def test_the_scale_does_not_depend_on_the_values(make_prediction):
    low, high = (make_prediction([(100, 100)], [spread]) for spread in (0.1, 90.0))
    assert scale_for(low) == scale_for(high)


def test_one_sample_and_an_unfit_film_have_no_scale(make_prediction, judged):
    single = make_prediction([(100, 100)], [5.0], kind="baseline", samples=1)
    unfit = judged(make_prediction([(100, 100)], [5.0]), "unfit", ["review"])
    for prediction in (single, unfit):
        assert scale_for(prediction) is None
        assert colour_of(prediction, prediction.landmarks[0]) == UNSCALED

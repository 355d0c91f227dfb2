from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from PIL import Image

import eyes
from cephsure.reports.painter import Painter
from cephsure.reports.symbols import BANDS, COLOURS, TRUTH, paint_symbol, paint_truth, standing_of

every_eye = pytest.mark.parametrize("eye", eyes.EYES.values(), ids=eyes.EYES.keys())


def drawn(standing, *, radius=5.0, ground=90):
    """What is left of the ground, the black edge and the symbol, (41, 41) lightness from 0 to 255."""
    picture = Image.new("RGB", (41, 41), (ground,) * 3)
    paint_symbol(Painter(picture), standing, np.array([20.0, 20.0]), radius, colour=(255, 255, 255))
    return np.asarray(picture.convert("L")).astype(int)


@every_eye
def test_verdicts_of_points_differ_in_colour_for_every_eye(eye):
    assert min(eyes.apart(a, b, eye) for a, b in combinations(COLOURS.values(), 2)) > 12


@every_eye
def test_a_true_point_is_no_verdict_for_any_eye(eye):
    assert min(eyes.apart(TRUTH, colour, eye) for colour in COLOURS.values()) > 12


@every_eye
def test_verdicts_of_films_differ_in_colour_for_every_eye(eye):
    assert min(eyes.apart(a.background, b.background, eye) for a, b in combinations(BANDS.values(), 2)) > 20


@every_eye
def test_letters_stand_out_from_every_band(eye):
    for band in BANDS.values():
        lightness = [eyes.lab(colour, eye)[0] for colour in (band.ink, band.background)]
        assert abs(lightness[0] - lightness[1]) > 40


@pytest.mark.parametrize("ground", [10, 90, 190])
def test_verdicts_of_points_differ_in_shape_without_any_colour(ground):
    shapes = [drawn(standing, ground=ground) > 225 for standing in COLOURS]
    for a, b in combinations(shapes, 2):
        # Of the pixels of either, at least two in five are not of the other.
        assert (a ^ b).sum() > 0.4 * (a | b).sum()


@pytest.mark.parametrize("ground", [10, 90, 190])
def test_only_an_accepted_point_is_filled(ground):
    assert drawn("accept", ground=ground)[20, 20] > 240
    for standing in ("review", "unjudged"):
        assert drawn(standing, ground=ground)[20, 20] < 100


def test_a_symbol_is_centred_on_its_point():
    for standing in ("accept", "review", "unfit"):
        ys, xs = np.nonzero(drawn(standing, ground=0) > 128)
        np.testing.assert_allclose([xs.mean(), ys.mean()], [20, 20], atol=0.3)


def test_a_true_point_is_a_cross_through_its_place():
    picture = Image.new("RGB", (41, 41))
    paint_truth(Painter(picture), np.array([20.0, 20.0]), 5.0)
    seen = (np.asarray(picture).astype(int) - TRUTH).max(axis=-1) > -60
    ys, xs = np.nonzero(seen)
    np.testing.assert_allclose([xs.mean(), ys.mean()], [20, 20], atol=0.3)
    assert seen[20, 20]
    assert seen[25, 25]
    assert not seen[20, 26]


def test_an_unfit_film_has_no_accepted_points(make_prediction, judged):
    prediction = make_prediction([(10, 10)], [1.0])
    assert standing_of(prediction, prediction.landmarks[0]) == "unjudged"
    for verdict, standing, shown in (("fit", "accept", "accept"), ("unfit", "accept", "unfit")):
        said = judged(prediction, verdict, [standing])
        assert standing_of(said, said.landmarks[0]) == shown

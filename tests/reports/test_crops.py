from __future__ import annotations

import numpy as np
import pytest

from cephsure.inference.samples import HeatMaps
from cephsure.reports.colours import HEAT
from cephsure.reports.comparison import Comparison
from cephsure.reports.crops import caption, draw_crop, window_of
from cephsure.reports.symbols import COLOURS, TRUTH

SIDE = 300
POINT = (200.0, 250.0)


def compared(prediction, *true, maps=None):
    return Comparison(prediction, np.array(true), "ann", maps)


def place_of(window, position):
    zoom = SIDE / window.side
    return tuple(
        round((at - first + 0.5) * zoom - 0.5)
        for at, first in zip(position, (window.left, window.top), strict=True)
    )


@pytest.fixture
def one(make_prediction, judged):
    """One point of a film of 0.2 mm a px, without a verdict; with a level, to be reviewed in its region."""

    def make(*, level=None, verdict="review", **more):
        return judged(make_prediction([POINT], [3.0], **more), verdict, ["review"], level=level)

    return make


@pytest.fixture
def film():
    return np.full((500, 400), 0.5, dtype=np.float32)


def test_says_error_expectation_verdict_and_region(one):
    inside = compared(one(level=0.9), (212.0, 250.0))
    # 12 px of 0.2 mm; the region reaches 30 px along x and 20 px along y.
    assert caption(inside, 0) == ("P1: error 2.40 mm, expected 1.50 mm", "to be reviewed, in the 90 % region")
    outside = compared(one(level=0.95), (200.0, 271.0))
    assert caption(outside, 0)[1] == "to be reviewed, outside the 95 % region"


def test_says_no_more_than_is_known(one):
    assert caption(compared(one(mm_per_px=None), (212.0, 250.0)), 0) == (
        "P1: error 12.00 px",
        "to be reviewed",
    )
    unfit = compared(one(verdict="unfit"), (212.0, 250.0))
    assert caption(unfit, 0) == ("P1: error 2.40 mm", "film unfit, no result")


def test_marks_a_point_of_which_more_must_be_said(one):
    prediction = one(level=0.9)
    mark = prediction.landmarks[0].model_copy(update={"note": "outside its own 90 % region"})
    noted = prediction.model_copy(update={"landmarks": (mark,)})
    assert caption(compared(noted, (212.0, 250.0)), 0)[0].startswith("P1!: ")


def test_shows_found_and_true_point_where_they_are(one, film):
    both = compared(one(level=0.9), (212.0, 256.0))
    window = window_of(both, 0)
    pixels = np.asarray(draw_crop(film, both, 0, side=SIDE, size=14)).astype(int)
    x, y = place_of(window, (212.0, 256.0))
    np.testing.assert_allclose(pixels[y, x], TRUTH, atol=12)
    x, y = place_of(window, POINT)
    near = pixels[y - 12 : y + 13, x - 12 : x + 13]
    assert (np.abs(near - COLOURS["review"]).max(axis=-1) < 15).sum() > 20
    assert pixels[y, x].max() < 80  # the diamond's middle


@pytest.mark.parametrize("true", [(212.0, 250.0), (390.0, 20.0), (2.0, 498.0)])
@pytest.mark.parametrize("mm_per_px", [(0.2, 0.2), None])
def test_the_window_shows_both_points_and_stays_on_the_film(one, true, mm_per_px):
    both = compared(one(mm_per_px=mm_per_px), true)
    window = window_of(both, 0)
    assert window.left >= 0
    assert window.top >= 0
    assert window.left + window.side <= 400
    assert window.top + window.side <= 500
    for x, y in (POINT, true):
        assert window.left <= x < window.left + window.side
        assert window.top <= y < window.top + window.side


def test_the_window_holds_the_region(one):
    window = window_of(compared(one(level=0.9), (201.0, 250.0)), 0)
    assert window.left < 170
    assert window.left + window.side > 230


def test_a_sample_far_off_does_not_make_the_rest_too_small_to_see(make_prediction):
    prediction = make_prediction([POINT], [150.0], samples=2)
    assert window_of(compared(prediction, (203.0, 250.0)), 0).side < 220


def test_a_film_that_is_smaller_than_the_window_is_shown_whole(make_prediction):
    prediction = make_prediction([(5.0, 6.0)], [1.0])
    info = prediction.film.model_copy(update={"width_px": 12, "height_px": 30})
    window = window_of(compared(prediction.model_copy(update={"film": info}), (6.0, 7.0)), 0)
    assert (window.left, window.side) == (0, 12)


def heat_map(at):
    """One cell of 2 px that is sure, at a position."""
    probabilities = np.zeros((1, 5, 5), dtype=np.float32)
    probabilities[0, 2, 2] = 1.0
    cell = np.diag([2.0, 2.0])
    return HeatMaps(probabilities, np.array([at]) - cell @ [2.0, 2.0], cell)


def test_the_heat_map_is_a_layer_where_it_is_likely(one, film):
    at = (188.0, 240.0)
    bare, heated = (compared(one(), (212.0, 250.0), maps=maps) for maps in (None, heat_map(at)))
    window = window_of(bare, 0)
    pixels = [np.asarray(draw_crop(film, each, 0, side=SIDE, size=14)).astype(int) for each in (bare, heated)]
    x, y = place_of(window, at)
    np.testing.assert_allclose(pixels[1][y, x], 0.4 * pixels[0][y, x] + 0.6 * np.array(HEAT), atol=8)
    changed = np.argwhere((pixels[0] != pixels[1]).any(axis=-1))
    np.testing.assert_allclose(changed.mean(axis=0), (y, x), atol=1)
    assert np.ptp(changed[:, 1]) < 4.2 * SIDE / window.side  # a cell and half of each beside it, linear


@pytest.mark.parametrize("mm_per_px", [(0.2, 0.2), None])
def test_a_bar_tells_the_size(one, film, mm_per_px):
    both = compared(one(mm_per_px=mm_per_px), (212.0, 250.0))
    window = window_of(both, 0)
    pixels = np.asarray(draw_crop(film * 0, both, 0, side=SIDE, size=14)).astype(int)
    row = pixels[round(SIDE - 0.7 * 14)]
    length = (row.min(axis=-1) > 200).sum() * window.side / SIDE * (0.2 if mm_per_px else 1.0)
    assert min(abs(length - bar) / bar for bar in (1, 2, 5, 10, 20, 50)) < 0.05


def test_nothing_of_the_caption_is_cut(one, film):
    both = compared(one(level=0.9), (212.0, 250.0))
    narrow, wide = (draw_crop(film, both, 0, side=side, size=14) for side in (80, 400))
    assert narrow.width == 80
    assert narrow.height - 80 > 2 * (wide.height - 400)

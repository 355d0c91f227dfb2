from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from cephsure.reports.band import band_text, draw_band, lay_out_band
from cephsure.reports.painter import text_width
from cephsure.reports.symbols import BANDS

LONG = "unlike the films this model was calibrated on (another scanner?); " * 6 + "the head is turned"


@pytest.fixture
def film(make_prediction, judged):
    def make(verdict, why, **more):
        return judged(make_prediction([(100, 100)], [5.0]), verdict, [None], why=why, **more)

    return make


def test_says_verdict_reason_and_promise_word_for_word(film):
    prediction = film("review", "scale unknown: errors in mm cannot be judged", level=0.9)
    assert band_text(prediction) == ("verdict: review", (prediction.why, prediction.promise))
    assert "90 % regions hold for a reader not met before" in prediction.promise


def test_without_a_verdict_it_says_why_there_is_none(film):
    prediction = film(None, "no verdict: 5 samples drawn, films are judged with 15", no_promise="5 samples")
    assert band_text(prediction) == (prediction.why, ("no promise: 5 samples",))


def test_of_a_prediction_that_says_nothing_there_is_no_verdict(make_prediction):
    said, (promise,) = band_text(make_prediction([(100, 100)], [5.0]))
    assert (said, promise) == ("no verdict", "no promise: the model is not calibrated")


@pytest.mark.parametrize("width", [200, 640, 1935])
@pytest.mark.parametrize(
    ("verdict", "why"), [("unfit", LONG), ("fit", "3 of 19"), (None, f"no verdict: {LONG}")]
)
def test_nothing_is_cut_and_every_line_is_inside(film, width, verdict, why):
    prediction = film(verdict, why)
    band = lay_out_band(prediction, width=width, size=max(10, round(width * 0.014)))
    lines = (*band.titles, *band.lines)
    assert all(line.x + text_width(line.text, line.size) <= width for line in lines)
    assert all(a.y + 0.5 * a.size <= b.y - 0.4 * b.size for a, b in pairwise(lines))
    assert lines[-1].y + 0.5 * lines[-1].size <= band.height
    assert band.titles[-1].y + 0.5 * band.titles[-1].size <= band.coloured <= band.lines[0].y
    said = "".join("".join(line.text for line in lines).split())
    assert "".join(why.split()) in said
    assert "".join(prediction.promise.split()) in said


@pytest.mark.parametrize("verdict", ["fit", "review", "unfit", None])
def test_drawn_in_the_verdicts_colour_as_large_as_laid_out(film, verdict):
    prediction = film(verdict, "why")
    band = lay_out_band(prediction, width=640, size=12)
    picture = draw_band(prediction, width=640, size=12)
    assert picture.size == (640, band.height)
    pixels = np.asarray(picture)
    np.testing.assert_array_equal(
        pixels[: band.coloured, -1], np.tile(BANDS[verdict].background, (band.coloured, 1))
    )
    # The verdict's symbol is left of the title.
    assert (pixels[: band.coloured, 8 : int(band.titles[0].x) - 2] == BANDS[verdict].ink).all(axis=-1).any()

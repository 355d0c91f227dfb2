from __future__ import annotations

import numpy as np
import pytest

from cephsure.errors import InputError
from cephsure.reports.band import lay_out_band
from cephsure.reports.comparison import Comparison
from cephsure.reports.comparison_picture import draw_comparison
from cephsure.reports.symbols import BANDS, COLOURS, TRUTH

FOUND = [(100.0, 100.0), (300.0, 120.0), (200.0, 350.0), (60.0, 420.0)]
TRUE = np.array([(110.0, 100.0), (300.0, 140.0), (np.nan, np.nan), (90.0, 430.0)])


@pytest.fixture
def comparison(make_prediction, judged):
    def make(verdict="fit", level=0.9, *, true=TRUE, **more):
        prediction = make_prediction(FOUND, [3.0, 5.0, 2.0, 4.0], **more)
        prediction = judged(prediction, verdict, ["accept", "review", "review", "review"], level=level)
        return Comparison(prediction, true, "the mean of ann and bob")

    return make


def picture_of(film_pixels, compared, **more):
    picture = draw_comparison(film_pixels, compared, **more)
    band = lay_out_band(compared.prediction, width=picture.width, size=15, more=compared.sentences)
    return np.asarray(picture).astype(int), band.height


def near(pixels, x, y, colour, *, reach=8):
    part = pixels[max(y - reach, 0) : y + reach + 1, max(x - reach, 0) : x + reach + 1]
    return (np.abs(part - colour).max(axis=-1) < 20).sum()


def test_found_and_true_points_are_on_the_film(comparison, film_pixels):
    compared = comparison()
    pixels, top = picture_of(film_pixels, compared)
    zoom = 1110 / 500
    for (x, y), true, colour in zip(FOUND, TRUE, ("accept", *["review"] * 3), strict=True):
        column, row = round((x + 0.5) * zoom - 0.5), round((y + 0.5) * zoom - 0.5) + top
        assert near(pixels, column, row, COLOURS[colour]) > 10
        if np.isfinite(true).all():
            column, row = (round((at + 0.5) * zoom - 0.5) for at in true)
            np.testing.assert_allclose(pixels[row + top, column], TRUTH, atol=15)


@pytest.mark.parametrize("verdict", ["fit", "review", "unfit", None])
def test_the_verdict_is_on_top(comparison, film_pixels, verdict):
    compared = comparison(verdict, None)
    pixels, _ = picture_of(film_pixels, compared)
    np.testing.assert_array_equal(pixels[0], np.tile(BANDS[verdict].background, (pixels.shape[1], 1)))


@pytest.mark.parametrize("worst", [1, 2, 3, 9])
def test_the_worst_points_stand_beside_the_film(comparison, film_pixels, worst):
    pixels, top = picture_of(film_pixels, comparison(), worst=worst)
    film_width = round(400 * 1110 / 500)
    beside = pixels[top : top + 1110, film_width + 8 :]
    shown = min(worst, 3)  # one has no true point
    side = round(1110 / (3 if shown > 2 else 2) - 2 * 1.55 * 15 - 16)
    assert beside.shape[1] == side
    # In each crop a true point, the worst one's uppermost.
    truths = np.argwhere(np.abs(beside - TRUTH).max(axis=-1) < 20)[:, 0]
    cell = side + 8 + round(3.5 * 15)
    assert {int(row) // cell for row in truths} == set(range(shown))


def test_more_than_three_stand_in_columns(make_prediction, judged, film_pixels):
    found = [(40.0 * i + 40, 200.0) for i in range(8)]
    prediction = judged(make_prediction(found, [3.0] * 8), "fit", ["review"] * 8, level=0.9)
    true = np.array(found) + np.arange(8)[:, None] + 1
    widths = [
        draw_comparison(film_pixels, Comparison(prediction, true, "ann"), worst=worst).width
        for worst in (3, 6, 7)
    ]
    assert widths[1] - widths[0] == widths[2] - widths[1] > 250


@pytest.mark.parametrize("size", [(60, 900), (900, 60), (12, 12)])
def test_films_of_any_shape_are_survived(make_prediction, judged, size):
    prediction = judged(make_prediction([(5.0, 6.0)], [1.0]), "fit", ["accept"], level=0.9)
    info = prediction.film.model_copy(update={"width_px": size[0], "height_px": size[1]})
    compared = Comparison(prediction.model_copy(update={"film": info}), np.array([(6.0, 8.0)]), "ann")
    picture = draw_comparison(np.zeros(size[::-1], np.float32), compared)
    assert picture.width > 400


def test_a_film_without_a_scale_is_drawn(comparison, film_pixels):
    assert draw_comparison(film_pixels, comparison("review", None, mm_per_px=None)).mode == "RGB"


def test_the_pixels_of_another_film_are_refused(comparison):
    with pytest.raises(InputError, match="400 x 500 px, the pixels are 500 x 400"):
        draw_comparison(np.zeros((400, 500), np.float32), comparison())

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from cephsure.cephalometry import analyse, load_analyses
from cephsure.errors import InputError
from cephsure.landmarks import load_landmark_set
from cephsure.reports.band import draw_band
from cephsure.reports.measurement_overlay import draw_measurement_overlay, write_measurement_overlay

CODES = load_landmark_set().codes
WIDTH, HEIGHT = 400, 500


@pytest.fixture
def prediction(make_prediction):
    """The 19 landmarks in five rows on a film of 400 x 500."""
    points = [(60 + 70 * (i % 5), 80 + 90 * (i // 5) + 9 * (i % 5)) for i in range(len(CODES))]
    plain = make_prediction(points, [3.0] * len(CODES))
    named = [
        landmark.model_copy(update={"code": code})
        for landmark, code in zip(plain.landmarks, CODES, strict=True)
    ]
    return plain.model_copy(update={"landmarks": tuple(named)})


def on_film(picture, analysis):
    """The film's part of a picture: below the band, above the table."""
    top = draw_band(analysis, width=WIDTH, size=10).height
    return np.asarray(picture)[top : top + HEIGHT].astype(int)


def coloured(pixels):
    """Which pixels are neither grey nor nearly so."""
    return np.ptp(pixels, axis=2) > 60


def test_lines_lie_between_their_landmarks(film_pixels, prediction):
    analysis = analyse(prediction)
    picture = draw_measurement_overlay(film_pixels, analysis)
    assert picture.size[0] == WIDTH
    drawn = coloured(on_film(picture, analysis))
    at = {landmark.code: np.array([landmark.x_px, landmark.y_px]) for landmark in prediction.landmarks}
    for first, last in [("S", "N"), ("N", "A"), ("N", "B"), ("Po", "Or"), ("Go", "Me"), ("PNS", "ANS")]:
        along = [at[first] + part * (at[last] - at[first]) for part in np.linspace(0.1, 0.9, 17)]
        hit = [drawn[round(y) - 2 : round(y) + 3, round(x) - 2 : round(x) + 3].any() for x, y in along]
        assert np.mean(hit) > 0.7, (first, last)


def test_what_was_not_measured_is_not_drawn(film_pixels, prediction):
    nothing = analyse(prediction).model_copy(update={"measurements": ()})
    assert not coloured(on_film(draw_measurement_overlay(film_pixels, nothing), nothing)).any()


def judged(prediction, verdict, point):
    marks = tuple(mark.model_copy(update={"verdict": point}) for mark in prediction.landmarks)
    said = {"verdict": verdict, "why": "because", "landmarks": marks}
    return analyse(prediction.model_copy(update=said))


def test_the_verdict_stands_over_the_film_as_over_the_landmarks(film_pixels, prediction):
    for verdict in ("fit", "review", "unfit"):
        analysis = judged(prediction, verdict, "review")
        picture = np.asarray(draw_measurement_overlay(film_pixels, analysis))
        band = np.asarray(draw_band(analysis, width=WIDTH, size=10))
        np.testing.assert_array_equal(picture[: len(band)], band)


def test_a_point_is_its_verdicts_symbol(film_pixels, prediction):
    pictures = [
        on_film(draw_measurement_overlay(film_pixels, analysis), analysis)
        for analysis in (judged(prediction, "fit", "accept"), judged(prediction, "fit", "review"))
    ]
    ul = next(
        mark for mark in prediction.landmarks if mark.code == "UL"
    )  # no line of the challenge ends there
    x, y = round(ul.x_px), round(ul.y_px)
    accepted, review = (picture[y, x] for picture in pictures)
    assert accepted.min() > 200  # a white dot
    assert review.max() < 120  # the dark middle of a diamond


def test_nothing_on_an_unfit_film_has_a_colour(film_pixels, prediction):
    analysis = judged(prediction, "unfit", "review")
    assert not coloured(on_film(draw_measurement_overlay(film_pixels, analysis), analysis)).any()


@pytest.mark.slow
def test_the_values_stand_below_the_film(film_pixels, prediction):
    few = draw_measurement_overlay(film_pixels, analyse(prediction))
    many = draw_measurement_overlay(film_pixels, analyse(prediction, load_analyses("all")))
    assert many.size[1] > few.size[1]


def test_written_whole_and_at_another_width(film_pixels, prediction, tmp_path):
    path = tmp_path / "new" / "x.png"
    assert write_measurement_overlay(path, film_pixels, analyse(prediction), width_px=800) == path
    assert Image.open(path).size[0] == 800


def test_pixels_of_another_film_are_refused(film_pixels, prediction):
    with pytest.raises(InputError, match="400 x 500"):
        draw_measurement_overlay(film_pixels[:100], analyse(prediction))

from __future__ import annotations

import os

import numpy as np
import pytest
from PIL import Image

from cephsure.errors import InputError
from cephsure.reports.colours import scale_for
from cephsure.reports.overlay import draw_overlay, softened, write_overlay
from cephsure.reports.symbols import BANDS, COLOURS

POINTS = [(100.0, 100.0), (300.0, 120.0), (200.0, 350.0)]
SPREADS_PX = [1.0, 7.5, 14.0]  # 0.2, 1.5 and 2.8 mm


def array(picture):
    return np.asarray(picture).astype(int)


def colourfulness(pixels):
    return pixels.max(axis=-1) - pixels.min(axis=-1)


@pytest.mark.parametrize("width", [None, 200, 400, 800])
def test_an_accepted_point_is_a_dot_where_it_was_found(make_prediction, film_pixels, judged, of_film, width):
    prediction = judged(make_prediction(POINTS, SPREADS_PX), "fit", ["accept"] * 3)
    pixels = of_film(draw_overlay(film_pixels, prediction, width_px=width), prediction)
    zoom = (width or 400) / 400
    for x, y in POINTS:
        column, row = (round((v + 0.5) * zoom - 0.5) for v in (x, y))
        np.testing.assert_allclose(pixels[row, column], COLOURS["accept"], atol=12)


def test_the_region_has_the_colour_of_the_expected_error(make_prediction, film_pixels, judged, of_film):
    prediction = judged(make_prediction(POINTS, SPREADS_PX), "review", ["review"] * 3, level=0.9)
    pixels = of_film(draw_overlay(film_pixels, prediction), prediction)
    for x, y in POINTS:
        edge = pixels[int(y), int(x) + 30]
        np.testing.assert_allclose(edge, scale_for(prediction).colour(1.5), atol=60)


def test_the_mark_is_centred_on_the_point(make_prediction, judged, of_film):
    film = np.zeros((500, 400), dtype=np.float32)
    point = (200.25, 250.75)
    prediction = judged(make_prediction([point], [0.0]), "review", ["review"])
    pixels = of_film(draw_overlay(film, prediction, labels="number"), prediction)
    coloured = colourfulness(pixels) > 60
    ys, xs = np.nonzero(coloured[246:257, 195:206])  # without the label
    np.testing.assert_allclose([xs.mean() + 195, ys.mean() + 246], point, atol=0.35)


def test_without_a_promise_the_ellipse_is_where_two_standard_deviations_are(make_prediction, of_film):
    film = np.zeros((500, 400), dtype=np.float32)
    prediction = make_prediction([(200.0, 250.0)], [30.0])
    pixels = of_film(draw_overlay(film, prediction), prediction)
    reach = 2 * np.sqrt(2 * 30**2 / 3)  # 49 px
    for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        at, beyond = (
            pixels[round(250 + dy * (reach + more)), round(200 + dx * (reach + more))] for more in (0, 5)
        )
        assert colourfulness(at) > 80
        assert colourfulness(beyond) < 20


def test_the_samples_are_dots(make_prediction, of_film):
    film = np.zeros((500, 400), dtype=np.float32)
    prediction = make_prediction([(200.0, 250.0)], [30.0])
    pixels = of_film(draw_overlay(film, prediction), prediction)
    for x, y in ((230, 250), (170, 250), (200, 280), (200, 220)):
        assert pixels[y, x].min() > pixels[y + 4, x + 4].min() + 40


def test_a_point_is_never_hidden_by_anothers_region(make_prediction, film_pixels, judged, of_film):
    points = [(200, 250), (212, 250), (200, 266)]
    prediction = judged(make_prediction(points, [20.0, 6.0, 1.0]), "fit", ["accept"] * 3, level=0.9)
    pixels = of_film(draw_overlay(film_pixels, prediction), prediction)
    for x, y in points:
        np.testing.assert_allclose(pixels[y, x], COLOURS["accept"], atol=12)


def test_the_film_is_left_alone_where_nothing_is_marked(make_prediction, film_pixels, of_film):
    prediction = make_prediction([(100.0, 100.0)], [1.0])
    plain = array(softened(film_pixels, (400, 500)))
    np.testing.assert_array_equal(
        of_film(draw_overlay(film_pixels, prediction), prediction)[200:], plain[200:]
    )


@pytest.mark.parametrize("verdict", ["fit", "review", "unfit", None])
def test_the_verdict_is_over_the_film_and_larger_than_any_mark(make_prediction, film_pixels, judged, verdict):
    prediction = judged(make_prediction(POINTS, SPREADS_PX), verdict, [None] * 3)
    first_row = array(draw_overlay(film_pixels, prediction))[0]
    np.testing.assert_array_equal(first_row, np.tile(BANDS[verdict].background, (400, 1)))


def test_on_an_unfit_film_nothing_has_a_colour(make_prediction, film_pixels, judged, of_film):
    prediction = judged(make_prediction(POINTS, SPREADS_PX), "unfit", ["review"] * 3)
    assert colourfulness(of_film(draw_overlay(film_pixels, prediction), prediction)).max() == 0


def test_marks_are_seen_in_a_thumbnail_of_a_full_size_overlay(make_prediction, judged, of_film):
    # The mark of a sure point, the smallest there is, on a film of the usual size.
    film = np.full((2400, 1935), 0.1, dtype=np.float32)
    film[:, :1000] = 0.3
    prediction = make_prediction([(600.0, 600.0), (1200.0, 1800.0)], [0.5, 0.5])
    info = prediction.film.model_copy(update={"width_px": 1935, "height_px": 2400, "mm_per_px": (0.1, 0.1)})
    prediction = judged(prediction.model_copy(update={"film": info}), "fit", ["accept", "review"], level=0.9)
    seen = of_film(draw_overlay(film, prediction), prediction)
    small = Image.fromarray(seen.astype(np.uint8)).resize((300, 372), Image.Resampling.LANCZOS)
    for x, y in ((600, 600), (1200, 1800)):
        column, row = round(x * 300 / 1935), round(y * 300 / 1935)
        near = array(small)[row - 3 : row + 4, column - 4 : column + 5]
        assert colourfulness(near).max() > 60


@pytest.mark.parametrize(("kind", "samples"), [("ensemble", 4), ("mc-dropout", 2), ("baseline", 1)])
@pytest.mark.parametrize("mm_per_px", [(0.2, 0.2), None])
def test_every_kind_of_prediction_is_drawn(make_prediction, film_pixels, kind, samples, mm_per_px):
    prediction = make_prediction(POINTS, SPREADS_PX, kind=kind, samples=samples, mm_per_px=mm_per_px)
    picture = draw_overlay(film_pixels, prediction)
    assert picture.mode == "RGB"
    assert picture.width == 400
    assert picture.height > 500


def test_labels_are_codes_or_numbers(make_prediction, film_pixels, judged, of_film):
    prediction = judged(make_prediction(POINTS, SPREADS_PX), "fit", ["accept"] * 3)
    codes, numbers = (
        of_film(draw_overlay(film_pixels, prediction, labels=kind), prediction) for kind in ("code", "number")
    )
    assert (codes != numbers).any()
    # Light letters with a black edge, near each point: the film is darker there.
    for x, y in ((100, 100), (300, 120), (200, 350)):
        near = codes[y - 45 : y + 45, x - 45 : x + 45]
        assert (near.min(axis=-1) > 190).sum() > 10
        assert (near.max(axis=-1) < 20).sum() > 5


@pytest.mark.parametrize("point", [(0.0, 0.0), (399.0, 499.0), (-30.0, 250.0), (200.0, 900.0)])
def test_points_at_and_beyond_the_edge_are_survived(make_prediction, film_pixels, point):
    picture = draw_overlay(film_pixels, make_prediction([point, (200.0, 200.0)], [40.0, 1.0]))
    assert picture.width == 400


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_a_film_of_one_grey_is_survived(make_prediction, value):
    film = np.full((500, 400), value, dtype=np.float32)
    assert array(draw_overlay(film, make_prediction(POINTS, SPREADS_PX))).shape[2] == 3


def test_a_narrow_film_is_enlarged_until_the_legend_is_readable(make_prediction, judged, of_film):
    prediction = judged(make_prediction([(10.0, 20.0)], [1.0]), "fit", ["accept"])
    info = prediction.film.model_copy(update={"width_px": 40, "height_px": 50})
    prediction = prediction.model_copy(update={"film": info})
    picture = draw_overlay(np.zeros((50, 40), np.float32), prediction)
    assert picture.width == 200
    assert of_film(picture, prediction)[round(20.5 * 5 - 0.5), round(10.5 * 5 - 0.5)].min() > 240


def test_a_point_of_which_more_must_be_said_has_a_mark_behind_its_code(make_prediction, film_pixels):
    plain = make_prediction(POINTS[:1], SPREADS_PX[:1])
    mark = plain.landmarks[0].model_copy(update={"note": "outside its own 90 % region"})
    noted = plain.model_copy(update={"landmarks": (mark,)})
    pixels = [array(draw_overlay(film_pixels, each))[:500] for each in (plain, noted)]
    assert (pixels[0] != pixels[1]).any()


def test_greys_are_softened_and_rising(film_pixels):
    grey = array(softened(film_pixels, (400, 500)))[0, :, 0]
    assert (np.diff(grey) >= 0).all()
    assert 0 < grey[0] < 20
    assert 170 < grey[-1] < 220


def test_a_dim_film_uses_the_whole_range(film_pixels):
    dim = array(softened(film_pixels * np.float32(0.1), (400, 500)))
    np.testing.assert_allclose(dim, array(softened(film_pixels, (400, 500))), atol=1)


def test_the_pixels_of_another_film_are_refused(make_prediction):
    with pytest.raises(InputError, match="400 x 500 px, the pixels are 500 x 400"):
        draw_overlay(np.zeros((400, 500), np.float32), make_prediction(POINTS, SPREADS_PX))


def test_written_as_png_and_nothing_else(make_prediction, film_pixels, tmp_path):
    prediction = make_prediction(POINTS, SPREADS_PX)
    path = write_overlay(tmp_path / "new" / "001.overlay.png", film_pixels, prediction, width_px=200)
    assert list(path.parent.iterdir()) == [path]
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        np.testing.assert_array_equal(
            array(picture), array(draw_overlay(film_pixels, prediction, width_px=200))
        )


def test_a_failed_write_keeps_the_old_file(make_prediction, film_pixels, tmp_path, monkeypatch):
    path = tmp_path / "001.png"
    path.write_bytes(b"old")

    def no_space(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", no_space)
    with pytest.raises(InputError, match="No space left on device") as caught:
        write_overlay(path, film_pixels, make_prediction(POINTS, SPREADS_PX))
    assert caught.value.where == path
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]

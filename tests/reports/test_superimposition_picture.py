from __future__ import annotations

import numpy as np
import pytest

from cephsure.errors import InputError
from cephsure.reports import superimposition_picture as picture_module
from cephsure.reports.painter import Painter
from cephsure.reports.superimposition_picture import ARROW, FIRST, SECOND, draw_superimposition
from cephsure.reports.symbols import BANDS, COLOURS
from eyes import EYES, apart, lab
from two_made_films import PLACES, two_films

GREY = np.zeros((500, 400), dtype=np.float32)
GREY[:, -8:] = 1


ZOOM = 3


def of_film(films):
    """The picture's part that shows the film, which is dark all over: neither band nor legend are as dark."""
    pixels = np.asarray(draw_superimposition(GREY, films, width_px=400 * ZOOM)).astype(int)
    top = int(np.flatnonzero((pixels[:, 0] == 10).all(axis=1))[0])
    return pixels[top : top + 500 * ZOOM]


def close(pixels, colour):
    return np.abs(pixels - colour).max(axis=2) < 25


def near(pixels, x, y, colour, reach=8):
    x, y = round(ZOOM * x), round(ZOOM * y)
    return int(close(pixels[y - reach : y + reach + 1, x - reach : x + reach + 1], colour).sum())


def test_both_films_points_and_lines_are_on_the_first_film():
    pixels = of_film(two_films())
    for code in ("Me", "Pog"):
        x, y = PLACES[code]
        assert near(pixels, x, y, FIRST) > 2
        assert near(pixels, x, y + 15, SECOND) > 2


def test_the_first_films_lines_are_solid_the_seconds_are_dashed():
    pixels, parts = of_film(two_films()), np.linspace(0.1, 0.6, 200)
    start, end = np.array(PLACES["Go"], dtype=float), np.array(PLACES["Me"], dtype=float)

    def drawn(end, colour):
        at = start + parts[:, None] * (end - start)
        return np.mean([near(pixels, x, y, colour, reach=1) > 0 for x, y in at])

    assert drawn(end, FIRST) > 0.95
    assert 0.5 < drawn(end + np.array([0, 15]), SECOND) < 0.8


def test_an_arrow_stands_only_where_a_landmark_moved():
    assert near(of_film(two_films()), 262, 432, ARROW) > 3
    assert near(of_film(two_films(down_px=1.0)), 262, 426, ARROW) == 0
    assert near(of_film(two_films("fit", None)), 262, 432, ARROW) == 0
    assert near(of_film(two_films("fit", "unfit")), 262, 432, ARROW) == 0


def test_the_tracing_of_an_unfit_film_is_grey():
    pixels = of_film(two_films("fit", "unfit"))
    assert not close(pixels, SECOND).any()
    assert near(pixels, 262, 440, COLOURS["unfit"]) > 2
    pixels = of_film(two_films("unfit", "fit"))
    assert not close(pixels, FIRST).any()


def test_the_two_films_are_told_apart_by_every_eye_and_in_grey():
    for eye in EYES.values():
        assert apart(FIRST, SECOND, eye) > 30
    lightness = [lab(colour, np.eye(3))[0] for colour in (FIRST, SECOND)]
    assert lightness[1] - lightness[0] > 20


@pytest.mark.parametrize(
    ("verdicts", "worse"),
    [
        (("fit", "fit"), "fit"),
        (("fit", "review"), "review"),
        (("unfit", "review"), "unfit"),
        (("fit", None), None),
        (("review", None), "review"),
    ],
)
def test_the_band_is_the_worse_films(verdicts, worse):
    pixels = np.asarray(draw_superimposition(GREY, two_films(*verdicts)))
    np.testing.assert_array_equal(pixels[0, 0], BANDS[worse].background)


@pytest.fixture
def written(monkeypatch):
    """All texts that are painted."""
    texts = []
    paint = Painter.text

    def note(self, place, text, *more, **named):
        texts.append(text)
        paint(self, place, text, *more, **named)

    monkeypatch.setattr(Painter, "text", note)
    return texts


def test_the_legend_says_which_film_is_which_and_what_it_is_not_for(written):
    draw_superimposition(GREY, two_films(), width_px=1600)
    said = " ".join(written)
    assert "T1: 001.png; points: made" in said
    assert "T2: 002.png; points: made" in said
    assert "moved: from T1 to T2" in said
    assert "errors of the two films count as independent" in said
    assert "Research use only. Not a medical device." in said
    assert "Me 6.0 mm" in written
    assert "Ar" in written
    assert "!" not in written


def test_what_rests_on_a_point_for_review_is_marked(written):
    draw_superimposition(GREY, two_films(doubtful=("Me",)), width_px=1600)
    assert "Me 6.0 mm!" in written
    assert "Gn 6.0 mm" in written
    assert "!" in written
    assert "rests on a point that is to be reviewed" in written


def test_where_nothing_is_judged_no_arrow_is_explained(written):
    draw_superimposition(GREY, two_films("fit", "unfit"), width_px=1600)
    said = " ".join(written)
    assert "moved: from" not in said
    assert "T2 is unfit for automatic evaluation: no displacement is a result" in said


def test_no_text_is_wider_than_the_picture(written):
    narrow = draw_superimposition(GREY, two_films(paths=("a" * 200 + ".png", "b.png")), width_px=100)
    assert narrow.width == picture_module.NARROWEST_PX


def test_the_pixels_must_be_the_first_films():
    with pytest.raises(InputError, match="400 x 500"):
        draw_superimposition(GREY[:, :300], two_films())


def test_a_short_arrow_is_all_head_and_none_has_no_length():
    from PIL import Image

    def painted(end):
        sheet = Image.new("RGB", (40, 40))
        picture_module.paint_arrow(Painter(sheet), np.array([10.0, 20.0]), np.array(end), 2.0)
        return np.asarray(sheet).sum(axis=2) > 600

    assert not painted([10.0, 20.0]).any()
    short, long = painted([14.0, 20.0]), painted([34.0, 20.0])
    assert 0 < short.sum() < long.sum()
    assert np.flatnonzero(short.any(axis=0)).min() >= 9

from __future__ import annotations

import io
import re
from base64 import b64decode
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

import cephsure
from cephsure.films import read
from cephsure.reports.notebook import prediction_html
from cephsure.reports.overlay import draw_overlay
from cephsure.uncertainty.missing import without_promise
from cephsure.uncertainty.prediction import ReaderInfo, Region

POINTS = [(100.0, 120.0), (300.0, 400.0)]


@pytest.fixture
def judged(make_prediction):
    """A fit film of two points, one accepted."""

    def make(**film):
        prediction = make_prediction(POINTS, (5.0, 5.0), **film)
        disc = Region(level=0.9, kind="disc", centre_px=(9, 9), half_axes_px=((9, 0), (0, 9)), area_mm2=2.5)
        said = [("accept", "expected 0.75 <= 1.08 mm", None), ("review", "expected 1.75 > 1.08 mm", "a note")]
        marks = tuple(
            mark.model_copy(
                update={"verdict": verdict, "why": why, "note": note}
                | {"expected_error_mm": 0.75 + index, "region": disc}
            )
            for index, (mark, (verdict, why, note)) in enumerate(zip(prediction.landmarks, said, strict=True))
        )
        reader = ReaderInfo(name="r", kind="definition", films=0, truth_of="one", for_whom="a new reader")
        about = {"reader": reader, "verdict": "fit", "why": "1 of 2 points accepted"}
        return prediction.model_copy(update={"landmarks": marks, **about})

    return make


@pytest.fixture
def film_file(tmp_path):
    return write_film(tmp_path / "film.png", 400, 500)


def write_film(path, width, height):
    """A grey ramp from left to right."""
    Image.fromarray(np.tile(np.linspace(0, 255, width, dtype=np.uint8), (height, 1))).save(path)
    return path


def rows_of(html):
    rows = re.findall(r"<tr>(.*?)</tr>", html)
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]


def picture_in(html):
    found = re.search(r'src="data:image/png;base64,([^"]+)"', html)
    return None if found is None else Image.open(io.BytesIO(b64decode(found[1])))


def test_the_table_has_a_row_a_landmark(judged):
    assert rows_of(prediction_html(judged())) == [
        ["code", "name", "x px", "y px", "± mm", "verdict", "why"],
        ["P1", "point 1", "100.0", "120.0", "0.75", "accept", "expected 0.75 &lt;= 1.08 mm"],
        ["P2", "point 2", "300.0", "400.0", "1.75", "review", "expected 1.75 &gt; 1.08 mm; a note"],
    ]


def test_verdict_why_and_promise_come_first_and_the_disclaimer_is_there(judged):
    html = prediction_html(judged())
    top = html[: html.index("<table>")]
    assert "fit: 1 of 2 points accepted" in top
    assert "expected errors and 90 % regions hold for a new reader" in top
    assert "Research use only. Not a medical device." in html


def test_an_unfit_film_has_a_dash_where_nothing_is_promised(judged):
    unfit = judged().model_copy(update={"verdict": "unfit", "why": "a second head"})
    html = prediction_html(without_promise(unfit, "the film is unfit"))
    assert [row[4] for row in rows_of(html)] == ["± mm", "-", "-"]
    assert "a second head" in html
    assert "no promise: the film is unfit" in html
    assert "0.75" not in html.replace("0.75 &lt;=", "")
    assert "90 %" not in html


def test_without_a_scale_it_says_what_to_do(make_prediction):
    html = prediction_html(make_prediction(POINTS, (5.0, 5.0), mm_per_px=None))
    assert "give --mm-per-px" in html


def test_the_films_picture_is_the_overlay(judged, film_file):
    prediction = judged(path=str(film_file))
    picture = picture_in(prediction_html(prediction))
    overlay = draw_overlay(read(film_file).pixels, prediction, width_px=400)
    np.testing.assert_array_equal(np.asarray(picture), np.asarray(overlay))


def test_the_picture_of_a_large_film_is_no_wider_than_a_page(make_prediction, tmp_path):
    prediction = make_prediction(POINTS, (5.0, 5.0), path=str(tmp_path / "large.png"))
    film = prediction.film.model_copy(update={"width_px": 1600, "height_px": 1000})
    write_film(tmp_path / "large.png", 1600, 1000)
    picture = picture_in(prediction_html(prediction.model_copy(update={"film": film})))
    assert picture.width == 900


def test_without_the_films_file_there_is_no_picture(judged, tmp_path):
    write_film(tmp_path / "other.png", 300, 400)
    (tmp_path / "text.png").write_text("no film", encoding="utf-8")
    for path in (None, tmp_path / "gone.png", tmp_path / "text.png", tmp_path / "other.png", tmp_path):
        html = prediction_html(judged(path=None if path is None else str(path)))
        assert "<img" not in html, path
        assert len(rows_of(html)) == 3


def test_no_text_becomes_markup(judged, tmp_path):
    """Names of films, landmarks and models come from files of other people."""
    bad = "<script>alert('\"&')</script>"
    path = write_film(tmp_path / "a<b>'\"&.png", 400, 500)
    prediction = judged(path=str(path))
    marks = tuple(
        mark.model_copy(update=dict.fromkeys(("code", "name", "why", "note"), bad))
        for mark in prediction.landmarks
    )
    film = prediction.film.model_copy(update={"notes": (bad,)})
    model = prediction.model.model_copy(update={"name": bad})
    reader = prediction.reader.model_copy(update={"for_whom": bad})
    said = {"landmarks": marks, "film": film, "model": model, "reader": reader, "why": bad, "disclaimer": bad}
    html = prediction_html(prediction.model_copy(update=said))
    seen = set()

    class Tags(HTMLParser):
        def handle_starttag(self, tag, attrs):
            seen.add(tag)
            assert {name for name, _ in attrs} <= {"class", "style", "scope", "alt", "src"}

    Tags().feed(html)
    assert seen == {"div", "p", "b", "br", "small", "table", "tr", "th", "td", "img"}


def test_a_notebook_shows_it(judged):
    prediction = judged()
    assert prediction._repr_html_() == cephsure.prediction_html(prediction) == prediction_html(prediction)

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from cephsure.cephalometry.reviewed_film import ReviewedFilm
from cephsure.films import Film
from cephsure.films.spacing import Spacing, SpacingSource
from cephsure.reports.film_report.drawing import Disc, Outline, Words
from cephsure.reports.film_report.panels import draw_panels, panel_height
from report_films import HEAD, SET, made_film, prediction, reviewed


def drawn(film=None, review=None):
    return draw_panels(film or made_film(), review or ReviewedFilm.of(prediction(), SET), most=96.0)


def words(drawing):
    return [shape.text for shape in drawing.shapes if isinstance(shape, Words)]


def test_points_lie_where_they_are_on_the_film():
    panels = drawn()
    discs = [shape for shape in panels.film.shapes if isinstance(shape, Disc)]
    assert (panels.film.width, panels.film.height) == pytest.approx((80.0, 96.0))
    x, y = HEAD["S"]
    assert (discs[0].x, discs[0].y) == pytest.approx(((x + 0.5) / 5, (y + 0.5) / 5))
    region = next(shape for shape in panels.film.shapes if isinstance(shape, Outline))
    assert np.abs(region.chains[0] - region.chains[0].mean(axis=0)).max() == pytest.approx(4 / 5)
    assert words(panels.film) == words(panels.tracing) == list(SET.codes)


def test_picture_has_what_print_shows_and_no_more_than_the_film():
    small = Image.open(BytesIO(drawn().film.picture))
    assert (small.size, small.mode) == ((400, 480), "L")
    large = Film(np.zeros((4800, 4000), dtype=np.float32))
    large_picture = Image.open(BytesIO(drawn(large).film.picture))
    assert large_picture.size == (960, 1152)


def test_wide_film_is_less_high():
    wide = Film(np.zeros((100, 300), dtype=np.float32))
    assert panel_height(wide, most=96.0) == pytest.approx(0.56 * 176 / 3)


def test_pixels_that_are_not_square():
    tall = made_film(spacing=Spacing(0.5, 1.0, SpacingSource.USER))
    panels = drawn(tall)
    assert panels.film.width / panels.film.height == pytest.approx(400 / 960)


def test_points_of_a_person_have_no_region_and_missing_ones_are_not_drawn():
    panels = drawn(review=reviewed(N="edited", S="missing"))
    regions = [shape for shape in panels.film.shapes if isinstance(shape, Outline) and shape.opacity == 0.22]
    assert len(regions) == 17
    assert "S" not in words(panels.film) + words(panels.tracing)
    discs = [(shape.x, shape.y) for shape in panels.film.shapes if isinstance(shape, Disc)]
    x, y = HEAD["N"]
    assert discs[0] == pytest.approx(((x + 5.5) / 5, (y + 3.5) / 5))


def test_unfit_film_is_struck_through_and_its_tracing_grey():
    panels = drawn(review=ReviewedFilm.of(prediction("unfit"), SET))
    assert not any(isinstance(shape, Disc) for shape in panels.film.shapes)
    lines = {shape.stroke for shape in panels.tracing.shapes if isinstance(shape, Outline)}
    assert "accent" not in lines
    assert "quiet" in lines


def test_points_to_be_looked_at_are_hollow():
    panels = drawn(review=ReviewedFilm.of(prediction(doubtful=("A", "B")), SET))
    hollow = [shape for shape in panels.tracing.shapes if isinstance(shape, Disc) and shape.fill == "paper"]
    assert len(hollow) == 2
    assert len([shape for shape in panels.film.shapes if isinstance(shape, Disc)]) == 17


def test_film_on_which_all_points_are_missing():
    panels = drawn(review=reviewed(**dict.fromkeys(SET.codes, "missing")))
    assert panels.film.shapes == panels.tracing.shapes == ()


def test_tracing_stays_on_its_area():
    tracing = drawn().tracing
    for shape in tracing.shapes:
        if isinstance(shape, Outline):
            corners = np.concatenate(shape.chains)
            assert (corners >= 0).all()
            assert (corners <= [tracing.width, tracing.height]).all()

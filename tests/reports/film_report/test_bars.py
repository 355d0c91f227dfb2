from __future__ import annotations

import pytest

from cephsure.reports.colours import ColourScale
from cephsure.reports.film_report.bars import WIDTH, bar_drawing, colour_bar
from cephsure.reports.film_report.drawing import Disc, Outline
from cephsure.reports.film_report.rows import Bar


def test_value_in_the_middle_and_at_a_limit():
    middle, limit = (
        next(s for s in bar_drawing(Bar(at), is_doubtful=False).shapes if isinstance(s, Disc))
        for at in (0, 1)
    )
    band = bar_drawing(Bar(0), is_doubtful=False).shapes[0].chains[0]
    assert (middle.x, limit.x) == pytest.approx((WIDTH / 2, band[:, 0].max()))


@pytest.mark.parametrize(("at", "side"), [(5.0, 1), (-5.0, -1)])
def test_value_beyond_the_axis_is_an_arrow(at, side):
    drawing = bar_drawing(Bar(at, (at - 1, at + 1)), is_doubtful=True)
    assert not any(isinstance(shape, Disc) for shape in drawing.shapes)
    arrow = drawing.shapes[-1]
    assert (isinstance(arrow, Outline), arrow.fill) == (True, "doubt")
    assert side * (arrow.chains[0][0, 0] - WIDTH / 2) > side * (arrow.chains[0][1, 0] - WIDTH / 2)


def test_interval_is_cut_at_the_axis():
    line = bar_drawing(Bar(2.0, (0.0, 9.0)), is_doubtful=False).shapes[3]
    assert (line.chains[0][:, 0].min(), line.chains[0][:, 0].max()) == pytest.approx((10.0, 18.8))


def test_scale_of_colours_begins_and_ends_with_its_own():
    scale = ColourScale("expected error", "mm", 3.0, (0.0, 3.0))
    shapes = colour_bar(scale).shapes
    assert shapes[0].fill == pytest.approx(scale.colour(0.0), abs=8)
    assert shapes[-1].fill == pytest.approx(scale.colour(3.0), abs=8)

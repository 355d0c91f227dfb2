from __future__ import annotations

import numpy as np
import pytest

from cephsure.reports.marks import marks_of
from cephsure.reports.overlay import draw_overlay
from cephsure.reports.regions import region_outlines
from cephsure.uncertainty.prediction import Region

SQUARE = ((100.0, 100.0), (140.0, 100.0), (140.0, 140.0), (100.0, 140.0))
SHAPES = {
    "hdr": Region(level=0.9, kind="hdr", outlines_px=(SQUARE,), area_mm2=64.0),
    "ellipse": Region(
        level=0.9, kind="ellipse", centre_px=(120, 110), half_axes_px=((30, 0), (0, 20)), area_mm2=75.4
    ),
    "whole": Region(level=0.9, kind="disc", whole_film=True),
}


def with_region(prediction, region):
    marks = [
        mark.model_copy(update={"region": region, "expected_error_mm": 1.5}) for mark in prediction.landmarks
    ]
    return prediction.model_copy(update={"landmarks": tuple(marks)})


def test_outlines_of_each_kind():
    assert region_outlines(SHAPES["hdr"])[0].tolist() == [list(corner) for corner in SQUARE]
    (ellipse,) = region_outlines(SHAPES["ellipse"])
    assert ellipse.min(axis=0) == pytest.approx([90.0, 90.0])
    assert ellipse.max(axis=0) == pytest.approx([150.0, 130.0])
    assert region_outlines(SHAPES["whole"]) == ()
    assert region_outlines(None) == ()


def test_marks_take_the_region_in_place_of_the_spread(make_prediction):
    prediction = with_region(make_prediction([(115.0, 110.0)], [5.0]), SHAPES["hdr"])
    (mark,) = marks_of(prediction, zoom=(2.0, 2.0), smallest_radius=1.0)
    assert mark.outlines[0][0] == pytest.approx([200.5, 200.5])
    # From the point to the box's far sides, longer side first, twice as large on the picture.
    assert np.abs(mark.half_axes) == pytest.approx(np.array([[0.0, 60.0], [50.0, 0.0]]))
    assert mark.value == 1.5


def test_all_of_the_film_has_no_outline(make_prediction):
    prediction = with_region(make_prediction([(115.0, 110.0)], [5.0]), SHAPES["whole"])
    (mark,) = marks_of(prediction, zoom=(1.0, 1.0), smallest_radius=4.0)
    assert mark.outlines == ()
    assert mark.radius == pytest.approx(4.0)


def test_the_overlay_is_coloured_inside_the_region_and_along_its_edge(make_prediction, film_pixels):
    plain = make_prediction([(300.0, 400.0)], [1.0])
    colours = {}
    for name in ("hdr", "whole"):
        sheet = draw_overlay(film_pixels, with_region(plain, SHAPES[name]))
        colours[name] = np.asarray(sheet, dtype=int)[:500]
    changed = np.abs(colours["hdr"] - colours["whole"]).sum(axis=2) > 0
    # The label beside the point may have moved as well.
    columns = np.flatnonzero(changed[:200, :200].any(axis=0))
    assert (columns.min(), columns.max()) == (pytest.approx(99, abs=2), pytest.approx(141, abs=2))
    assert changed[120, 120]
    edge, inside = colours["hdr"][100, 120], colours["hdr"][120, 120]
    assert np.ptp(edge) > np.ptp(inside)

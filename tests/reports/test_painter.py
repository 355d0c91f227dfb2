from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cephsure.reports.painter import Painter, ellipse_outline, text_width

WHITE = (255, 255, 255)


def coverage(paint, size=(60, 50)):
    """How much of each pixel a white shape covers, (H, W) in [0, 1]."""
    picture = Image.new("RGB", size)
    paint(Painter(picture))
    return np.asarray(picture, dtype=float)[..., 0] / 255


def middle(covered):
    ys, xs = np.mgrid[: covered.shape[0], : covered.shape[1]]
    return np.array([(xs * covered).sum(), (ys * covered).sum()]) / covered.sum()


@given(
    x=st.floats(15, 45),
    y=st.floats(15, 35),
    radius=st.floats(2, 12),
)
def test_a_disc_lies_where_it_is_put(x, y, radius):
    covered = coverage(lambda painter: painter.disc(np.array([x, y]), radius, WHITE))
    np.testing.assert_allclose(middle(covered), [x, y], atol=0.1)
    # Corners fall on fine pixels, a quarter of a pixel wide.
    assert np.sqrt(covered.sum() / np.pi) == pytest.approx(radius, abs=0.25)


def test_edges_are_smooth():
    covered = coverage(lambda painter: painter.disc(np.array([30.0, 25.0]), 10.0, WHITE))
    assert ((covered > 0.1) & (covered < 0.9)).sum() > 20


def test_opacity_mixes_the_colour_with_what_was_there():
    picture = Image.new("RGB", (20, 20), (100, 100, 100))
    Painter(picture).disc(np.array([10.0, 10.0]), 6.0, (200, 100, 0), opacity=0.5)
    np.testing.assert_allclose(picture.getpixel((10, 10)), (150, 100, 50), atol=1)
    assert picture.getpixel((0, 0)) == (100, 100, 100)


def test_a_hole_stays_empty():
    centre = np.array([30.0, 25.0])
    outer, inner = (ellipse_outline(centre, r * np.eye(2)) for r in (12, 8))
    covered = coverage(lambda painter: painter.polygon(outer, WHITE, hole=inner))
    assert covered[25, 30] == 0
    assert covered[25, 40] == pytest.approx(1)
    assert covered.sum() == pytest.approx(np.pi * (144 - 64), rel=0.1)


@pytest.mark.parametrize("centre", [(-40.0, 10.0), (30.0, 400.0)])
def test_a_shape_outside_the_picture_paints_nothing(centre):
    assert coverage(lambda painter: painter.disc(np.array(centre), 5.0, WHITE)).sum() == 0


def test_a_shape_across_the_edge_is_cut_there():
    covered = coverage(lambda painter: painter.disc(np.array([-0.5, 24.5]), 10.0, WHITE))
    assert covered.sum() == pytest.approx(np.pi * 100 / 2, rel=0.08)


def test_a_shape_far_larger_than_the_picture_needs_no_giant_mask():
    covered = coverage(lambda painter: painter.disc(np.array([30.0, 25.0]), 5000.0, WHITE), size=(300, 200))
    assert covered.min() == 1


def test_a_line_has_its_width_and_ends():
    covered = coverage(
        lambda painter: painter.line(np.array([10.0, 20.0]), np.array([40.0, 20.0]), 4.0, WHITE)
    )
    assert covered.sum() == pytest.approx(30 * 4, rel=0.1)
    np.testing.assert_allclose(middle(covered), [25, 20], atol=0.2)


def test_a_line_of_no_length_paints_nothing():
    point = np.array([10.0, 20.0])
    assert coverage(lambda painter: painter.line(point, point, 4.0, WHITE)).sum() == 0


@pytest.mark.parametrize("size", [9, 14, 28])
def test_text_starts_at_its_place_and_is_centred_on_its_capitals(size):
    covered = coverage(lambda painter: painter.text((20.0, 40.0), "HEH", size, WHITE), size=(120, 80))
    ys, xs = np.nonzero(covered > 0.3)
    assert xs.min() == pytest.approx(20, abs=0.15 * size + 1)
    assert xs.max() == pytest.approx(20 + text_width("HEH", size), abs=0.15 * size + 1)
    assert (ys.min() + ys.max()) / 2 == pytest.approx(40, abs=0.06 * size + 0.5)


def test_a_halo_parts_text_from_what_is_below():
    picture = Image.new("RGB", (60, 40), WHITE)
    Painter(picture).text((10.0, 20.0), "I", 20, WHITE, halo=2.0)
    assert np.asarray(picture).min() == 0
    plain = Image.new("RGB", (60, 40), WHITE)
    Painter(plain).text((10.0, 20.0), "I", 20, WHITE)
    assert np.asarray(plain).min() == 255


def test_no_text_paints_nothing():
    assert coverage(lambda painter: painter.text((20.0, 20.0), "", 12, WHITE, halo=2.0)).sum() == 0


def test_ellipse_outline_by_hand():
    outline = ellipse_outline(np.array([10.0, 5.0]), np.array([[3.0, 0.0], [0.0, 2.0]]), count=4)
    np.testing.assert_allclose(outline, [[13, 5], [10, 7], [7, 5], [10, 3]], atol=1e-12)


def square(left, top, side):
    return np.array(
        [(left, top), (left + side, top), (left + side, top + side), (left, top + side)], dtype=float
    )


def test_what_an_even_number_of_outlines_surrounds_stays_free():
    rings = [square(10, 10, 20), square(15, 15, 10), square(18, 18, 4)]
    covered = coverage(lambda painter: painter.area(rings, WHITE))
    assert (covered[12, 12], covered[17, 17], covered[20, 20]) == (1.0, 0.0, 1.0)
    assert covered.sum() == pytest.approx(400 - 100 + 16, rel=0.08)


def test_an_area_has_the_opacity_asked_for():
    covered = coverage(lambda painter: painter.area([square(10, 10, 20)], WHITE, opacity=0.5))
    assert covered[20, 20] == pytest.approx(0.5, abs=0.01)


def test_an_edge_runs_along_its_outline_and_is_closed():
    covered = coverage(lambda painter: painter.edge([square(10, 10, 20)], 3.0, WHITE))
    assert covered.sum() == pytest.approx(4 * 20 * 3, rel=0.1)
    for x, y in ((20, 10), (30, 20), (20, 30), (10, 20), (10, 10), (30, 30)):
        assert covered[y, x] == 1.0
    assert covered[20, 20] == 0.0


def test_outlines_off_the_picture_and_no_outlines_change_nothing():
    for outlines in ([], [square(100, 100, 20)], [square(-50, -50, 20)]):
        assert coverage(lambda painter, o=outlines: painter.area(o, WHITE)).sum() == 0
        assert coverage(lambda painter, o=outlines: painter.edge(o, 2.0, WHITE)).sum() == 0

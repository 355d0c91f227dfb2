from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cephsure.errors import InputError
from cephsure.films import SpacingSource
from cephsure.studies.shifts import projection
from cephsure.studies.shifts.pose import View, project_points
from cephsure.studies.shifts.projection import (
    TONE_CURVE,
    attenuation_per_mm,
    cephalogram_view,
    ct_film,
    project,
    to_cephalogram,
)
from cephsure.studies.shifts.volume import Volume

SPACING_MM = (1.5, 1.0, 1.2)
SHAPE = (40, 60, 50)


def grid_mm() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    axes = (np.arange(n) * s for n, s in zip(SHAPE, SPACING_MM, strict=True))
    return tuple(np.meshgrid(*axes, indexing="ij"))


def ball(centre_mm: tuple[float, float, float]) -> Volume:
    """Bright in air, its edge 3 mm wide so that the grid shows it faithfully."""
    distance = np.sqrt(sum((a - c) ** 2 for a, c in zip(grid_mm(), centre_mm, strict=True)))
    values = -1000 + 1800 * np.clip((7 - distance) / 3, 0, 1)
    return Volume(values.astype(np.float32), SPACING_MM)


def box(x: slice, y: slice, z: slice, hu: float = 0) -> Volume:
    values = np.full(SHAPE, -1000, dtype=np.float32)
    values[x, y, z] = hu
    return Volume(values, SPACING_MM)


def view_onto(volume: Volume, **change) -> View:
    view = View(mm_per_px=0.6, width_px=140, height_px=130, pivot_mm=volume.centre_mm, pivot_px=(69.3, 64.8))
    return replace(view, **change)


def centroid(image: np.ndarray) -> np.ndarray:
    weights = image.astype(np.float64)
    rows, columns = np.indices(image.shape)
    return np.array([(columns * weights).sum(), (rows * weights).sum()]) / weights.sum()


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(
    geometry=st.sampled_from(["parallel", "cone"]),
    order=st.sampled_from([1, 3]),
    rotation=st.floats(-180, 180),
    lean=st.one_of(st.just((0.0, 0.0)), st.tuples(st.floats(-40, 40), st.floats(-40, 40))),
    centre=st.tuples(st.floats(18, 40), st.floats(18, 41), st.floats(18, 40)),
)
@example("cone", 1, 0.0, (0.0, 0.0), (20.0, 20.0, 40.0))
@example("cone", 3, 37.0, (0.0, 0.0), (40.0, 20.0, 20.0))
@example("parallel", 1, -45.0, (20.0, -30.0), (40.0, 40.0, 20.0))
def test_a_ball_falls_where_its_centre_is_projected(geometry, order, rotation, lean, centre):
    volume = ball(centre)
    view = view_onto(volume, geometry=geometry, rotation_deg=rotation, tilt_deg=lean[0], nod_deg=lean[1])
    image = project(volume, view, order=order)
    expected = project_points(np.array([centre]), view)[0]
    assert np.abs(centroid(image) - expected).max() < 0.2


def test_the_line_integral_through_a_box_is_its_width_times_its_attenuation():
    volume = box(slice(10, 30), slice(20, 40), slice(15, 35))  # water, 20 voxels of 1.5 mm deep
    view = view_onto(volume)
    image = project(volume, view)
    corners = project_points(np.array([[30.0, 22.0, 40.0], [30.0, 37.0, 20.0]]), view)
    (right, top), (left, bottom) = np.round(corners).astype(int)
    np.testing.assert_allclose(image[top:bottom, left:right], 0.02 * 20 * 1.5, rtol=5e-3)
    np.testing.assert_allclose(image[:, :10], 0)


@pytest.mark.parametrize(("angle", "length_mm"), [(90, 20.0), (-90, 20.0), (180, 30.0)])
def test_a_turned_box_shows_its_other_sides(angle, length_mm):
    volume = box(slice(10, 30), slice(20, 40), slice(15, 35))
    view = view_onto(volume, rotation_deg=angle)
    x, y = np.round(project_points(np.array([[29.25, 29.5, 29.4]]), view)[0]).astype(int)
    assert project(volume, view)[y, x] == pytest.approx(0.02 * length_mm, rel=5e-3)


def test_a_square_column_turned_by_45_degrees_is_met_along_its_diagonal():
    values = np.full((60, 60, 20), -1000, dtype=np.float32)
    values[20:40, 20:40] = 0
    volume = Volume(values, (1.0, 1.0, 1.0))
    view = View(
        mm_per_px=0.25,
        width_px=161,
        height_px=9,
        pivot_mm=volume.centre_mm,
        pivot_px=(80, 4),
        rotation_deg=45,
    )
    profile = project(volume, view)[4]
    offset_mm = np.abs(np.arange(161) - 80) * 0.25
    tent = 0.02 * 2 * np.maximum(20 / np.sqrt(2) - offset_mm, 0)
    assert np.abs(profile - tent).max() < 0.02 * 1.0  # voxels round off the tip by less than a millimetre
    assert profile.sum() == pytest.approx(tent.sum(), rel=5e-3)


def test_the_cone_meets_a_slab_obliquely():
    values = np.full((20, 60, 60), -1000, dtype=np.float32)
    values[5:15] = 500  # 0.03 per mm
    volume = Volume(values, (2.0, 10.0, 10.0))
    view = View(
        mm_per_px=10, width_px=51, height_px=51, pivot_mm=volume.centre_mm, pivot_px=(25, 25), geometry="cone"
    )
    image = project(volume, view)
    away_mm = np.hypot(*(np.indices((51, 51)) - 25)) * 10
    expected = 0.03 * 10 * 2.0 * np.sqrt(1 + (away_mm / 1500) ** 2)
    np.testing.assert_allclose(image, expected, rtol=5e-3)


def test_turning_keeps_the_total_attenuation_of_parallel_beams():
    volume = ball((24.0, 25.0, 33.0))
    totals = [project(volume, view_onto(volume, rotation_deg=a)).sum() for a in (0, 17, 45, 90)]
    np.testing.assert_allclose(totals, totals[0], rtol=5e-3)


def test_splines_and_lines_agree_on_what_is_smooth():
    x, y, z = grid_mm()
    smooth = -1000 + 900 * np.exp(-((x - 29) ** 2 + (y - 30) ** 2 + (z - 29) ** 2) / (2 * 9.0**2))
    volume = Volume(np.maximum(smooth, -790).astype(np.float32), SPACING_MM)
    view = view_onto(volume, rotation_deg=20, geometry="cone", width_px=60, height_px=60, pivot_px=(30, 30))
    linear, spline = (project(volume, view, order=order) for order in (1, 3))
    np.testing.assert_allclose(linear, spline, atol=0.01 * spline.max())


def test_attenuation_of_air_water_and_bone():
    hu = np.array([-1000, -801, -800, -500, 0, 1000], dtype=np.float32)
    np.testing.assert_allclose(attenuation_per_mm(hu), [0, 0, 0.004, 0.01, 0.02, 0.04], rtol=1e-6)
    # With a gain of 2 the 900 HU over 100 count twice.
    np.testing.assert_allclose(attenuation_per_mm(hu, bone_gain=2)[3:], [0.01, 0.02, 0.058], rtol=1e-6)
    assert attenuation_per_mm(hu).dtype == np.float32
    assert hu[0] == -1000


def test_size_and_scale_of_the_film_are_those_of_the_view():
    volume = box(slice(10, 30), slice(20, 40), slice(15, 35))
    integrals = project(volume, view_onto(volume))
    assert integrals.shape == (130, 140)
    assert integrals.dtype == np.float32
    spacing = ct_film(volume, view_onto(volume)).spacing
    assert spacing.x_mm_per_px == spacing.y_mm_per_px == 0.6
    assert spacing.source is SpacingSource.DATASET


def test_the_slabs_of_a_cone_show_the_same_as_single_depths(monkeypatch):
    volume = ball((24.0, 25.0, 40.0))
    view = view_onto(volume, geometry="cone", rotation_deg=20)
    quick = project(volume, view)
    monkeypatch.setattr(projection, "_SLAB_MM", 1e-6)  # as many slabs as depths
    exact = project(volume, view)
    assert np.abs(quick - exact).max() < 0.005 * exact.max()


def disc(height: int = 120, width: int = 100) -> np.ndarray:
    """A ring of bone round a brain, in air."""
    y, x = np.indices((height, width))
    radius = np.hypot(x - 44, y - 57)
    return (3.2 * (radius < 35) + 0.9 * ((radius > 31) & (radius < 35))).astype(np.float32)


@pytest.mark.parametrize(("integral", "grey"), TONE_CURVE)
def test_an_even_image_gets_the_grey_of_the_tone_curve(integral, grey):
    even = np.full((40, 30), integral, dtype=np.float32)
    np.testing.assert_allclose(to_cephalogram(even, mm_per_px=0.5), grey / 255, atol=1e-5)


def test_the_tone_curve_rises():
    at, grey = np.array(TONE_CURVE).T
    assert (np.diff(at) > 0).all()
    assert (np.diff(grey) > 0).all()


def test_bone_is_brighter_than_brain_than_air_and_nothing_moves():
    pixels = to_cephalogram(disc(), mm_per_px=1.0)
    assert pixels.dtype == np.float32
    assert pixels.min() >= 0
    assert pixels.max() <= 1
    assert pixels[57, 44 + 33] > pixels[57, 44] + 0.1 > pixels[5, 90] + 0.5
    np.testing.assert_allclose(
        pixels[:, ::-1], to_cephalogram(disc()[:, ::-1].copy(), mm_per_px=1.0), atol=1e-5
    )


def test_detail_and_sharpening_raise_contrast():
    fine = 3 + 0.1 * np.sin(np.arange(100) * 2 * np.pi / 5)
    image = np.tile(fine, (60, 1)).astype(np.float32)
    plain = to_cephalogram(image, mm_per_px=1.0, detail_gain=1, sharpening=0).std()
    assert to_cephalogram(image, mm_per_px=1.0, detail_gain=2, sharpening=0).std() > 1.5 * plain
    assert to_cephalogram(image, mm_per_px=1.0, detail_gain=1, sharpening=1).std() > 1.2 * plain


def test_grain_is_seeded_and_of_the_given_strength():
    even = np.full((200, 200), 3.0, dtype=np.float32)
    one, again, other = (to_cephalogram(even, mm_per_px=0.25, grain=0.02, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)
    assert one.std() == pytest.approx(0.02, rel=1e-3)


def test_what_is_not_an_image_is_refused():
    with pytest.raises(InputError):
        to_cephalogram(np.zeros((3, 4, 5), dtype=np.float32), mm_per_px=1.0)
    with pytest.raises(InputError):
        to_cephalogram(np.full((3, 4), np.nan, dtype=np.float32), mm_per_px=1.0)


HEAD_SPACING_MM = (3.0, 2.0, 2.0)
HEAD_SHAPE = (40, 80, 60)


def head_with_a_ball() -> tuple[Volume, np.ndarray]:
    """An ellipsoid of water with a nose and a wire before it; a dense ball, whose place is returned."""
    axes = (np.arange(n) * s for n, s in zip(HEAD_SHAPE, HEAD_SPACING_MM, strict=True))
    x, y, z = np.meshgrid(*axes, indexing="ij")
    values = np.full(HEAD_SHAPE, -1000, dtype=np.float32)
    values[((x - 60) / 50) ** 2 + ((y - 85) / 65) ** 2 + ((z - 60) / 45) ** 2 < 1] = 0
    values[(np.abs(x - 60) < 7) & (y >= 10) & (y < 40) & (np.abs(z - 60) < 9)] = 0
    values[20, :5, 30] = 0  # a wire: narrower than a nose
    ball = np.array([75.0, 70.0, 80.0])
    values[(x - 75) ** 2 + (y - 70) ** 2 + (z - 80) ** 2 < 7**2] = 3000
    return Volume(values, HEAD_SPACING_MM), ball


def test_the_nose_is_near_the_right_edge_and_the_vertex_at_the_upper_one():
    volume, _ = head_with_a_ball()
    view = cephalogram_view(volume)
    assert (view.width_px, view.height_px) == (484, 600)
    nose, vertex = project_points(np.array([[60.0, 10, 60], [60, 85, 104]]), view)
    assert nose[0] == pytest.approx(view.width_px - 1 - 8 / 0.4)
    assert vertex[1] == pytest.approx(0, abs=2 / 0.4)


@pytest.mark.parametrize("geometry", ["parallel", "cone"])
@pytest.mark.parametrize("look", ["sum", "cephalogram"])
def test_the_refined_film_shows_things_where_they_are_projected(geometry, look):
    volume, ball = head_with_a_ball()
    view = replace(cephalogram_view(volume), geometry=geometry, rotation_deg=25)
    film = ct_film(volume, view, look=look)
    assert film.spacing is not None
    assert film.spacing.x_mm_per_px == 0.4
    assert film.pixels.shape == (600, 484)
    assert film.pixels.dtype == np.float32
    # The film without the ball is the same film but for the ball, and where the sum has its maximum.
    plain = Volume(np.minimum(volume.values, 0), HEAD_SPACING_MM)
    without = ct_film(plain, view, look=look).pixels
    ratio = 1.0 if look == "cephalogram" else np.median(film.pixels[without > 0.2] / without[without > 0.2])
    weights = np.maximum(film.pixels - ratio * without, 0.02) - 0.02
    rows, columns = np.indices(film.pixels.shape)
    found = np.array([(columns * weights).sum(), (rows * weights).sum()]) / weights.sum()
    np.testing.assert_allclose(found, project_points(ball[np.newaxis], view)[0], atol=1.0)


def test_the_sum_is_the_projection_over_its_maximum():
    volume, _ = head_with_a_ball()
    view = replace(cephalogram_view(volume), mm_per_px=2.0, width_px=90, height_px=70, pivot_px=(40.0, 30.0))
    film = ct_film(volume, view, look="sum")
    integrals = project(volume, view)
    np.testing.assert_allclose(film.pixels, integrals / integrals.max(), atol=1e-5)
    assert film.pixels.max() == 1
    air = Volume(np.full(HEAD_SHAPE, -1000, dtype=np.float32), HEAD_SPACING_MM)
    assert ct_film(air, view, look="sum").pixels.max() == 0

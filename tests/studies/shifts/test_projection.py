from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cephsure.films import SpacingSource
from cephsure.studies.shifts import View, Volume, attenuation_per_mm, project, project_points, projection

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
    image = project(volume, view, order=order).line_integrals
    expected = project_points(np.array([centre]), view)[0]
    assert np.abs(centroid(image) - expected).max() < 0.2


def test_the_line_integral_through_a_box_is_its_width_times_its_attenuation():
    volume = box(slice(10, 30), slice(20, 40), slice(15, 35))  # water, 20 voxels of 1.5 mm deep
    view = view_onto(volume)
    image = project(volume, view).line_integrals
    corners = project_points(np.array([[30.0, 22.0, 40.0], [30.0, 37.0, 20.0]]), view)
    (right, top), (left, bottom) = np.round(corners).astype(int)
    np.testing.assert_allclose(image[top:bottom, left:right], 0.02 * 20 * 1.5, rtol=5e-3)
    np.testing.assert_allclose(image[:, :10], 0)


@pytest.mark.parametrize(("angle", "length_mm"), [(90, 20.0), (-90, 20.0), (180, 30.0)])
def test_a_turned_box_shows_its_other_sides(angle, length_mm):
    volume = box(slice(10, 30), slice(20, 40), slice(15, 35))
    view = view_onto(volume, rotation_deg=angle)
    x, y = np.round(project_points(np.array([[29.25, 29.5, 29.4]]), view)[0]).astype(int)
    assert project(volume, view).line_integrals[y, x] == pytest.approx(0.02 * length_mm, rel=5e-3)


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
    profile = project(volume, view).line_integrals[4]
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
    image = project(volume, view).line_integrals
    away_mm = np.hypot(*(np.indices((51, 51)) - 25)) * 10
    expected = 0.03 * 10 * 2.0 * np.sqrt(1 + (away_mm / 1500) ** 2)
    np.testing.assert_allclose(image, expected, rtol=5e-3)


def test_turning_keeps_the_total_attenuation_of_parallel_beams():
    volume = ball((24.0, 25.0, 33.0))
    totals = [
        project(volume, view_onto(volume, rotation_deg=a)).line_integrals.sum() for a in (0, 17, 45, 90)
    ]
    np.testing.assert_allclose(totals, totals[0], rtol=5e-3)


def test_splines_and_lines_agree_on_what_is_smooth():
    x, y, z = grid_mm()
    smooth = -1000 + 900 * np.exp(-((x - 29) ** 2 + (y - 30) ** 2 + (z - 29) ** 2) / (2 * 9.0**2))
    volume = Volume(np.maximum(smooth, -790).astype(np.float32), SPACING_MM)
    view = view_onto(volume, rotation_deg=20, geometry="cone", width_px=60, height_px=60, pivot_px=(30, 30))
    linear, spline = (project(volume, view, order=order).line_integrals for order in (1, 3))
    np.testing.assert_allclose(linear, spline, atol=0.01 * spline.max())


def test_attenuation_of_air_water_and_bone():
    hu = np.array([-1000, -801, -800, -500, 0, 1000], dtype=np.float32)
    np.testing.assert_allclose(attenuation_per_mm(hu), [0, 0, 0.004, 0.01, 0.02, 0.04], rtol=1e-6)
    # With a gain of 2 the 900 HU over 100 count twice.
    np.testing.assert_allclose(attenuation_per_mm(hu, bone_gain=2)[3:], [0.01, 0.02, 0.058], rtol=1e-6)
    assert attenuation_per_mm(hu).dtype == np.float32
    assert hu[0] == -1000


def test_the_scale_is_that_of_the_view():
    volume = box(slice(10, 30), slice(20, 40), slice(15, 35))
    projection = project(volume, view_onto(volume))
    assert projection.spacing.x_mm_per_px == projection.spacing.y_mm_per_px == 0.6
    assert projection.spacing.source is SpacingSource.DATASET
    assert projection.line_integrals.shape == (130, 140)
    assert projection.line_integrals.dtype == np.float32


def test_the_slabs_of_a_cone_show_the_same_as_single_depths(monkeypatch):
    volume = ball((24.0, 25.0, 40.0))
    view = view_onto(volume, geometry="cone", rotation_deg=20)
    quick = project(volume, view).line_integrals
    monkeypatch.setattr(projection, "_SLAB_MM", 1e-6)  # as many slabs as depths
    exact = project(volume, view).line_integrals
    assert np.abs(quick - exact).max() < 0.005 * exact.max()

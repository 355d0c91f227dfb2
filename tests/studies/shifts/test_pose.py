from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from cephsure.errors import InputError
from cephsure.studies.shifts.pose import (
    Levelling,
    View,
    find_level,
    level_head,
    pose_matrix,
    project_points,
    view_of,
)
from cephsure.studies.shifts.volume import Volume, head_centre_mm

pytestmark = pytest.mark.slow

STRAIGHT = View(
    mm_per_px=0.5, width_px=200, height_px=300, pivot_mm=(50.0, 60.0, 70.0), pivot_px=(100.0, 150.0)
)
CONE = replace(STRAIGHT, geometry="cone")
angles = st.floats(-180, 180)


def seen(point_mm: tuple[float, float, float], view: View) -> np.ndarray:
    return project_points(np.array([point_mm]), view)[0]


def test_front_is_right_and_superior_is_up():
    np.testing.assert_allclose(seen((50, 60, 70), STRAIGHT), (100, 150))
    np.testing.assert_allclose(seen((50, 50, 70), STRAIGHT), (120, 150))  # 10 mm to the front
    np.testing.assert_allclose(seen((50, 60, 80), STRAIGHT), (100, 130))  # 10 mm up
    np.testing.assert_allclose(seen((80, 50, 80), STRAIGHT), (120, 130))  # depth does not matter


def test_the_cone_magnifies_what_is_nearer_the_source():
    np.testing.assert_allclose(seen((50, 50, 70), CONE), (120, 150))  # in the midplane as without a cone
    np.testing.assert_allclose(seen((200, 50, 70), CONE), (100 + 20 / 1.1, 150))  # at the film, 150 mm left
    np.testing.assert_allclose(seen((-100, 50, 80), CONE), (100 + 20 / 0.9, 150 - 20 / 0.9))


def test_the_signs_of_the_angles():
    nose, vertex = (50, 50, 70), (50, 60, 80)
    down = seen(nose, replace(STRAIGHT, nod_deg=30))
    np.testing.assert_allclose(down, (100 + 20 * np.cos(np.pi / 6), 150 + 10))
    # Seen from a cone, what comes towards the film (left) shrinks: 5 mm of depth for 30 degrees.
    for point, turned, axis in ((nose, {"rotation_deg": 30}, 0), (vertex, {"tilt_deg": 30}, 1)):
        flat = seen(point, replace(STRAIGHT, **turned))
        cone = seen(point, replace(CONE, **turned))
        away = np.abs(flat - (100, 150))
        assert away[axis] == pytest.approx(20 * np.cos(np.pi / 6))
        assert np.abs(cone - (100, 150))[axis] == pytest.approx(away[axis] * 1500 / 1505)


def test_a_quarter_turn_shows_the_right_ear_in_front():
    view = replace(STRAIGHT, rotation_deg=90)
    np.testing.assert_allclose(seen((40, 60, 70), view), (120, 150))


def test_nod_comes_before_tilt_and_rotation_last():
    matrix = pose_matrix(nod_deg=90, tilt_deg=90, rotation_deg=90)
    # The nose (0, -1, 0): the nod takes it to (0, 0, -1), the tilt to (-1, 0, 0), the rotation to (0, -1, 0).
    np.testing.assert_allclose(matrix @ (0, -1, 0), (0, -1, 0), atol=1e-12)
    # The vertex (0, 0, 1): (0, -1, 0), unmoved by the tilt about y, then to the left.
    np.testing.assert_allclose(matrix @ (0, 0, 1), (1, 0, 0), atol=1e-12)


@given(rotation=angles, tilt=angles, nod=angles, geometry=st.sampled_from(["parallel", "cone"]))
def test_the_pivot_stays_and_the_pose_is_a_rotation(rotation, tilt, nod, geometry):
    view = replace(STRAIGHT, rotation_deg=rotation, tilt_deg=tilt, nod_deg=nod, geometry=geometry)
    np.testing.assert_allclose(seen(view.pivot_mm, view), view.pivot_px)
    matrix = view.matrix
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(matrix) == pytest.approx(1)


def test_a_film_over_the_whole_volume():
    volume = Volume(np.full((5, 41, 21), -1000, dtype=np.float32), (3.0, 1.0, 2.0))
    view = replace(view_of(volume, mm_per_px=0.5, geometry="cone"), rotation_deg=7)
    assert (view.width_px, view.height_px, view.rotation_deg) == (81, 81, 7)
    x, _, _ = view.pivot_mm
    straight = replace(view, rotation_deg=0)
    np.testing.assert_allclose(seen((x, 0, 40), straight), (80, 0))  # front and top
    np.testing.assert_allclose(seen((x, 40, 0), straight), (0, 80))


@pytest.mark.parametrize(
    "change", [{"mm_per_px": 0.0}, {"mm_per_px": float("nan")}, {"width_px": 0}, {"geometry": "fan"}]
)
def test_an_impossible_view_is_refused(change):
    with pytest.raises(InputError):
        replace(STRAIGHT, **change)


def test_points_must_have_three_coordinates():
    with pytest.raises(InputError, match=r"\(n, 3\)"):
        project_points(np.zeros((4, 2)), STRAIGHT)


SPACING_MM = (5.0, 4.0, 5.0)
SHAPE = (36, 44, 36)
CENTRE_MM = np.array([89.0, 90.0, 88.0])


def head(tilt_deg: float, rotation_deg: float) -> Volume:
    """A shell, a jaw and two ear bones, mirrored in x but for one cheek, then turned."""
    turn = Levelling(tilt_deg, rotation_deg, 1.0).matrix
    axes = (np.arange(n) * step for n, step in zip(SHAPE, SPACING_MM, strict=True))
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    x, y, z = np.moveaxis((grid - CENTRE_MM) @ turn, -1, 0)  # the row vector times R is R transposed times it
    radius = np.sqrt((x / 62) ** 2 + ((y - 5) / 75) ** 2 + ((z - 15) / 60) ** 2)
    shell = np.abs(radius - 0.95) < 0.05
    jaw = (np.abs(np.abs(x) - 40 * (y + 75) / 90) < 5) & (np.abs(y + 30) < 40) & (np.abs(z + 55) < 10)
    ears = (np.abs(x) > 35) & (np.abs(x) < 60) & (np.abs(y - 8) < 9) & (np.abs(z + 10) < 7)
    cheek = (x - 30) ** 2 + (y + 50) ** 2 + (z + 15) ** 2 < 9**2
    values = -1000 + 1060 * (radius < 1) + 1200 * (shell | jaw | ears | cheek)
    return Volume(ndimage.gaussian_filter(values.astype(np.float32), 0.6), SPACING_MM)


@pytest.mark.parametrize(("tilt", "rotation"), [(0.0, 0.0), (5.0, -7.0), (-9.0, 3.0)])
def test_a_turned_head_is_found_to_be_turned(tilt, rotation):
    # The head was tilted, then rotated: to level it, a rotation then a tilt would undo it, and what is found
    # is the equivalent in the order tilt, rotation, for the plane's normal.
    level = find_level(head(tilt, rotation))
    normal = level.matrix @ Levelling(tilt, rotation, 1.0).matrix[:, 0]
    assert np.degrees(np.arccos(np.clip(normal[0], -1, 1))) < 1.5
    assert level.symmetry > 0.8


def test_the_levelled_head_mirrors_itself_and_points_go_along():
    turned = head(6.0, 4.0)
    # A small dense ball marks a point.
    index = (12, 16, 24)
    turned.values[11:14, 15:18, 23:26] = 3000
    level = level_head(turned)
    carried = level.carry(np.array([np.array(index) * SPACING_MM]))[0]
    place = np.round(carried / level.volume.spacing_mm).astype(int)
    assert level.volume.values[tuple(place)] > 1500
    again = find_level(level.volume)
    assert abs(again.tilt_deg) < 1.5
    assert abs(again.rotation_deg) < 1.5


def test_levelling_is_the_view_with_the_same_angles():
    volume = head(0.0, 0.0)
    how = Levelling(7.0, -11.0, 1.0)
    level = level_head(volume, how)
    points = np.array([[50.0, 60.0, 70.0], [120.0, 30.0, 100.0]])
    straight = view_of(volume, mm_per_px=1.0, geometry="cone")
    turned = replace(straight, tilt_deg=how.tilt_deg, rotation_deg=how.rotation_deg)
    pivot = tuple(level.carry(np.array([straight.pivot_mm]))[0])
    np.testing.assert_allclose(
        project_points(level.carry(points), replace(straight, pivot_mm=pivot)), project_points(points, turned)
    )
    assert (np.abs(level.carry(points)) < 400).all()


def test_a_nod_comes_last_so_that_the_midsagittal_plane_stays_upright():
    straight, how = Levelling(7.0, -11.0, 1.0).matrix, Levelling(7.0, -11.0, 1.0, nod_deg=20.0)
    np.testing.assert_allclose(how.matrix @ straight[0], [1, 0, 0], atol=1e-12)
    # What was in front is then lower: the chin goes down.
    assert (how.matrix @ (straight.T @ [0.0, -1.0, 0.0]))[2] == pytest.approx(-np.sin(np.radians(20)))


def test_nothing_is_levelled_without_bone():
    volume = Volume(np.full((20, 20, 20), -1000, dtype=np.float32), (4.0, 4.0, 4.0))
    assert find_level(volume) == Levelling(0.0, 0.0, 0.0)
    level = level_head(volume)
    np.testing.assert_allclose(level.carry(np.array([[1.0, 2, 3]])), [[1, 2, 3]])
    np.testing.assert_array_equal(level.volume.values[:20, :20, :20], volume.values)


def test_a_fine_axis_can_be_made_coarser_and_points_stay():
    volume = head(0.0, 0.0)
    how = Levelling(3.0, -2.0, 1.0)
    level = level_head(volume, how, finest_mm=4.5)
    assert level.volume.spacing_mm == (5.0, 4.5, 5.0)
    points = np.array([[50.0, 60.0, 70.0]])
    np.testing.assert_allclose(level.carry(points), level_head(volume, how).carry(points))
    np.testing.assert_allclose(
        head_centre_mm(level.volume), level.carry(np.array([head_centre_mm(volume)]))[0], atol=1.5
    )

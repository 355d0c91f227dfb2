from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cephsure.errors import InputError
from cephsure.studies.shifts import View, Volume, pose_matrix, project_points, view_of

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
    matrix = pose_matrix(replace(STRAIGHT, nod_deg=90, tilt_deg=90, rotation_deg=90))
    # The nose (0, -1, 0): the nod takes it to (0, 0, -1), the tilt to (-1, 0, 0), the rotation to (0, -1, 0).
    np.testing.assert_allclose(matrix @ (0, -1, 0), (0, -1, 0), atol=1e-12)
    # The vertex (0, 0, 1): (0, -1, 0), unmoved by the tilt about y, then to the left.
    np.testing.assert_allclose(matrix @ (0, 0, 1), (1, 0, 0), atol=1e-12)


@given(rotation=angles, tilt=angles, nod=angles, geometry=st.sampled_from(["parallel", "cone"]))
def test_the_pivot_stays_and_the_pose_is_a_rotation(rotation, tilt, nod, geometry):
    view = replace(STRAIGHT, rotation_deg=rotation, tilt_deg=tilt, nod_deg=nod, geometry=geometry)
    np.testing.assert_allclose(seen(view.pivot_mm, view), view.pivot_px)
    matrix = pose_matrix(view)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(matrix) == pytest.approx(1)


def test_a_film_over_the_whole_volume():
    volume = Volume(np.full((5, 41, 21), -1000, dtype=np.float32), (3.0, 1.0, 2.0))
    view = view_of(volume, mm_per_px=0.5, rotation_deg=7, geometry="cone")
    assert (view.width_px, view.height_px, view.rotation_deg) == (81, 81, 7)
    x, _, _ = view.pivot_mm
    straight = replace(view, rotation_deg=0)
    np.testing.assert_allclose(seen((x, 0, 40), straight), (80, 0))  # front and top
    np.testing.assert_allclose(seen((x, 40, 0), straight), (0, 80))


def test_magnification_on_the_physical_film():
    assert CONE.film_magnification == pytest.approx(1.1)
    assert STRAIGHT.film_magnification == 1


@pytest.mark.parametrize(
    "change", [{"mm_per_px": 0.0}, {"mm_per_px": float("nan")}, {"width_px": 0}, {"geometry": "fan"}]
)
def test_an_impossible_view_is_refused(change):
    with pytest.raises(InputError):
        replace(STRAIGHT, **change)


def test_points_must_have_three_coordinates():
    with pytest.raises(InputError, match=r"\(n, 3\)"):
        project_points(np.zeros((4, 2)), STRAIGHT)

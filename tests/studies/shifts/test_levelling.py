from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from cephsure.studies.shifts import Volume, head_centre_mm, project_points, view_of
from cephsure.studies.shifts.levelling import Levelling, find_level, level_head

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

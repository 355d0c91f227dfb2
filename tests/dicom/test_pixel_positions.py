from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cephsure.dicom.pixel_positions import (
    ellipse_ends,
    from_dicom,
    principal_axes,
    region_outlines,
    to_dicom,
    within,
)
from cephsure.uncertainty.prediction import Region

positions = st.floats(-50, 20_000, allow_nan=False)
lengths = st.floats(0.1, 500)


@given(st.lists(st.tuples(positions, positions), min_size=1, max_size=4))
def test_there_and_back_is_the_same_position(points):
    assert np.allclose(from_dicom(to_dicom(points)), points, atol=1e-9)


@given(positions, positions)
def test_back_from_the_single_precision_of_a_report(x, y):
    stored = to_dicom([[x, y]]).astype(np.float32)
    assert np.abs(from_dicom(stored) - [[x, y]]).max() <= 1e-3


def test_corners_of_the_first_and_last_pixel():
    """PS3.3 C.18.6.1.2: the outer corners are 0\\0 and Columns\\Rows."""
    assert to_dicom([(-0.5, -0.5), (0, 0), (399.5, 479.5)]).tolist() == [[0, 0], [0.5, 0.5], [400, 480]]


@given(lengths, lengths, st.floats(0, np.pi), st.floats(0.3, 3))
def test_ends_lie_on_the_ellipse_at_right_angles(a, b, angle, stretch):
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    half_axes = (turn @ np.diag([a, b])).T * [1, stretch]  # pixels that are not square
    longer, shorter = principal_axes(half_axes)
    assert abs(longer @ shorter) <= 1e-6 * max(1, np.hypot(*longer) * np.hypot(*shorter))
    assert np.hypot(*longer) >= np.hypot(*shorter) - 1e-9
    for end in (longer, shorter):
        inside = np.linalg.solve(half_axes.T, end)
        assert inside @ inside == pytest.approx(1)


def test_ends_of_an_ellipse():
    region = Region(level=0.9, kind="ellipse", centre_px=(10, 20), half_axes_px=((0, 5), (3, 0)))
    ends = ellipse_ends(region)
    assert sorted(map(tuple, np.abs(ends - [10, 20]).round(9).tolist())) == [(0, 5), (0, 5), (3, 0), (3, 0)]
    (outline,) = region_outlines(region)
    assert np.allclose(((outline - [10, 20]) / [3, 5]) ** 2 @ [1, 1], 1)
    assert outline[0].tolist() == outline[-1].tolist()


def test_outlines_of_other_regions():
    hdr = Region(level=0.9, kind="hdr", outlines_px=(((0, 0), (1, 0), (1, 1)),))
    assert ellipse_ends(hdr) is None
    assert region_outlines(hdr)[0].tolist() == [[0, 0], [1, 0], [1, 1], [0, 0]]
    assert region_outlines(Region(level=0.9, kind="hdr", whole_film=True)) == ()


def test_what_lies_off_the_film_is_moved_to_its_edge():
    moved = within(np.array([(-3.0, 5.0), (500.0, 600.0)]), 400, 480)
    assert to_dicom(moved).tolist() == [[0, 5.5], [400, 480]]

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cephsure.uncertainty.monitor.outside import holds
from cephsure.uncertainty.prediction import Region

ELLIPSE = Region(level=0.9, kind="ellipse", centre_px=(10.0, 20.0), half_axes_px=((3.0, 3.0), (-1.0, 1.0)))
FRAME = Region(
    level=0.9,
    kind="hdr",
    outlines_px=(
        ((0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0)),
        ((4.0, 4.0), (6.0, 4.0), (6.0, 6.0), (4.0, 6.0)),
    ),
)


@given(st.floats(0, 2 * np.pi), st.floats(0, 2))
def test_an_ellipse_holds_what_its_half_axes_say(angle, radius):
    axes = np.array(ELLIPSE.half_axes_px)
    point = np.array(ELLIPSE.centre_px) + radius * (np.cos(angle) * axes[0] + np.sin(angle) * axes[1])
    if abs(radius - 1) > 1e-6:
        assert holds(ELLIPSE, point) == (radius < 1)


@pytest.mark.parametrize(
    ("point", "inside"),
    [((1, 1), True), ((5, 5), False), ((5, 3), True), ((11, 5), False), ((-1, 5), False), ((8, 8), True)],
)
def test_a_hole_is_outside(point, inside):
    assert holds(FRAME, np.array(point, dtype=float)) is inside


def test_all_of_the_film_holds_everything_and_a_point_only_itself():
    assert holds(Region(level=0.9, kind="disc", whole_film=True), np.array([1e6, 0.0]))
    spot = Region(level=0.9, kind="disc", centre_px=(1.0, 1.0), half_axes_px=((0.0, 0.0), (0.0, 0.0)))
    assert holds(spot, np.array([1.0, 1.0]))
    assert not holds(spot, np.array([1.0, 2.0]))
    assert not holds(Region(level=0.9, kind="disc"), np.array([0.0, 0.0]))

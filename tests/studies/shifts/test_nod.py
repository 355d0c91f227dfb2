from __future__ import annotations

import numpy as np
import pytest

from cephsure.studies.shifts.landmarks_3d import PLACES_MM
from cephsure.studies.shifts.nod import SKULL, nod_to_standard

CODES = tuple(PLACES_MM)


def head(chin_up_deg, *, mm_per_px=0.4):
    """The mean head with its chin up, on a film of another scale, somewhere else."""
    c, s = np.cos(np.radians(chin_up_deg)), np.sin(np.radians(chin_up_deg))
    # To the right and down: what is in front goes up.
    return np.array(list(PLACES_MM.values())) @ np.array([[c, -s], [s, c]]) / mm_per_px + [300.0, -70.0]


@pytest.mark.parametrize("chin_up", [-29, -4, 0, 3, 17, 30])
def test_the_nod_takes_back_how_far_the_chin_is_up(chin_up):
    assert nod_to_standard(head(chin_up), CODES) == chin_up


def test_it_is_a_whole_degree():
    assert nod_to_standard(head(7.4), CODES) == 7.0


def test_the_jaw_says_nothing_and_an_unknown_point_is_left_out():
    points = head(12)
    for row, code in enumerate(CODES):
        if code not in SKULL:
            points[row] += [0.0, 200.0]
    points[CODES.index("Po")] = np.nan
    assert nod_to_standard(points, CODES) == 12.0


@pytest.mark.parametrize("known", [("S", "N", "Or"), ("Po", "PNS", "ANS")])
def test_three_landmarks_are_enough_and_two_are_not(known):
    rows = [CODES.index(code) for code in known]
    assert nod_to_standard(head(5)[rows], known) == 5.0
    assert nod_to_standard(head(5)[rows[:2]], known[:2]) is None


@pytest.mark.parametrize("chin_up", [31, -40, 180])
def test_no_head_is_nodded_far(chin_up):
    assert nod_to_standard(head(chin_up), CODES) is None


def test_points_of_other_sets_say_nothing():
    assert nod_to_standard(np.zeros((3, 2)), ("U", "L", "T1")) is None

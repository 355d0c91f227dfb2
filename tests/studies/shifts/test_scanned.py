from __future__ import annotations

import numpy as np
import pytest

from cephsure.datasets import read_isbi, select
from cephsure.landmarks import load_landmark_set
from cephsure.studies.shifts import Volume, cephalogram_view, cut_off
from cephsure.studies.shifts.scanned import DEPTHS_MM

CODES = load_landmark_set().codes


def head(height_mm, below_mm=0):
    """A block of tissue of a height, and air below it."""
    values = np.full((20, 40, (height_mm + below_mm) // 4), -1000, np.float32)
    values[3:-3, 3:-3, below_mm // 4 : -2] = 40
    values[6:-6, 10:-6, below_mm // 4 : -2] = 900
    return Volume(values, (4.0, 4.0, 4.0))


def absent(volume):
    return cut_off(volume, cephalogram_view(volume), CODES)


def test_every_landmark_of_the_set_has_a_depth():
    assert set(DEPTHS_MM) == set(CODES)


def test_a_whole_head_lacks_nothing():
    assert absent(head(240)) == ()


@pytest.mark.parametrize("below_mm", [0, 80])
def test_a_scan_that_ends_at_the_upper_teeth_lacks_the_lower_jaw(below_mm):
    # 164 mm from the vertex; the two empty slices above it do not count, nor the air below the head.
    assert absent(head(176, below_mm)) == ("B", "Pog", "Me", "Gn", "LL", "Pog'")


def test_a_scan_that_begins_below_the_vertex_lacks_what_is_above_it():
    volume = head(240)
    view = cephalogram_view(volume)
    lower = Volume(
        np.ascontiguousarray(volume.values[:, :, :-30]), volume.spacing_mm
    )  # 112 mm off the vertex
    assert cut_off(lower, view, CODES) == ("N",)


def test_a_scan_of_the_skull_cap_lacks_everything_and_one_without_tissue_is_not_judged():
    assert absent(head(88)) == CODES
    air = Volume(np.full((4, 4, 4), -1000, np.float32), (1.0, 1.0, 1.0))
    view = cephalogram_view(head(200))
    assert cut_off(air, view, CODES) == ()


@pytest.mark.shared
def test_depths_are_those_of_the_training_films(shared_data):
    films = select(read_isbi(shared_data / "isbi2015"), "train").films
    points = np.mean([np.mean(list(film.annotations.values()), axis=0) for film in films], axis=0)
    np.testing.assert_allclose(points[:, 1] * 0.1, [DEPTHS_MM[code] for code in CODES], atol=0.05)

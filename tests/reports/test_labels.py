from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cephsure.reports.labels import place_labels

pytestmark = pytest.mark.slow

BOUNDS = (800, 1000)
SIZE = np.array([40.0, 20.0])
# The chin of a cephalogram, all within a few label heights, and some landmarks further off.
CHIN = np.array([[500.0, 800], [505, 815], [495, 828], [475, 835], [540, 840], [300, 400], [620, 300]])


def place(points, *, radius=8.0, bounds=BOUNDS, keep_off=None):
    points = np.asarray(points, dtype=float).reshape(-1, 2)
    count = len(points)
    half_axes, sizes = np.tile(radius * np.eye(2), (count, 1, 1)), np.tile(SIZE, (count, 1))
    return place_labels(points, half_axes, sizes, bounds, dot_radius=4.0, keep_off=keep_off)


def overlap(a, b):
    return max(min(a[2], b[2]) - max(a[0], b[0]), 0) * max(min(a[3], b[3]) - max(a[1], b[1]), 0)


POINTS = st.lists(st.tuples(st.floats(0, BOUNDS[0]), st.floats(0, BOUNDS[1])), max_size=19)


@settings(max_examples=25, deadline=None)
@given(POINTS)
def test_labels_lie_inside_the_picture_and_keep_their_size(points):
    for label in place(points):
        left, top, right, bottom = label.box
        assert left >= -1e-9
        assert top >= -1e-9
        assert right <= BOUNDS[0] + 1e-9
        assert bottom <= BOUNDS[1] + 1e-9
        np.testing.assert_allclose([right - left, bottom - top], SIZE)


def test_crowded_labels_cover_neither_each_other_nor_any_mark():
    labels = place(CHIN)
    for a, b in combinations(labels, 2):
        assert overlap(a.box, b.box) == 0
    for label in labels:
        left, top, right, bottom = label.box
        for x, y in CHIN:
            assert not (left < x < right and top < y < bottom)


def test_a_label_keeps_off_the_wide_region_of_another_point():
    points = np.array([[300.0, 300], [330, 300]])
    half_axes = np.array([np.diag([100.0, 60.0]), 6 * np.eye(2)])
    labels = place_labels(points, half_axes, np.tile(SIZE, (2, 1)), BOUNDS, dot_radius=4.0)
    assert overlap(labels[1].box, (200, 240, 400, 360)) == 0
    assert labels[1].leader is not None


def test_leaders_lead_from_the_dot_to_the_box():
    labels = place(CHIN)
    assert any(label.leader is not None for label in labels)
    for point, label in zip(CHIN, labels, strict=True):
        if label.leader is not None:
            start, end = label.leader
            assert np.hypot(*(start - point)) <= 4.0 + 1e-9
            left, top, right, bottom = label.box
            assert left - 1e-9 <= end[0] <= right + 1e-9
            assert top - 1e-9 <= end[1] <= bottom + 1e-9


@settings(max_examples=25, deadline=None)
@given(POINTS)
def test_a_label_without_a_leader_is_nearest_to_its_own_point(points):
    points = np.asarray(points, dtype=float).reshape(-1, 2)
    for index, label in enumerate(place(points)):
        if label.leader is None:
            box = np.array(label.box)
            apart = np.hypot(*(points - np.clip(points, box[:2], box[2:])).T)
            assert apart[index] == pytest.approx(apart.min())


def test_a_lone_point_has_its_label_beside_it():
    (label,) = place([[400.0, 500.0]])
    box = np.array(label.box)
    apart = np.hypot(*(np.array([400, 500]) - np.clip([400, 500], box[:2], box[2:])))
    assert 8 < apart < 8 + SIZE[1]
    assert label.leader is None


def test_the_result_depends_on_the_input_alone():
    assert [label.box for label in place(CHIN)] == [label.box for label in place(CHIN.copy())]


def test_no_points_no_labels():
    assert place([]) == []


def test_a_picture_smaller_than_a_label_is_survived():
    assert len(place([[3.0, 4.0]], bounds=(10, 10))) == 1


def test_a_label_keeps_off_further_dots():
    (free,) = place([[400.0, 500.0]])
    middle = np.array([free.box[0] + free.box[2], free.box[1] + free.box[3]]) / 2
    (label,) = place([[400.0, 500.0]], keep_off=middle[None])
    left, top, right, bottom = label.box
    assert not (left - 4 < middle[0] < right + 4 and top - 4 < middle[1] < bottom + 4)

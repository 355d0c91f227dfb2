from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cephsure.reports.tracing import dashes, segments, smooth, tracing_lines

lines_of_three = arrays(np.float64, (3, 2), elements=st.floats(-100, 100).map(lambda value: round(value, 2)))


def test_straight_lines_go_beyond_their_points():
    (line,) = tracing_lines({"S": np.array([0.0, 0.0]), "N": np.array([100.0, 0.0])})
    np.testing.assert_allclose(line, [[-12, 0], [112, 0]])


def test_what_is_missing_is_left_out():
    at = {"S": np.array([0.0, 0.0]), "N": np.array([np.nan, 0.0]), "Po": np.array([1.0, 1.0])}
    assert tracing_lines(at) == []
    assert tracing_lines({"Sn": np.zeros(2), "UL": np.ones(2)}) == []  # two points are no outline


def test_the_profile_leads_through_its_points_in_order():
    places = {"Sn": (0, 0), "UL": (5, 10), "LL": (4, 20), "Pog'": (0, 30)}
    (line,) = tracing_lines({code: np.array(at, dtype=float) for code, at in reversed(places.items())})
    at = [int(np.flatnonzero((line == place).all(axis=1))[0]) for place in places.values()]
    assert at == sorted(at)
    assert len(line) > 30


@given(places=lines_of_three)
def test_a_smooth_line_leads_through_every_place(places):
    line = smooth(places)
    for place in places:
        assert np.hypot(*(line - place).T).min() < 1e-9


@given(line=lines_of_three, dash=st.floats(1, 20), gap=st.floats(1, 20))
def test_dashes_are_of_one_length_and_lie_on_the_line(line, dash, gap):
    total = np.hypot(*np.diff(line, axis=0).T).sum()
    pieces = dashes(line, dash=dash, gap=gap)
    drawn = [np.hypot(*np.diff(piece, axis=0).T).sum() for piece in pieces]
    assert drawn[:-1] == pytest.approx([dash] * (len(drawn) - 1), abs=1e-6)
    assert sum(drawn) <= total + 1e-6
    assert len(pieces) == (0 if total == 0 else int(np.ceil(total / (dash + gap))))


def test_segments_are_the_straight_parts():
    line = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
    (a, b), (c, d) = segments([line])
    np.testing.assert_array_equal([a, b, c, d], [line[0], line[1], line[1], line[2]])
    assert segments([]) == []

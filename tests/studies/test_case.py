from __future__ import annotations

import numpy as np
import pytest

from cephsure.studies.cases import Case, PointTable

NAN = float("nan")


@pytest.fixture
def table():
    """Three cases, two landmarks; the second case's film has no scale."""
    return PointTable(
        keys=(("a", ""), ("b", "70"), ("a", "70")),
        numbers=(1, 2),
        points_px=np.array([[[0.0, 0], [10, 10]], [[1, 1], [2, 2]], [[5, 5], [6, 6]]]),
        mm_per_px=np.array([[0.5, 0.25], [NAN, NAN], [1.0, 1.0]]),
        measures={"activation": np.array([[0.1, 0.2], [0.3, 0.4], [0.5, NAN]])},
    )


def test_a_case_is_named_by_film_and_condition(spot_film):
    case = Case("a", "70", spot_film)
    assert case.key == ("a", "70")
    assert (case.facing, case.polarity) == ("auto", "auto")


def test_names(table):
    assert len(table) == 3
    assert table.film_ids == ("a", "b", "a")
    assert table.conditions == ("", "70", "70")


def test_some_of_the_cases(table):
    part = table.where(np.array([True, False, True]))
    assert part.keys == (("a", ""), ("a", "70"))
    assert part.numbers == (1, 2)
    np.testing.assert_array_equal(part.points_px[1], [[5, 5], [6, 6]])
    np.testing.assert_array_equal(part.mm_per_px, [[0.5, 0.25], [1, 1]])
    np.testing.assert_array_equal(part.measures["activation"], [[0.1, 0.2], [0.5, NAN]])


def test_those_of_a_condition_and_of_none(table):
    assert table.of_condition("70").keys == (("b", "70"), ("a", "70"))
    nothing = table.of_condition("140")
    assert len(nothing) == 0
    assert nothing.points_px.shape == (0, 2, 2)


def test_errors_take_each_axis_by_its_own_scale(table):
    # 6 px of 0.5 mm to the side and 16 px of 0.25 mm down: 3 and 4 mm, so 5.
    truth = np.array([[[6.0, 16], [NAN, NAN]], [[0, 0], [0, 0]], [[5, 8], [6, 6]]])
    np.testing.assert_allclose(table.errors_mm(truth), [[5, NAN], [NAN, NAN], [3, 0]])

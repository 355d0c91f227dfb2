from __future__ import annotations

import numpy as np
import pytest

from cephsure.studies.cases import PointTable
from cephsure.studies.measured import measured

NAN = float("nan")


@pytest.fixture
def table():
    """Two films of two landmarks; the second has no scale; every network's spread is 0."""
    return PointTable(
        (("a", ""), ("b", "")),
        (1, 2),
        np.zeros((2, 2, 2)),
        np.array([[0.1, 0.1], [NAN, NAN]]),
        {
            "activation": np.array([[0.5, 0.2], [0.4, 0.1]]),
            "spread_px": np.zeros((2, 2)),
            "spread_mm": np.array([[0.0, 0.0], [NAN, NAN]]),
            "expected_error_px": np.array([[10.0, 20.0], [30.0, 40.0]]),
            "expected_error_mm": np.array([[1.0, 2.0], [NAN, NAN]]),
        },
    )


def test_lengths_in_mm_constants_and_what_was_not_stored_left_out(table):
    found = measured(table)
    assert list(found) == ["activation", "expected_error"]
    assert found["expected_error"].key == "expected_error_mm"
    assert found["expected_error"].label == "expected radial error [mm]"
    assert found["activation"].label == "maximum heat-map activation"


def test_in_px_where_that_is_asked_or_no_film_has_a_scale(table):
    assert measured(table, in_mm=False)["expected_error"].key == "expected_error_px"
    unscaled = table.where(np.array([False, True]))
    assert measured(unscaled)["expected_error"].key == "expected_error_px"


def test_turned_rises_with_uncertainty(table):
    found = measured(table)
    np.testing.assert_array_equal(found["activation"].turned, [[-0.5, -0.2], [-0.4, -0.1]])
    np.testing.assert_array_equal(found["expected_error"].turned[0], [1.0, 2.0])
    one = found["activation"].of(np.ones((1, 2)))
    assert (one.measure, one.values.shape) == (found["activation"].measure, (1, 2))

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cephsure.evaluation.errors import is_within, radial_errors, reliability, summarize

NAN = float("nan")


def test_errors_by_hand_in_px_and_in_mm():
    predicted = [[[3, 4], [10, 10]], [[0, 0], [5, 17]]]
    truth = [[[0, 0], [10, 10]], [[0, 0], [0, 5]]]
    assert radial_errors(predicted, truth) == pytest.approx(np.array([[5, 0], [0, 13]]))
    found = radial_errors(predicted, truth, mm_per_px=[[0.1, 0.1], [0.2, 0.2]])
    assert found == pytest.approx(np.array([[0.5, 0], [0, 2.6]]))


def test_pixels_that_are_not_square_are_scaled_axis_by_axis():
    # 6 px of 0.5 mm and 16 px of 0.25 mm are 3 mm and 4 mm.
    assert radial_errors([[[6, 16]]], [[[0, 0]]], mm_per_px=[[0.5, 0.25]]) == pytest.approx(np.array([[5.0]]))


def test_what_is_missing_has_no_error():
    predicted = [[[1, 1], [1, NAN], [1, 1]], [[1, 1], [1, 1], [1, 1]]]
    truth = [[[NAN, NAN], [0, 0], [1, 1]], [[1, 1], [1, 1], [1, 1]]]
    found = radial_errors(predicted, truth, mm_per_px=[[1, 1], [NAN, NAN]])
    assert np.isnan(found).tolist() == [[True, True, False], [True, True, True]]


@pytest.mark.parametrize(
    ("predicted", "truth", "mm_per_px"),
    [
        (np.zeros((2, 3, 2)), np.zeros((2, 4, 2)), None),
        (np.zeros((3, 2)), np.zeros((3, 2)), None),
        (np.zeros((2, 3, 3)), np.zeros((2, 3, 3)), None),
        (np.zeros((2, 3, 2)), np.zeros((2, 3, 2)), [0.1, 0.1]),
    ],
)
def test_shapes_that_do_not_fit_are_refused(predicted, truth, mm_per_px):
    with pytest.raises(ValueError, match=r"shape|not both"):
        radial_errors(predicted, truth, mm_per_px=mm_per_px)


@given(
    angle=st.floats(-math.pi, math.pi),
    shift=st.tuples(st.floats(-1000, 1000), st.floats(-1000, 1000)),
    seed=st.integers(0, 2**16),
)
def test_errors_do_not_change_when_both_move(angle, shift, seed):
    generator = np.random.default_rng(seed)
    predicted, truth = generator.uniform(0, 2000, (2, 3, 4, 2))
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    moved = radial_errors(predicted @ turn.T + np.array(shift), truth @ turn.T + np.array(shift))
    assert moved == pytest.approx(radial_errors(predicted, truth), abs=1e-8)
    assert radial_errors(truth, predicted) == pytest.approx(radial_errors(predicted, truth))


def test_summary_by_hand():
    # Five errors, one missing: 13.5 / 5 = 2.7. At most 2, 2.5, 3, 4 mm: 2, 3, 4, 4 of 5.
    found = summarize([[1.0, 2.0, 2.5], [3.0, 5.0, NAN]])
    assert found.n_points == 5
    assert found.mean == pytest.approx(2.7)
    assert found.sd == pytest.approx(math.sqrt((2.89 + 0.49 + 0.04 + 0.09 + 5.29) / 4))
    assert found.success_percent == pytest.approx({2.0: 40.0, 2.5: 60.0, 3.0: 80.0, 4.0: 80.0})


def test_an_error_of_exactly_the_threshold_is_a_success_whatever_its_rounding():
    # 18 px and 24 px of 0.1 mm: 30 px, 3 mm. In floating point it is 3.0000000000000004.
    errors = radial_errors([[[18, 24]]], [[[0, 0]]], mm_per_px=[[0.1, 0.1]])
    assert errors[0, 0] > 3.0
    assert summarize(errors).success_percent[3.0] == 100.0
    assert is_within(np.array([2.0, 2.0001, NAN]), 2.0).tolist() == [True, False, False]


def test_one_error_has_no_deviation_and_none_has_nothing():
    assert summarize([1.5]).mean == 1.5
    assert math.isnan(summarize([1.5]).sd)
    nothing = summarize([NAN, NAN])
    assert nothing.n_points == 0
    assert math.isnan(nothing.mean)
    assert all(math.isnan(value) for value in nothing.success_percent.values())


def test_by_hand():
    found = reliability([3.0, 1.0, 3.0, 1.0], [2.0, 0.5, 2.0, 1.5], bins=2)
    assert found.counts.tolist() == [2, 2]
    assert found.expected.tolist() == [1.0, 3.0]
    assert found.actual.tolist() == [1.0, 2.0]
    assert found.expected_calibration_error == 0.5


def test_groups_of_other_numbers_weigh_by_them():
    found = reliability([1.0, 2.0, 3.0], [1.0, 2.0, 6.0], bins=2)
    assert found.counts.tolist() == [2, 1]
    assert found.expected_calibration_error == pytest.approx((2 * 0 + 1 * 3) / 3)


def test_unknown_points_are_left_out_and_few_points_make_few_groups():
    found = reliability([[1.0, np.nan], [2.0, 3.0]], [[1.0, 1.0], [np.nan, 4.0]])
    assert found.counts.tolist() == [1, 1]
    assert found.actual.tolist() == [1.0, 4.0]


def test_true_expectations_are_calibrated():
    rng = np.random.default_rng(0)
    expected = rng.uniform(0.5, 3.0, 20_000)
    found = reliability(expected, rng.exponential(expected))
    assert found.expected / found.actual == pytest.approx(np.ones(10), abs=0.1)

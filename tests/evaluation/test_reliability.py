from __future__ import annotations

import numpy as np
import pytest

from cephsure.evaluation.reliability import reliability


def test_by_hand():
    found = reliability([3.0, 1.0, 3.0, 1.0], [2.0, 0.5, 2.0, 1.5], bins=2)
    assert found.counts.tolist() == [2, 2]
    assert found.expected.tolist() == [1.0, 3.0]
    assert found.actual.tolist() == [1.0, 2.0]
    assert found.ratios.tolist() == [1.0, 1.5]
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
    assert found.ratios == pytest.approx(np.ones(10), abs=0.1)

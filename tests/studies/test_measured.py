from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from cephsure.evaluation.bootstrap import film_weights
from cephsure.studies.cases import PointTable
from cephsure.studies.measured import Measured, correlate, measured, strongest
from cephsure.uncertainty import MEASURES

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
            "raw_expected_error_px": np.array([[10.0, 20.0], [30.0, 40.0]]),
            "raw_expected_error_mm": np.array([[1.0, 2.0], [NAN, NAN]]),
        },
    )


def test_lengths_in_mm_constants_and_what_was_not_stored_left_out(table):
    found = measured(table)
    assert list(found) == ["activation", "raw_expected_error"]
    assert found["raw_expected_error"].key == "raw_expected_error_mm"
    assert found["raw_expected_error"].label == "expected radial error [mm]"
    assert found["activation"].label == "maximum heat-map activation"


def test_in_px_where_that_is_asked_or_no_film_has_a_scale(table):
    assert measured(table, in_mm=False)["raw_expected_error"].key == "raw_expected_error_px"
    unscaled = table.where(np.array([False, True]))
    assert measured(unscaled)["raw_expected_error"].key == "raw_expected_error_px"


def test_turned_rises_with_uncertainty(table):
    found = measured(table)
    np.testing.assert_array_equal(found["activation"].turned, [[-0.5, -0.2], [-0.4, -0.1]])
    np.testing.assert_array_equal(found["raw_expected_error"].turned[0], [1.0, 2.0])
    one = found["activation"].of(np.ones((1, 2)))
    assert (one.measure, one.values.shape) == (found["activation"].measure, (1, 2))


@pytest.fixture(scope="module")
def found():
    """The activation falls with the error without noise, the entropy follows it with much."""
    rng = np.random.default_rng(0)
    errors = rng.gamma(2, 1, (30, 4))
    values = {"activation": -errors, "entropy": errors + rng.normal(0, 3, errors.shape)}
    weights = film_weights(30, n_resamples=50)
    return errors, {
        name: correlate(Measured(MEASURES[name], name, one), errors, weights) for name, one in values.items()
    }


def test_cells_are_named_and_agree_with_scipy(found):
    errors, correlations = found
    row = correlations["entropy"].record()
    assert (row["measure"], row["direction"], row["n_points"]) == ("entropy", 1, 120)
    values = correlations["entropy"].measured.values
    assert row["pearson"] == pytest.approx(stats.pearsonr(errors.ravel(), values.ravel()).statistic)
    each = [stats.spearmanr(errors[:, mark], values[:, mark]).statistic for mark in range(4)]
    assert row["within_spearman"] == pytest.approx(np.mean(each))
    assert row["pearson_low"] < row["pearson"] < row["pearson_high"]
    some = correlations["entropy"].record(names=("spearman",))
    assert some.keys() < row.keys()
    assert "pearson" not in some


def test_other_lengths_than_errors_have_no_large_ones(found):
    errors, correlations = found
    weights = film_weights(30, n_resamples=50)
    apart = correlate(correlations["entropy"].measured, errors, weights, large_errors=False)
    assert apart.record()["auc_4mm"] is None
    assert apart.record(names=("pearson",)) == correlations["entropy"].record(names=("pearson",))


def test_what_is_said_in_a_panel_is_in_the_record(found):
    correlation = found[1]["entropy"]
    lines = correlation.said(pearson=True).splitlines()
    row = correlation.record()
    assert lines[0] == "n = 120"
    assert [line.split(" = ")[0] for line in lines[1:]] == ["Pearson r", "Spearman", "within a landmark"]
    assert lines[2].startswith(f"Spearman = {row['spearman']:.2f} [{row['spearman_low']:.2f}, ")
    assert correlation.said().splitlines() == [lines[0], *lines[2:]]


def test_best_goes_by_the_measures_direction(found):
    correlations = found[1]
    assert correlations["activation"].quality.spearman == pytest.approx(-1)
    assert correlations["activation"].strength == pytest.approx(1)
    assert strongest(correlations.values()) is correlations["activation"]
    assert strongest(correlations.values(), but="activation") is correlations["entropy"]
    assert strongest([]) is None

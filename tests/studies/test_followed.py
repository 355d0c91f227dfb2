from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from cephsure.evaluation.bootstrap import film_weights
from cephsure.studies.measured import CORRELATION_COLUMNS, Measured, correlate_with_error, strongest
from cephsure.uncertainty import MEASURES


@pytest.fixture(scope="module")
def found():
    """The activation falls with the error without noise, the entropy follows it with much."""
    rng = np.random.default_rng(0)
    errors = rng.gamma(2, 1, (30, 4))
    values = {"activation": -errors, "entropy": errors + rng.normal(0, 3, errors.shape)}
    weights = film_weights(30, n_resamples=50)
    return errors, {
        name: correlate_with_error(Measured(MEASURES[name], name, one), errors, weights)
        for name, one in values.items()
    }


def test_cells_are_named_and_agree_with_scipy(found):
    errors, correlations = found
    row = dict(zip(CORRELATION_COLUMNS, correlations["entropy"].cells(), strict=True))
    assert (row["measure"], row["direction"], row["n_points"]) == ("entropy", 1, 120)
    values = correlations["entropy"].measured.values
    assert row["pearson"] == pytest.approx(stats.pearsonr(errors.ravel(), values.ravel()).statistic)
    each = [stats.spearmanr(errors[:, mark], values[:, mark]).statistic for mark in range(4)]
    assert row["within_spearman"] == pytest.approx(np.mean(each))
    assert row["pearson_low"] < row["pearson"] < row["pearson_high"]


def test_best_goes_by_the_measures_direction(found):
    correlations = found[1]
    assert correlations["activation"].quality.spearman == pytest.approx(-1)
    assert correlations["activation"].strength == pytest.approx(1)
    assert strongest(correlations.values()) is correlations["activation"]
    assert strongest(correlations.values(), but="activation") is correlations["entropy"]
    assert strongest([]) is None

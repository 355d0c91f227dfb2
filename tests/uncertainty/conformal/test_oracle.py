"""Our quantile beside MAPIE's in one dimension, where both must give the same interval."""

from __future__ import annotations

import numpy as np
import pytest

from cephsure.uncertainty.conformal.quantile import LEVELS, conformal_quantile, conformal_rank

regression = pytest.importorskip("mapie.regression", reason="MAPIE is a test dependency")
dummy = pytest.importorskip("sklearn.dummy", reason="scikit-learn comes with MAPIE")


@pytest.mark.parametrize("n", [20, 21, 39, 100])  # MAPIE refuses 19 for 95 %
def test_half_widths_are_mapies(n):
    errors = np.random.default_rng(n).standard_normal(n)
    films = np.zeros((n, 1))
    zero = dummy.DummyRegressor(strategy="constant", constant=0.0).fit(films, errors)
    levels = [level for level in LEVELS if conformal_rank(n, level) <= n]
    mapie = regression.SplitConformalRegressor(zero, confidence_level=levels, prefit=True)
    _, intervals = mapie.conformalize(films, errors).predict_interval(films[:1])
    for index, level in enumerate(levels):
        assert intervals[0, 1, index] == pytest.approx(conformal_quantile(np.abs(errors), level))
        assert intervals[0, 0, index] == pytest.approx(-conformal_quantile(np.abs(errors), level))

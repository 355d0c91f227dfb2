from __future__ import annotations

import warnings

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from cephsure.studies.statistics.intervals import mean_of_known

NAN = float("nan")


def test_what_is_missing_does_not_count():
    values = np.array([[1.0, NAN, 4.0], [3.0, NAN, NAN]])
    np.testing.assert_array_equal(mean_of_known(values, axis=0), [2.0, NAN, 4.0])
    np.testing.assert_array_equal(mean_of_known(values, axis=1), [2.5, 3.0])


def test_nothing_at_all_gives_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(mean_of_known(np.full((2, 3), NAN), axis=0)).all()


@given(arrays.arrays(np.float64, (4, 3), elements=st.one_of(st.just(NAN), st.floats(-100, 100))))
def test_agrees_with_numpy(values):
    known = np.isfinite(values).any(axis=0)
    np.testing.assert_allclose(
        mean_of_known(values, axis=0)[known], np.nanmean(values[:, known], axis=0), atol=1e-12
    )

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cephsure.evaluation.ranks import midranks


def test_ties_share_their_mean_rank():
    found = midranks(np.array([30.0, 10.0, 20.0, 20.0]), np.ones((1, 4)))
    assert found.tolist() == [[4.0, 1.0, 2.5, 2.5]]


@given(
    pairs=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), min_size=1, max_size=20),
)
def test_weighted_ranks_are_the_ranks_of_the_repeated_data(pairs):
    values = np.array([value for value, _ in pairs], dtype=np.float64)
    times = np.array([count for _, count in pairs])
    repeated = stats.rankdata(np.repeat(values, times))
    found = midranks(values, times[None].astype(np.float64))[0]
    assert np.repeat(found, times) == pytest.approx(repeated)

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cephsure.training.stage import shuffled


@given(count=st.integers(1, 60), size=st.integers(1, 20), seed=st.integers(0, 99))
def test_every_film_once_and_hardly_a_batch_of_one(count, size, seed):
    batches = list(shuffled(count, size, np.random.default_rng(seed)))
    assert sorted(np.concatenate(batches).tolist()) == list(range(count))
    assert all(len(batch) == size for batch in batches[:-1])
    assert len(batches[-1]) <= size + 1
    if count > 1 and size > 1:
        assert min(len(batch) for batch in batches) > 1


def test_the_order_comes_from_the_generator():
    def order(seed):
        return np.concatenate(list(shuffled(20, 4, np.random.default_rng(seed)))).tolist()

    assert order(1) == order(1) != order(2)

import numpy as np
import pytest

from cephsure.inference.samples import Samples
from cephsure.uncertainty.measures.spread import SPREAD


def test_spread_is_the_mean_distance_to_the_mean():
    blank = np.zeros((2, 2))
    samples = Samples(np.array([[[0.0, 0.0], [1.0, 1.0]], [[6.0, 8.0], [1.0, 1.0]]]), blank, blank, blank)
    assert SPREAD.compute(samples) == pytest.approx([5.0, 0.0])

import numpy as np
import pytest

from cephsure.inference.samples import Samples
from cephsure.uncertainty.measures.activation import ACTIVATION


def test_activation_is_the_mean_over_the_samples():
    blank = np.zeros((2, 3))
    samples = Samples(np.zeros((2, 3, 2)), np.array([[1.0, 2.0, 30.0], [3.0, 2.0, 10.0]]), blank, blank)
    assert ACTIVATION.compute(samples) == pytest.approx([2.0, 2.0, 20.0])

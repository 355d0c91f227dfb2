import numpy as np
import pytest

from cephsure.inference.samples import Samples
from cephsure.uncertainty.measures.entropy import ENTROPY


def test_entropy_is_the_mean_over_the_samples():
    blank = np.zeros((2, 2))
    # A map uniform over 4 pixels has ln 4 nats, one over 16 pixels ln 16; a single pixel none.
    samples = Samples(np.zeros((2, 2, 2)), blank, blank, np.array([[np.log(4), 0.0], [np.log(16), 0.0]]))
    assert ENTROPY.compute(samples) == pytest.approx([np.log(8), 0.0])

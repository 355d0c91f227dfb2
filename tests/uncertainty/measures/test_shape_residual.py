from __future__ import annotations

from dataclasses import replace

import numpy as np

from cephsure.inference.samples import Samples
from cephsure.uncertainty.measures.shape_residual import SHAPE_RESIDUAL

BLANK = np.zeros((1, 3))
PLAIN = Samples(np.zeros((1, 3, 2)), BLANK, BLANK, BLANK)


def test_it_is_what_the_shape_says():
    residuals = np.array([0.5, 4.0, 1.0])
    assert SHAPE_RESIDUAL.compute(replace(PLAIN, shape_residuals=residuals)).tolist() == [0.5, 4.0, 1.0]


def test_without_a_shape_there_is_none():
    assert SHAPE_RESIDUAL.compute(PLAIN) is None

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cephsure.inference.samples import Samples
from cephsure.uncertainty.measures.feature_distance import FEATURE_DISTANCE

BLANK = np.zeros((1, 3))
PLAIN = Samples(np.zeros((1, 3, 2)), BLANK, BLANK, BLANK)


def test_it_is_the_films_for_every_landmark():
    assert FEATURE_DISTANCE.compute(replace(PLAIN, feature_distance=1.5)).tolist() == [1.5, 1.5, 1.5]


def test_without_features_there_is_none():
    assert FEATURE_DISTANCE.compute(PLAIN) is None

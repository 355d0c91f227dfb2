from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cephsure.inference.samples import Samples
from cephsure.uncertainty.measures.augmentation_spread import AUGMENTATION_SPREAD
from cephsure.uncertainty.predict import in_millimetres

BLANK = np.zeros((1, 2))
PLAIN = Samples(np.zeros((1, 2, 2)), BLANK, BLANK, BLANK)


def test_it_is_the_mean_distance_of_the_augmented_copies_points_from_their_mean():
    views = np.array([[[0, 0], [5, 5]], [[8, 0], [5, 5]], [[4, 6], [5, 5]], [[4, -6], [5, 5]]], dtype=float)
    samples = replace(PLAIN, augmented_positions_px=views)
    assert AUGMENTATION_SPREAD.compute(samples) == pytest.approx([5.0, 0.0])  # (4 + 4 + 6 + 6) / 4
    in_mm = in_millimetres(samples, mm_per_px=(0.5, 0.25))
    assert AUGMENTATION_SPREAD.compute(in_mm) == pytest.approx([(2 + 2 + 1.5 + 1.5) / 4, 0.0])


def test_without_augmented_copies_there_is_none():
    assert AUGMENTATION_SPREAD.compute(PLAIN) is None

from __future__ import annotations

import numpy as np
import pytest

from cephsure.inference.heat_maps import HeatMaps
from cephsure.inference.samples import Samples
from cephsure.uncertainty.measures.mixture_activation import MIXTURE_ACTIVATION


def test_it_is_the_most_probable_cell_of_the_mixture():
    images = np.zeros((2, 3, 3), dtype=np.float32)
    images[0, 1, 1], images[0, 0, 0] = 0.75, 0.25
    images[1] = 1 / 9
    blank = np.zeros((1, 2))
    maps = HeatMaps(images, np.zeros((2, 2)), np.eye(2))
    samples = Samples(np.zeros((1, 2, 2)), blank, blank, blank, maps=maps)
    assert MIXTURE_ACTIVATION.compute(samples) == pytest.approx([0.75, 1 / 9])


def test_without_maps_there_is_none():
    blank = np.zeros((1, 2))
    assert MIXTURE_ACTIVATION.compute(Samples(np.zeros((1, 2, 2)), blank, blank, blank)) is None

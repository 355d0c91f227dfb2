from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from cephsure.inference import Samples


def test_samples_are_what_they_are_given_and_stay_so():
    values = np.zeros((3, 4))
    samples = Samples(np.zeros((3, 4, 2)), values, values, values)
    assert samples.coarse_positions_px is None
    with pytest.raises(dataclasses.FrozenInstanceError):
        samples.activations = values

from __future__ import annotations

import numpy as np
import pytest

from cephsure.errors import InputError
from cephsure.studies.shifts import Volume, head_centre_mm

SPACING_MM = (1.5, 1.0, 2.0)


def test_a_volume_checks_itself():
    good = np.arange(5 * 4 * 3, dtype=np.float32).reshape(5, 4, 3)
    with pytest.raises(InputError, match="three axes"):
        Volume(good[0], SPACING_MM)
    with pytest.raises(InputError, match="spacing must be positive"):
        Volume(good, (1.0, 0.0, 1.0))
    with pytest.raises(InputError, match="not numbers"):
        Volume(np.where(good == 0, good, np.inf).astype(np.float32), SPACING_MM)


def test_sizes_and_centres():
    values = np.full((5, 4, 3), -1000, dtype=np.float32)
    volume = Volume(values, SPACING_MM)
    assert volume.size_mm == (6.0, 3.0, 4.0)
    assert volume.centre_mm == (3.0, 1.5, 2.0)
    assert head_centre_mm(volume) == volume.centre_mm  # no bone
    values[1, 2, 0] = values[3, 2, 1] = 700
    assert head_centre_mm(volume) == pytest.approx((3.0, 2.0, 1.0))

from __future__ import annotations

import numpy as np

from cephsure.films.picture import Picture
from cephsure.films.spacing import StatedScales


def test_a_picture_states_no_scale_unless_its_reader_found_one() -> None:
    picture = Picture(np.zeros((2, 3), np.float32))
    assert picture.stated == StatedScales()
    assert picture.notes == ()

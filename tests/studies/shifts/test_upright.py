from __future__ import annotations

from itertools import permutations, product
from pathlib import Path

import numpy as np
import pytest

from cephsure.errors import InputError
from cephsure.studies.shifts.upright import upright_volume

HERE = Path("a.ct")
SPACING_MM = (1.5, 1.0, 2.0)


def lps() -> np.ndarray:
    values = np.arange(5 * 4 * 3, dtype=np.float32).reshape(5, 4, 3)
    values[0, 0, 0] = -1000
    return values


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("signs", list(product((1, -1), repeat=3)))
def test_every_order_and_sense_of_the_axes_gives_the_same_volume(order, signs):
    # Stored axis a runs along the patient's axis order[a], in the sense signs[a].
    stored = lps().transpose(order)[tuple(slice(None, None, sign) for sign in signs)]
    directions = np.eye(3)[list(order)] * np.array(signs)[:, np.newaxis]
    volume = upright_volume(stored, directions, np.array(SPACING_MM)[list(order)], where=HERE)
    np.testing.assert_array_equal(volume.values, lps())
    assert volume.spacing_mm == SPACING_MM


def test_a_leaning_or_skew_grid_is_refused():
    c, s = np.cos(np.radians(8)), np.sin(np.radians(8))
    with pytest.raises(InputError, match=r"a\.ct: its grid leans 8°"):
        upright_volume(lps(), [[c, s, 0], [-s, c, 0], [0, 0, 1]], SPACING_MM, where=HERE)
    c, s = np.cos(np.radians(4)), np.sin(np.radians(4))
    assert upright_volume(lps(), [[c, s, 0], [-s, c, 0], [0, 0, 1]], SPACING_MM, where=HERE).values.size == 60
    for skew in ([[1, 0, 0], [1, 0, 0], [0, 0, 1]], [[1, 0, 0], [0, np.nan, 0], [0, 0, 1]]):
        with pytest.raises(InputError, match="not usable"):
            upright_volume(lps(), skew, SPACING_MM, where=HERE)


def test_values_without_air_are_refused():
    with pytest.raises(InputError, match="the least value is 0: no air"):
        upright_volume(np.zeros((3, 3, 3), dtype=np.float32), np.eye(3), SPACING_MM, where=HERE)

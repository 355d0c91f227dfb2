from __future__ import annotations

import numpy as np
import pytest

from cephsure.inference.heat_maps import HeatMaps
from cephsure.inference.samples import Samples
from cephsure.uncertainty.measures.expected_error import EXPECTED_ERROR
from cephsure.uncertainty.measures.mixture_expected_error import MIXTURE_EXPECTED_ERROR
from cephsure.uncertainty.predict import in_millimetres


def at(positions, image, *, origin=(0.0, 0.0), cell=((1.0, 0.0), (0.0, 1.0))):
    """Samples (T, 1, 2) of one landmark with a map."""
    given = np.asarray(positions, dtype=np.float64)[:, None]
    blank = np.zeros(given.shape[:2])
    maps = HeatMaps(np.asarray(image, np.float32)[None], np.array([origin]), np.array(cell))
    return Samples(given, blank, blank, blank, maps=maps)


def test_two_places_by_hand():
    # Three quarters lie on the mean point (12, 10), a quarter 3 columns of 2 px and 2 rows of 4 px away.
    image = np.zeros((3, 4))
    image[0, 0], image[2, 3] = 0.75, 0.25
    samples = at([[11, 10], [13, 10]], image, origin=(12.0, 10.0), cell=((2.0, 0.0), (0.0, 4.0)))
    assert MIXTURE_EXPECTED_ERROR.compute(samples) == pytest.approx([0.25 * 10])
    # In mm, of pixels that are 0.5 wide and 0.25 high: 3 mm across and 2 mm down.
    in_mm = in_millimetres(samples, mm_per_px=(0.5, 0.25))
    assert MIXTURE_EXPECTED_ERROR.compute(in_mm) == pytest.approx([0.25 * np.hypot(3, 2)])


def test_mass_off_the_map_does_not_count_and_an_empty_map_tells_nothing():
    image = np.zeros((1, 3))
    image[0, 2] = 0.25
    assert MIXTURE_EXPECTED_ERROR.compute(at([[0, 0]], image)) == pytest.approx([2.0])
    assert MIXTURE_EXPECTED_ERROR.compute(at([[0, 0]], np.zeros((1, 3)))) == pytest.approx([np.inf])


def test_of_a_gaussian_it_is_sqrt_half_pi_standard_deviations():
    axis = np.arange(61) - 30
    image = np.exp(-0.5 * (axis[:, None] ** 2 + axis**2) / 16)
    found = MIXTURE_EXPECTED_ERROR.compute(at([[30, 30]], image / image.sum()))
    assert found == pytest.approx([np.sqrt(np.pi / 2) * 4], rel=1e-3)


def test_without_maps_there_is_none():
    blank = np.zeros((1, 1))
    assert MIXTURE_EXPECTED_ERROR.compute(Samples(np.zeros((1, 1, 2)), blank, blank, blank)) is None
    assert EXPECTED_ERROR.compute(Samples(np.zeros((1, 1, 2)), blank, blank, blank)) == [0.0]

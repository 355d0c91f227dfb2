from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from cephsure.errors import FilmError
from cephsure.films import Film, Spacing, SpacingSource
from cephsure.inference.samples import Samples
from cephsure.studies.altered import MAX_ANGLE_DEG, MAX_SHIFT_MM, moved_film, tta_samples

POINT = np.array([[140.0, 90.0]])


def dot_film(*, scale=True):
    y, x = np.mgrid[:200, :240]
    pixels = 0.2 + 0.8 * np.exp(-0.5 * (((x - POINT[0, 0]) / 4) ** 2 + ((y - POINT[0, 1]) / 4) ** 2))
    return Film(pixels.astype(np.float32), Spacing(0.5, 0.5, SpacingSource.USER) if scale else None)


class DotModel:
    """Finds the one dot: the centre of mass of what is bright."""

    def __init__(self):
        self.shown = []

    def orientation(self, film):
        assert film.width_px == 240
        return "as it is"

    def sample(self, film, orientation, *, samples=None, seed=0):
        assert (orientation, samples) == ("as it is", None)
        self.shown.append(film)
        bright = np.where(film.pixels > 0.5, film.pixels, 0)
        y, x = ndimage.center_of_mass(bright)
        level = np.full((1, 1), float(film.pixels.max()))
        return Samples(np.array([[[x, y]]]), level, 2 * level, 3 * level)


def test_positions_come_back_to_the_film_as_given():
    model = DotModel()
    found = tta_samples(model, dot_film(), 6, 3)
    assert found.positions_px.shape == (6, 1, 2)
    assert np.abs(found.positions_px - POINT).max() < 0.25  # brightness in whole pixels: no finer
    assert found.activations.shape == found.entropies.shape == found.expected_errors_px.shape == (6, 1)
    # The model has seen the dot elsewhere each time.
    places = [np.unravel_index(film.pixels.argmax(), film.pixels.shape) for film in model.shown]
    assert len(set(places)) == 6


def test_fewer_copies_are_the_first_ones_and_a_seed_tells():
    of_five, of_two, other = (
        tta_samples(DotModel(), dot_film(), n, seed).positions_px for n, seed in ((5, 0), (2, 0), (2, 1))
    )
    np.testing.assert_array_equal(of_five[:2], of_two)
    assert not np.array_equal(of_two, other)


def test_alterations_are_within_their_bounds_and_change_the_greys():
    model = DotModel()
    tta_samples(model, dot_film(), 8, 0)
    farthest_px = MAX_SHIFT_MM / 0.5 * np.sqrt(2) + np.deg2rad(MAX_ANGLE_DEG) * 30 + 1
    for film in model.shown:
        y, x = np.unravel_index(film.pixels.argmax(), film.pixels.shape)
        assert np.hypot(x - POINT[0, 0], y - POINT[0, 1]) < farthest_px
    # The background, 0.2 on the film, is 0.2^gamma.
    backgrounds = {round(float(np.median(film.pixels)), 4) for film in model.shown}
    assert len(backgrounds) == 8
    assert all(0.2**1.35 <= grey <= 0.2**0.74 for grey in backgrounds)


@pytest.mark.parametrize("shift_mm", [(2.0, -3.5), (-2.0, 3.5), (0.0, 0.0)])
def test_a_shift_moves_pixels_as_its_map_says(shift_mm):
    film = dot_film()
    moved, to_moved = moved_film(film, angle_deg=0.0, shift_mm=shift_mm)
    assert moved.pixels.shape == film.pixels.shape
    (x, y), (there_x, there_y) = POINT[0].astype(int), to_moved.apply(POINT)[0].round().astype(int)
    assert (there_x - x, there_y - y) == (shift_mm[0] / 0.5, shift_mm[1] / 0.5)
    assert moved.pixels[there_y, there_x] == pytest.approx(film.pixels[y, x], abs=1e-5)


def test_a_film_without_a_scale_is_refused():
    with pytest.raises(FilmError, match="no scale"):
        tta_samples(DotModel(), dot_film(scale=False), 2, 0)

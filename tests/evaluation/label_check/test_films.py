from __future__ import annotations

import numpy as np
import pytest

from cephsure.evaluation.label_check import FilmLook, LabelledFilms, look_at
from cephsure.films import Film, Spacing, SpacingSource


def test_a_film_is_kept_small_with_its_size_and_scale():
    pixels = np.linspace(0, 1, 600 * 480, dtype=np.float32).reshape(600, 480)
    look = look_at(Film(pixels, Spacing(0.2, 0.3, SpacingSource.USER), sha256="ab"))
    assert (look.size_px, look.mm_per_px, look.sha256) == ((480, 600), (0.2, 0.3), "ab")
    assert look.small.shape == (240, 192)
    assert look.small.dtype == np.uint8
    assert look.small[0].mean() < 5
    assert look.small[-1].mean() > 250


def test_a_small_film_is_kept_as_it_is():
    assert look_at(Film(np.zeros((80, 70), np.float32))).small.shape == (80, 70)


def of_scales(*scales):
    small = np.zeros((4, 4), np.uint8)
    looks = tuple(None if scale == "unread" else FilmLook((40, 40), small, scale) for scale in scales)
    count = len(looks)
    points = {"ann": np.full((count, 2, 2), 10.0)}
    return LabelledFilms(tuple("abc"[:count]), ("S", "N"), points, looks, (None,) * count, (None,) * count)


def test_lengths_are_in_mm_where_every_scale_is_known():
    films = of_scales((0.1, 0.1), (0.2, 0.4), "unread")
    assert films.unit == "mm"
    np.testing.assert_allclose(films.lengths("ann")[:2, 0], [[1, 1], [2, 4]])
    # A film that cannot be read is taken for one of the usual scale.
    np.testing.assert_allclose(films.lengths("ann")[2, 0], [1.5, 2.5])


def test_without_a_scale_lengths_are_in_px_and_pixels_square():
    films = of_scales((0.1, 0.4), None)
    assert films.unit == "px"
    np.testing.assert_allclose(films.lengths("ann")[0, 0], [5, 20])
    assert of_scales(None, None).lengths("ann").max() == pytest.approx(10)


def test_who_marked_a_film():
    films = of_scales(None, None)
    films.points["ann"][1] = np.nan
    assert films.seen_by("ann").tolist() == [True, False]

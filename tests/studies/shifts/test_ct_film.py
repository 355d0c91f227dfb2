from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cephsure.studies.shifts import Volume, project, project_points
from cephsure.studies.shifts.ct_film import cephalogram_view, ct_film

SPACING_MM = (3.0, 2.0, 2.0)
SHAPE = (40, 80, 60)


def head() -> tuple[Volume, np.ndarray]:
    """An ellipsoid of water with a nose and a wire before it; a dense ball, whose place is returned."""
    x, y, z = np.meshgrid(*(np.arange(n) * s for n, s in zip(SHAPE, SPACING_MM, strict=True)), indexing="ij")
    values = np.full(SHAPE, -1000, dtype=np.float32)
    values[((x - 60) / 50) ** 2 + ((y - 85) / 65) ** 2 + ((z - 60) / 45) ** 2 < 1] = 0
    values[(np.abs(x - 60) < 7) & (y >= 10) & (y < 40) & (np.abs(z - 60) < 9)] = 0
    values[20, :5, 30] = 0  # a wire: narrower than a nose
    ball = np.array([75.0, 70.0, 80.0])
    values[(x - 75) ** 2 + (y - 70) ** 2 + (z - 80) ** 2 < 7**2] = 3000
    return Volume(values, SPACING_MM), ball


def test_the_nose_is_near_the_right_edge_and_the_vertex_at_the_upper_one():
    volume, _ = head()
    view = cephalogram_view(volume)
    assert (view.width_px, view.height_px) == (484, 600)
    nose, vertex = project_points(np.array([[60.0, 10, 60], [60, 85, 104]]), view)
    assert nose[0] == pytest.approx(view.width_px - 1 - 8 / 0.4)
    assert vertex[1] == pytest.approx(0, abs=2 / 0.4)


@pytest.mark.parametrize("geometry", ["parallel", "cone"])
@pytest.mark.parametrize("look", ["sum", "cephalogram"])
def test_the_refined_film_shows_things_where_they_are_projected(geometry, look):
    volume, ball = head()
    view = replace(cephalogram_view(volume), geometry=geometry, rotation_deg=25)
    film = ct_film(volume, view, look=look)
    assert film.spacing is not None
    assert film.spacing.x_mm_per_px == 0.4
    assert film.pixels.shape == (600, 484)
    assert film.pixels.dtype == np.float32
    # The film without the ball is the same film but for the ball, and where the sum has its maximum.
    plain = Volume(np.minimum(volume.values, 0), SPACING_MM)
    without = ct_film(plain, view, look=look).pixels
    ratio = 1.0 if look == "cephalogram" else np.median(film.pixels[without > 0.2] / without[without > 0.2])
    weights = np.maximum(film.pixels - ratio * without, 0.02) - 0.02
    rows, columns = np.indices(film.pixels.shape)
    found = np.array([(columns * weights).sum(), (rows * weights).sum()]) / weights.sum()
    np.testing.assert_allclose(found, project_points(ball[np.newaxis], view)[0], atol=1.0)


def test_the_sum_is_the_projection_over_its_maximum():
    volume, _ = head()
    view = replace(cephalogram_view(volume), mm_per_px=2.0, width_px=90, height_px=70, pivot_px=(40.0, 30.0))
    film = ct_film(volume, view, look="sum")
    integrals = project(volume, view).line_integrals
    np.testing.assert_allclose(film.pixels, integrals / integrals.max(), atol=1e-5)
    assert film.pixels.max() == 1
    air = Volume(np.full(SHAPE, -1000, dtype=np.float32), SPACING_MM)
    assert ct_film(air, view, look="sum").pixels.max() == 0

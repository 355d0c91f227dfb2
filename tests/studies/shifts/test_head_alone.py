from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cephsure.studies.shifts import Volume, cephalogram_view, has_vertex, head_alone
from cephsure.studies.shifts.head_alone import CLOSE_MM, near_head

SPACING = (4.0, 4.0, 4.0)


def head(*, plate=None, tube=None):
    """An ellipsoid of tissue and bone in air, a plate of foam behind it, a tube in front and above."""
    x, y, z = np.meshgrid(*(4.0 * np.arange(n) for n in (56, 70, 80)), indexing="ij")
    away = ((x - 110) / 75) ** 2 + ((y - 130) / 95) ** 2 + ((z - 150) / 110) ** 2
    values = np.full(away.shape, -1000, np.float32)
    values[away < 1] = 40
    values[away < 0.8] = 900
    if plate is not None:
        back = int(np.nonzero((away < 1).any(axis=(0, 2)))[0].max())
        values[:, back + plate : back + plate + 2, :] = -50
    if tube is not None:
        values[10:12, 2:4, :] = tube
    return Volume(values, SPACING)


def test_a_head_in_air_is_left_as_it_is():
    volume = head()
    assert head_alone(volume) is volume
    np.testing.assert_array_equal(near_head(volume, CLOSE_MM), volume.values > -200)


@pytest.mark.parametrize("plate", [1, 0, -1])
def test_a_plate_behind_the_head_moves_it_nowhere_on_the_film(plate):
    bare, lying = head(), head(plate=plate, tube=300)
    alone = head_alone(lying)
    assert (alone.values > -200).sum() < (lying.values > -200).sum()
    # The head itself is whole.
    np.testing.assert_array_equal(alone.values[bare.values > -200] > -200, True)
    assert (alone.values[:, :, -3:] == -1000).all()
    assert has_vertex(alone)
    assert not has_vertex(lying)
    # As it lies there, with what is left of the plate near the head.
    assert cephalogram_view(alone) == cephalogram_view(bare)


def test_without_a_core_all_tissue_counts():
    thin = np.full((10, 10, 10), -1000, np.float32)
    thin[:, 5, :] = 40
    volume = Volume(thin, (1.0, 1.0, 1.0))
    assert near_head(volume, CLOSE_MM).sum() == 100
    full = Volume(np.zeros((4, 4, 4), np.float32), SPACING)
    assert near_head(full, CLOSE_MM).all()


def test_a_scan_that_lacks_the_vertex_is_placed_by_the_nose():
    whole = head()
    nose = whole.values.copy()
    nose[25:31, 6:10, 30:34] = 40  # before the ellipsoid, 264 - 4 * 31.5 mm below its top
    cut = Volume(np.ascontiguousarray(nose[:, :, :50]), SPACING)
    assert has_vertex(Volume(nose, SPACING))
    assert not has_vertex(cut)
    view = cephalogram_view(cut, has_vertex=False)
    # The nose is seen 131 mm below the film's upper edge.
    nose_mm = view.pivot_px[1] * view.mm_per_px + view.pivot_mm[2] - 4 * 31.5
    assert nose_mm == pytest.approx(131)
    assert replace(view, pivot_px=(0, 0)) == replace(cephalogram_view(cut), pivot_px=(0, 0))

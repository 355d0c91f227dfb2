from __future__ import annotations

from dataclasses import replace
from itertools import permutations, product
from pathlib import Path

import numpy as np
import pytest

from cephsure.errors import InputError
from cephsure.studies.shifts.projection import cephalogram_view
from cephsure.studies.shifts.volume import (
    CLOSE_MM,
    Volume,
    has_vertex,
    head_alone,
    head_centre_mm,
    near_head,
    upright_volume,
)

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


COARSE_MM = (4.0, 4.0, 4.0)


def ellipsoid(*, plate=None, tube=None):
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
    return Volume(values, COARSE_MM)


def test_a_head_in_air_is_left_as_it_is():
    volume = ellipsoid()
    assert head_alone(volume) is volume
    np.testing.assert_array_equal(near_head(volume, CLOSE_MM), volume.values > -200)


@pytest.mark.parametrize("plate", [1, 0, -1])
def test_a_plate_behind_the_head_moves_it_nowhere_on_the_film(plate):
    bare, lying = ellipsoid(), ellipsoid(plate=plate, tube=300)
    alone = head_alone(lying)
    assert (alone.values > -200).sum() < (lying.values > -200).sum()
    # The ellipsoid itself is whole.
    np.testing.assert_array_equal(alone.values[bare.values > -200] > -200, True)
    assert (alone.values[:, :, -3:] == -1000).all()
    assert has_vertex(alone)
    assert not has_vertex(lying)
    # As it lies there, with what is left of the plate near the ellipsoid.
    assert cephalogram_view(alone) == cephalogram_view(bare)


def test_without_a_core_all_tissue_counts():
    thin = np.full((10, 10, 10), -1000, np.float32)
    thin[:, 5, :] = 40
    volume = Volume(thin, (1.0, 1.0, 1.0))
    assert near_head(volume, CLOSE_MM).sum() == 100
    full = Volume(np.zeros((4, 4, 4), np.float32), COARSE_MM)
    assert near_head(full, CLOSE_MM).all()


def test_a_scan_that_lacks_the_vertex_is_placed_by_the_nose():
    whole = ellipsoid()
    nose = whole.values.copy()
    nose[25:31, 6:10, 30:34] = 40  # before the ellipsoid, 264 - 4 * 31.5 mm below its top
    cut = Volume(np.ascontiguousarray(nose[:, :, :50]), COARSE_MM)
    assert has_vertex(Volume(nose, COARSE_MM))
    assert not has_vertex(cut)
    view = cephalogram_view(cut, has_vertex=False)
    # The nose is seen 131 mm below the film's upper edge.
    nose_mm = view.pivot_px[1] * view.mm_per_px + view.pivot_mm[2] - 4 * 31.5
    assert nose_mm == pytest.approx(131)
    assert replace(view, pivot_px=(0, 0)) == replace(cephalogram_view(cut), pivot_px=(0, 0))

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cephsure.uncertainty.conformal.outlines import outlines


def area(chain):
    x, y = chain.T
    return 0.5 * float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum())


def inside(chains, points):
    """Whether an odd number of chains surrounds each point (even-odd rule, by crossings to the right)."""
    odd = np.zeros(len(points), dtype=bool)
    for chain in chains:
        for (x0, y0), (x1, y1) in zip(chain, np.roll(chain, -1, axis=0), strict=True):
            if x0 == x1:  # only upright sides cross a horizontal ray
                between = (points[:, 1] > min(y0, y1)) & (points[:, 1] < max(y0, y1))
                odd ^= between & (points[:, 0] < x0)
    return odd


def test_a_bar_has_four_corners():
    chains = outlines(np.array([[False, True, True]]))
    assert [chain.tolist() for chain in chains] == [[[0.5, -0.5], [2.5, -0.5], [2.5, 0.5], [0.5, 0.5]]]


def test_a_ring_has_a_hole():
    cells = np.ones((3, 3), dtype=bool)
    cells[1, 1] = False
    outer, hole = outlines(cells)
    assert (area(outer), area(hole)) == (9.0, -1.0)


def test_cells_that_touch_at_a_corner_have_chains_of_their_own():
    chains = outlines(np.array([[True, False], [False, True]]))
    assert sorted(len(chain) for chain in chains) == [4, 4]
    assert [area(chain) for chain in chains] == [1.0, 1.0]


def test_nothing_has_no_outline():
    assert outlines(np.zeros((3, 4), dtype=bool)) == []


@settings(max_examples=200)
@given(arrays(bool, st.tuples(st.integers(1, 7), st.integers(1, 7))))
def test_the_outlines_hold_exactly_the_cells(cells):
    chains = outlines(cells)
    assert sum(map(area, chains)) == pytest.approx(cells.sum())
    rows, columns = np.indices(cells.shape)
    centres = np.stack([columns.ravel(), rows.ravel()], axis=1).astype(float)
    assert (inside(chains, centres) == cells.ravel()).all()
    for chain in chains:
        steps = np.roll(chain, -1, axis=0) - chain
        assert ((steps == 0).sum(axis=1) == 1).all()  # along rows and columns
        turned = np.roll(steps, -1, axis=0)
        assert (steps[:, 0] * turned[:, 0] + steps[:, 1] * turned[:, 1] == 0).all()  # and each corner a turn

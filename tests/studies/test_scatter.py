from __future__ import annotations

import numpy as np
import pytest

from cephsure.studies.measured import Measured
from cephsure.studies.plotting import density_panel, new_figure
from cephsure.uncertainty import MEASURES


@pytest.fixture
def draw():
    """Give ``draw(name, key, values, lengths, **options) -> axes``."""

    def make(name, key, values, lengths, **options):
        figure, axes = new_figure(1, 1, caption="")
        panel = axes[0, 0]
        one = Measured(MEASURES[name], key, values)
        density_panel(panel, one, lengths, y="error [mm]", title="t", said="n = 4", **options)
        figure.canvas.draw()
        return panel

    return make


def test_every_point_is_in_a_cell_and_a_missing_one_in_none(draw):
    values = np.random.default_rng(0).uniform(1, 3, (50, 4))
    lengths = values.copy()
    lengths[0] = np.nan
    panel = draw("expected_error", "expected_error_mm", values, lengths)
    assert panel.collections[0].get_array().sum() == 196
    assert (panel.get_xscale(), panel.get_yscale()) == ("log", "log")
    assert panel.get_xlabel() == "expected radial error [mm]"


def test_activation_is_shown_against_the_largest_and_not_as_a_logarithm(draw):
    values = np.random.default_rng(0).uniform(10, 50, (50, 4))
    panel = draw("activation", "activation", values, values / 10)
    assert panel.get_xscale() == "linear"
    assert panel.collections[0].get_offsets()[:, 0].max() == pytest.approx(1, abs=0.03)


def test_the_diagonal_is_where_both_are_equal(draw):
    values = np.array([[1.0, 2.0], [3.0, 4.0]])
    (line,) = draw("spread", "spread_mm", values, values, diagonal=True).lines
    np.testing.assert_array_equal(line.get_xdata(), line.get_ydata())
    assert not draw("spread", "spread_px", values, values, diagonal=True).lines


def test_nothing_to_draw_is_an_empty_panel(draw):
    nothing = np.full((2, 2), np.nan)
    assert not draw("entropy", "entropy", nothing, nothing).collections

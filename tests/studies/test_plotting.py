from __future__ import annotations

import itertools

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from cephsure.studies.measured import Measured
from cephsure.studies.plotting import (
    DPI,
    KIND_COLOURS,
    KIND_MARKERS,
    Estimate,
    Forest,
    Row,
    Series,
    density_panel,
    forest_figure,
    label,
    new_figure,
    remark,
    turned,
)
from cephsure.studies.study import PUBLISHED_MEASURE
from cephsure.uncertainty import MEASURES

pytest.importorskip("matplotlib", reason="figures need matplotlib")


@pytest.mark.slow
def test_a_grid_of_panels():
    figure, axes = new_figure(2, 3, caption="Error against angle.", panel_inches=(4.0, 3.0))
    assert axes.shape == (2, 3)
    assert figure.get_label() == "Error against angle."
    assert tuple(figure.get_size_inches()) == (12.0, 6.0)
    assert figure.dpi == DPI
    assert not axes[1, 2].spines["top"].get_visible()


def test_one_panel_is_a_grid_too():
    assert new_figure(1, 1, caption="")[1].shape == (1, 1)


def test_labels():
    _, axes = new_figure(1, 1, caption="")
    label(axes[0, 0], x="angle (°)", y="error (mm)", title="ensemble")
    assert (axes[0, 0].get_xlabel(), axes[0, 0].get_ylabel()) == ("angle (°)", "error (mm)")
    assert axes[0, 0].get_title() == "ensemble"


@pytest.mark.parametrize("corner", ["upper left", "upper right", "lower left", "lower right"])
def test_a_remark_stays_in_its_corner(corner):
    figure, axes = new_figure(1, 1, caption="")
    remark(axes[0, 0], "n = 150\nr = 0.9", corner=corner)
    figure.canvas.draw()
    (text,) = axes[0, 0].texts
    box = text.get_window_extent().transformed(axes[0, 0].transAxes.inverted())
    x, y = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
    assert ("left" in corner, "lower" in corner) == (x < 0.5, y < 0.5)
    assert 0 <= box.x0 < box.x1 <= 1
    assert 0 <= box.y0 < box.y1 <= 1


def test_every_kind_has_a_colour_and_a_marker_of_its_own():
    for looks in (KIND_COLOURS, KIND_MARKERS):
        assert looks.keys() == PUBLISHED_MEASURE.keys()
        assert len(set(looks.values())) == len(looks)
    # They differ in lightness too, for print without colour.
    light = sorted(
        sum(w * c for w, c in zip((0.3, 0.6, 0.1), to_rgb(k), strict=True)) for k in KIND_COLOURS.values()
    )
    assert all(b - a > 0.02 for a, b in itertools.pairwise(light))


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
    panel = draw("raw_expected_error", "raw_expected_error_mm", values, lengths)
    assert panel.collections[0].get_array().sum() == 196
    assert (panel.get_xscale(), panel.get_yscale()) == ("log", "log")
    assert panel.get_xlabel() == "expected radial error [mm]"


def test_activation_is_shown_against_the_largest_and_not_as_a_logarithm(draw):
    values = np.random.default_rng(0).uniform(10, 50, (50, 4))
    panel = draw("activation", "activation", values, values / 10)
    assert panel.get_xscale() == "linear"
    assert panel.collections[0].get_offsets()[:, 0].max() == pytest.approx(1, abs=0.03)


@pytest.mark.slow
def test_the_diagonal_is_where_both_are_equal(draw):
    values = np.array([[1.0, 2.0], [3.0, 4.0]])
    (line,) = draw("spread", "spread_mm", values, values, diagonal=True).lines
    np.testing.assert_array_equal(line.get_xdata(), line.get_ydata())
    assert not draw("spread", "spread_px", values, values, diagonal=True).lines


def test_nothing_to_draw_is_an_empty_panel(draw):
    nothing = np.full((2, 2), np.nan)
    assert not draw("entropy", "entropy", nothing, nothing).collections


def test_turned_swaps_the_ends_of_an_interval():
    found = turned(-0.4, (-0.5, -0.3), -1)
    assert found.value == pytest.approx(0.4)
    assert list(found.interval) == pytest.approx([0.3, 0.5])
    assert turned(None, None, -1) == Estimate(None)
    assert turned(0.2, None, 1) == Estimate(0.2)


def test_rows_from_top_to_bottom_headings_bold_unknown_left_out():
    known = Row("known", "#0072B2", {"a": Estimate(0.5, (0.4, 0.7)), "b": Estimate(None)})
    series = [Series("a"), Series("b", "D", filled=False)]
    panels = [Forest(x, [Row("heading"), known], series) for x in ("first", "second")]
    figure = forest_figure(panels, caption="said under it")
    panel, second = figure.axes
    assert figure.get_label() == "said under it"
    ticks = panel.get_yticklabels()
    assert [tick.get_text() for tick in ticks] == ["heading", "known"]
    assert [tick.get_fontweight() for tick in ticks] == ["bold", "normal"]
    assert {tick.get_text() for tick in second.get_yticklabels()} == {""}
    assert (panel.get_xlabel(), second.get_xlabel()) == ("first", "second")
    assert panel.get_ylim()[0] > panel.get_ylim()[1]
    drawn = [line.get_xdata() for line in panel.lines if line.get_color() == "#0072B2"]
    assert [list(map(float, x)) for x in drawn] == [[0.4, 0.7], [0.5]]


def test_more_rows_are_a_taller_figure():
    heights = [
        forest_figure([Forest("", [Row("a")] * rows, [Series("a")])], caption="").get_figheight()
        for rows in (1, 20, 60)
    ]
    assert heights == sorted(heights)
    assert heights[2] > 2 * heights[1]

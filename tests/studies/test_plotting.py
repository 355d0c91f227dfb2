from __future__ import annotations

import pytest

pytest.importorskip("matplotlib", reason="figures need matplotlib")

import itertools

from matplotlib.colors import to_rgb

from cephsure.studies.plotting import DPI, KIND_COLOURS, KIND_MARKERS, label, new_figure, remark
from cephsure.studies.study import PUBLISHED_MEASURE


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

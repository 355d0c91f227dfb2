from __future__ import annotations

import pytest

from cephsure.studies.plotting import Estimate, Row, Series, forest, forest_figure, turned


def test_turned_swaps_the_ends_of_an_interval():
    found = turned(-0.4, (-0.5, -0.3), -1)
    assert found.value == pytest.approx(0.4)
    assert list(found.interval) == pytest.approx([0.3, 0.5])
    assert turned(None, None, -1) == Estimate(None)
    assert turned(0.2, None, 1) == Estimate(0.2)


def test_rows_from_top_to_bottom_headings_bold_unknown_left_out():
    figure, axes = forest_figure(1, 3, caption="said under it")
    known = Row("known", "#0072B2", {"a": Estimate(0.5, (0.4, 0.7)), "b": Estimate(None)})
    forest(axes[0, 0], [Row("heading"), known], [Series("a"), Series("b", "D", filled=False)])
    panel = axes[0, 0]
    assert figure.get_label() == "said under it"
    ticks = panel.get_yticklabels()
    assert [tick.get_text() for tick in ticks] == ["heading", "known"]
    assert [tick.get_fontweight() for tick in ticks] == ["bold", "normal"]
    assert panel.get_ylim()[0] > panel.get_ylim()[1]
    drawn = [line.get_xdata() for line in panel.lines if line.get_color() == "#0072B2"]
    assert [list(map(float, x)) for x in drawn] == [[0.4, 0.7], [0.5]]


def test_more_rows_are_a_taller_figure():
    heights = [forest_figure(1, rows, caption="")[0].get_figheight() for rows in (1, 20, 60)]
    assert heights == sorted(heights)
    assert heights[2] > 2 * heights[1]

from __future__ import annotations

import numpy as np
import pytest

from cephsure.studies.error_correlation import error_correlation


@pytest.fixture(scope="module")
def figures(table_study):
    made = table_study(kinds=("ensemble",))
    result = error_correlation(made.study)
    return made, result, result.figures


def test_all_points_of_the_own_and_of_the_best_other_measure(figures):
    _, _, found = figures
    scatter = found["error_correlation_table-ensemble"]
    own, other = [one for one in scatter.axes if one.get_ylabel() == "radial error [mm]"]
    assert own.get_xlabel() == "spread of the samples [mm]"
    assert other.get_xlabel() != own.get_xlabel()
    assert own.collections[0].get_array().sum() == other.collections[0].get_array().sum() == 24 * 19
    text = own.texts[0].get_text()
    assert "published r = 0.31" in text
    assert "n = 456" in text


def test_binned_means_average_to_the_mean_error(figures):
    made, _, found = figures
    (panel,) = [one for one in found["error_correlation_table-ensemble"].axes if one.get_title() == "binned"]
    heights = panel.containers[0].lines[0].get_ydata()
    errors = np.hypot(*np.moveaxis(made.away_mm["table-ensemble"], -1, 0))
    assert len(heights) == 10
    assert np.mean(heights) == pytest.approx(errors.mean(), rel=0.02)
    assert heights[-1] > 2 * heights[0]


def test_ours_and_the_published_value_in_one_row(figures):
    _, result, found = figures
    (panel,) = found["error_correlation_published"].axes
    (tick,) = panel.get_yticklabels()
    assert tick.get_text() == "default ensemble (5), mean: spread of the samples"
    drawn = [float(line.get_xdata()[0]) for line in panel.lines if len(line.get_xdata()) == 1]
    table = result.tables["error_correlation"]
    own = next(row for row in table.rows if row[table.columns.index("own_measure")])
    assert own[table.columns.index("pearson")] in drawn
    assert 0.31 in drawn


def test_a_good_measure_is_positive_whatever_its_direction(figures):
    _, _, found = figures
    panel = found["error_correlation_measures"].axes[0]
    names = [tick.get_text() for tick in panel.get_yticklabels()]
    assert names[0].startswith("default ensemble")
    assert "maximum heat-map activation" in names
    drawn = [float(line.get_xdata()[0]) for line in panel.lines if len(line.get_xdata()) == 1]
    assert len(drawn) == 2 * 4
    assert min(drawn) > 0


def test_all_can_be_drawn(figures):
    for figure in figures[2].values():
        figure.canvas.draw()

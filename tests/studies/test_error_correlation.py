from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from cephsure.studies.error_correlation import error_correlation
from table_study import records

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(table_study):
    return table_study()


@pytest.fixture(scope="module")
def result(made):
    return error_correlation(made.study)


def errors_mm(made, label="table-ensemble"):
    return np.hypot(*np.moveaxis(made.away_mm[label], -1, 0))


ENSEMBLE = {"model": "default ensemble (5), mean", "films": "official", "landmarks": "all"}


def test_unbinned_coefficients_agree_with_scipy(made, result):
    (row,) = records(result, "error_correlation", **ENSEMBLE, measure="entropy")
    from cephsure.studies.held_out import held_out

    values = held_out(made.study).tables["table-ensemble"].measures["entropy"]
    errors = errors_mm(made)
    assert row["n_points"] == 24 * 19
    assert row["pearson"] == pytest.approx(stats.pearsonr(errors.ravel(), values.ravel()).statistic, abs=1e-4)
    assert row["spearman"] == pytest.approx(
        stats.spearmanr(errors.ravel(), values.ravel()).statistic, abs=1e-3
    )
    each = [stats.spearmanr(errors[:, mark], values[:, mark]).statistic for mark in range(19)]
    assert row["within_spearman"] == pytest.approx(np.mean(each), abs=1e-2)
    large = errors.ravel() > 2
    wins = stats.mannwhitneyu(values.ravel()[large], values.ravel()[~large]).statistic
    assert row["auc_2mm"] == pytest.approx(wins / (large.sum() * (~large).sum()), abs=1e-3)


def test_a_constant_measure_is_left_out(result):
    baseline = records(result, "error_correlation", model="default baseline, mean", films="official")
    assert {row["measure"] for row in baseline} == {"activation", "raw_expected_error", "entropy"}
    assert len(records(result, "error_correlation", **ENSEMBLE)) == 4


def test_shown_are_all_points_of_all_films(result):
    assert result.shown.frame["n_points"].tolist() == [24 * 19] * (3 + 4)


def test_films_and_landmarks_that_are_left_out(result):
    ensemble = {"model": "default ensemble (5), mean", "measure": "spread"}
    found = {
        (row["films"], row["landmarks"]): row["n_points"]
        for row in records(result, "error_correlation", **ensemble)
    }
    assert found == {("official", "all"): 24 * 19, ("official", "without 16"): 24 * 18, ("clean", "all"): 437}


def test_the_own_measure_stands_beside_the_published_coefficient(result):
    (own,) = records(result, "error_correlation", **ENSEMBLE, own_measure=True)
    assert (own["measure"], own["published_pearson"]) == ("spread", 0.31)


def test_an_under_trained_model_stands_beside_the_under_trained_one(table_study):
    study = table_study(kinds=("baseline",), changes=("stopped below 6 mm",)).study
    result = error_correlation(study)
    (own,) = records(result, "error_correlation", films="official", landmarks="all", own_measure=True)
    assert (own["measure"], own["published_pearson"], own["under_trained"]) == ("activation", -0.35, True)


def test_each_landmark_has_its_own_coefficient(made, result):
    (row,) = records(
        result,
        "error_correlation_landmarks",
        model="default ensemble (5), mean",
        number=10,
        measure="spread",
    )
    assert row["mre_mm"] == pytest.approx(errors_mm(made)[:, 9].mean(), abs=1e-3)
    assert 0 < row["spearman"] < 1


def test_a_figure_for_each_model(result):
    assert list(result.figures) == [
        "error_correlation_published",
        "error_correlation_measures",
        "error_correlation_table-baseline",
        "error_correlation_table-ensemble",
    ]


@pytest.fixture(scope="module")
def figures(table_study):
    made = table_study(kinds=("ensemble",))
    result = error_correlation(made.study)
    return made, result, result.figures


def test_all_points_of_the_own_and_of_the_best_other_measure(figures):
    _, _, found = figures
    scatter = found["error_correlation_table-ensemble"]
    own, other = [panel for panel in scatter.axes if panel.get_ylabel() == "radial error [mm]"]
    assert own.get_xlabel() == "spread of the samples [mm]"
    assert other.get_xlabel() != own.get_xlabel()
    assert own.collections[0].get_array().sum() == other.collections[0].get_array().sum() == 24 * 19
    text = own.texts[0].get_text()
    assert "published r = 0.31" in text
    assert "n = 456" in text


def test_binned_means_average_to_the_mean_error(figures):
    made, _, found = figures
    (panel,) = [
        axes for axes in found["error_correlation_table-ensemble"].axes if axes.get_title() == "binned"
    ]
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
    own = next(row for row in table.records() if row["own_measure"])
    assert own["pearson"] in drawn
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

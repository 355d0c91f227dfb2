from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from cephsure.studies.error_correlation import error_correlation


@pytest.fixture(scope="module")
def made(table_study):
    return table_study()


@pytest.fixture(scope="module")
def result(made):
    return error_correlation(made.study)


def rows(result, table, **wanted):
    found = result.tables[table]
    all_rows = (dict(zip(found.columns, row, strict=True)) for row in found.rows)
    return [row for row in all_rows if all(row[name] == value for name, value in wanted.items())]


def errors_mm(made, label="table-ensemble"):
    return np.hypot(*np.moveaxis(made.away_mm[label], -1, 0))


ENSEMBLE = {"model": "default ensemble (5), mean", "films": "official", "landmarks": "all"}


def test_unbinned_coefficients_agree_with_scipy(made, result):
    (row,) = rows(result, "error_correlation", **ENSEMBLE, measure="entropy")
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
    baseline = rows(result, "error_correlation", model="default baseline, mean", films="official")
    assert {row["measure"] for row in baseline} == {"activation", "expected_error", "entropy"}
    assert len(rows(result, "error_correlation", **ENSEMBLE)) == 4


def test_films_and_landmarks_that_are_left_out(result):
    ensemble = {"model": "default ensemble (5), mean", "measure": "spread"}
    found = {
        (row["films"], row["landmarks"]): row["n_points"]
        for row in rows(result, "error_correlation", **ensemble)
    }
    assert found == {("official", "all"): 24 * 19, ("official", "without 16"): 24 * 18, ("clean", "all"): 437}


def test_the_own_measure_stands_beside_the_published_coefficient(result, table_study):
    (own,) = rows(result, "error_correlation", **ENSEMBLE, own_measure=True)
    assert (own["measure"], own["published_pearson"]) == ("spread", 0.31)
    assert any("fully trained: 0.31" in sentence for sentence in result.findings)
    assert any("No under-trained model" in sentence for sentence in result.findings)


def test_an_under_trained_model_stands_beside_the_under_trained_one(table_study):
    study = table_study(kinds=("baseline",), changes=("stopped below 6 mm",)).study
    result = error_correlation(study)
    (own,) = rows(result, "error_correlation", films="official", landmarks="all", own_measure=True)
    assert (own["measure"], own["published_pearson"], own["under_trained"]) == ("activation", -0.35, True)
    assert any("under-trained: −0.35" in sentence for sentence in result.findings)
    assert not any("No under-trained model" in sentence for sentence in result.findings)


def test_each_landmark_has_its_own_coefficient(made, result):
    (row,) = rows(
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

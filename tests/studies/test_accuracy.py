from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cephsure.studies.accuracy import accuracy
from cephsure.studies.published import published_accuracy
from table_study import records

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(table_study):
    return table_study()


@pytest.fixture(scope="module")
def result(made):
    return accuracy(made.study)


def errors_mm(made, label):
    return np.hypot(*np.moveaxis(made.away_mm[label], -1, 0))


def test_report_row_against_the_own_truth_by_hand(made, result):
    row = records(result, "accuracy")[0]
    errors = errors_mm(made, "table-baseline")
    assert (row["who"], row["truth"]) == ("default baseline, mean", "mean")
    assert row["mre_mm"] == pytest.approx(errors.mean(), rel=1e-4)
    assert row["sd_mm"] == pytest.approx(errors.std(ddof=1), rel=1e-4)
    assert row["sdr_2.5mm_percent"] == pytest.approx(100 * (errors <= 2.5).mean())
    others = np.arange(19) != 15
    assert row["mre_without_16_mm"] == pytest.approx(errors[:, others].mean(), rel=1e-4)
    assert row["mre_clean_mm"] == pytest.approx(errors[:-1].mean(), rel=1e-4)
    assert row["mre_low_mm"] < row["mre_mm"] < row["mre_high_mm"]


def test_long_form_has_every_truth_films_and_landmarks(result):
    found = [row for row in records(result, "accuracy_long") if row["who"] == "default baseline, mean"]
    combinations = {(row["truth"], row["films"], row["landmarks"]) for row in found}
    assert len(found) == len(combinations) == 3 * 2 * 2
    by = {(row["truth"], row["films"], row["landmarks"]): row for row in found}
    assert by["mean", "clean", "without 16"]["n_points"] == 23 * 18
    assert by["senior", "official", "all"]["mre_mm"] > by["mean", "official", "all"]["mre_mm"]


def test_annotators_and_published_rows_stand_beside(made, result):
    found = {row["who"]: row for row in records(result, "accuracy")}
    annotators = found["annotators: junior against senior"]
    assert annotators["mre_mm"] == pytest.approx(2 * made.difficulty.mean(), rel=1e-6)
    published = published_accuracy("Test1")["source"].tolist()
    assert [row["who"] for row in records(result, "accuracy")][-len(published) :] == published
    assert found["Drevický & Kodým 2020, ensemble"]["mre_mm"] == 1.79


def test_each_landmark_by_hand(made, result):
    (row,) = [
        row
        for row in records(result, "accuracy_landmarks")
        if (row["who"], row["number"]) == ("default ensemble (5), mean", 10)
    ]
    errors = errors_mm(made, "table-ensemble")[:, 9]
    assert (row["code"], row["n_points"]) == ("Go", 24)
    assert row["mre_mm"] == pytest.approx(errors.mean(), rel=1e-4)


@pytest.mark.slow
def test_a_model_is_measured_against_the_annotation_it_was_trained_on(table_study):
    result = accuracy(table_study(recipe="paper", truth="senior").study)
    assert records(result, "accuracy")[0]["truth"] == "senior"


def test_the_method_counts_the_films(result):
    assert result.method[0] == (
        "Every model predicts the films of Test1 as they are: 24 films official and 23 films clean. Clean "
        "leaves out the films whose exposure is also among the training films."
    )


def test_without_duplicates_there_is_no_clean_column(table_study):
    result = accuracy(table_study(groups=False).study)
    assert records(result, "accuracy")[0]["mre_clean_mm"] is None
    assert "no clean group" in result.method[0]


def test_an_annotator_without_a_point_on_the_judged_films_is_no_truth(table_study):
    study = table_study().study
    missing = np.full((19, 2), np.nan)
    films = [
        replace(film, annotations={"senior": film.annotations["senior"], "junior": missing})
        for film in study.dataset.films
    ]
    result = accuracy(replace(study, dataset=replace(study.dataset, films=tuple(films))))
    assert {row["truth"] for row in records(result, "accuracy_long") if row["source"] == "this study"} == {
        "mean",
        "senior",
    }


@pytest.fixture(scope="module")
def figures(table_study):
    made = table_study(kinds=("baseline", "ensemble", "mc-dropout"))
    return made, accuracy(made.study).figures


def test_the_curve_is_the_share_of_points_within_a_radius(figures):
    made, found = figures
    (panel,) = found["accuracy_success"].axes
    curves = {line.get_label(): line for line in panel.lines}
    (name,) = [label for label in curves if label.startswith("default ensemble")]
    errors = np.hypot(*np.moveaxis(made.away_mm["table-ensemble"], -1, 0))
    x, y = curves[name].get_data()
    two = np.argmin(abs(x - 2))
    assert y[two] == pytest.approx(100 * (errors <= 2).mean())
    assert panel.get_xlabel() == "radius r [mm]"
    assert sum("published" in label for label in curves) == 4


def test_a_panel_for_each_recipe(table_study):
    study = table_study(kinds=("baseline",), recipe="paper").study
    (panel,) = accuracy(study).figures["accuracy_success"].axes
    assert panel.get_title() == "recipe paper"


def test_every_landmark_has_its_mean_from_each_kind(figures):
    made, found = figures
    (panel,) = found["accuracy_landmarks"].axes
    labelled = {line.get_label(): line for line in panel.lines if not line.get_label().startswith("_")}
    assert [label.split(",")[0] for label in labelled] == [
        "default baseline",
        "default ensemble (5)",
        "default mc-dropout (5)",
    ]
    errors = np.hypot(*np.moveaxis(made.away_mm["table-baseline"], -1, 0))
    (name,) = [label for label in labelled if label.startswith("default baseline")]
    np.testing.assert_allclose(labelled[name].get_ydata(), errors.mean(axis=0), rtol=1e-4)
    (between,) = [lines for lines in panel.collections if lines.get_label().startswith("annotators")]
    heights = [segment[0][1] for segment in between.get_segments()]
    np.testing.assert_allclose(heights, 2 * made.difficulty.mean(axis=0), rtol=1e-6)


def test_all_can_be_drawn(figures):
    for figure in figures[1].values():
        figure.canvas.draw()

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cephsure.studies.accuracy import accuracy
from cephsure.studies.published import published_accuracy


@pytest.fixture(scope="module")
def made(table_study):
    return table_study()


@pytest.fixture(scope="module")
def result(made):
    return accuracy(made.study)


def rows(result, table):
    found = result.tables[table]
    return [dict(zip(found.columns, row, strict=True)) for row in found.rows]


def errors_mm(made, label):
    return np.hypot(*np.moveaxis(made.away_mm[label], -1, 0))


def test_report_row_against_the_own_truth_by_hand(made, result):
    row = rows(result, "accuracy")[0]
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
    found = [row for row in rows(result, "accuracy_long") if row["who"] == "default baseline, mean"]
    combinations = {(row["truth"], row["films"], row["landmarks"]) for row in found}
    assert len(found) == len(combinations) == 3 * 2 * 2
    by = {(row["truth"], row["films"], row["landmarks"]): row for row in found}
    assert by["mean", "clean", "without 16"]["n_points"] == 23 * 18
    assert by["senior", "official", "all"]["mre_mm"] > by["mean", "official", "all"]["mre_mm"]


def test_annotators_and_published_rows_stand_beside(made, result):
    found = {row["who"]: row for row in rows(result, "accuracy")}
    annotators = found["annotators: junior against senior"]
    assert annotators["mre_mm"] == pytest.approx(2 * made.difficulty.mean(), rel=1e-6)
    published = [one.source for one in published_accuracy("Test1")]
    assert [row["who"] for row in rows(result, "accuracy")][-len(published) :] == published
    assert found["Drevický & Kodým 2020, ensemble"]["mre_mm"] == 1.79


def test_each_landmark_by_hand(made, result):
    (row,) = [
        row
        for row in rows(result, "accuracy_landmarks")
        if (row["who"], row["number"]) == ("default ensemble (5), mean", 10)
    ]
    errors = errors_mm(made, "table-ensemble")[:, 9]
    assert (row["code"], row["n_points"]) == ("Go", 24)
    assert row["mre_mm"] == pytest.approx(errors.mean(), rel=1e-4)


def test_findings_say_the_figures(made, result):
    errors = errors_mm(made, "table-baseline")
    assert any(f"MRE {errors.mean():.2f} [" in sentence for sentence in result.findings)
    assert any("a figure means nothing without its truth" in sentence for sentence in result.findings)
    assert not any("stands beside the reference" in sentence for sentence in result.findings)


def test_a_paper_model_on_the_senior_annotation_stands_beside_the_reference(table_study):
    result = accuracy(table_study(recipe="paper", truth="senior").study)
    (sentence,) = [one for one in result.findings if "reference's ensemble" in one]
    assert "published MRE 1.79 mm" in sentence
    assert rows(result, "accuracy")[0]["truth"] == "senior"


def test_without_duplicates_there_is_no_clean_column(table_study):
    result = accuracy(table_study(groups=False).study)
    assert rows(result, "accuracy")[0]["mre_clean_mm"] is None
    assert "no clean group" in result.method[0]


def test_an_annotator_without_a_point_on_the_judged_films_is_no_truth(table_study):
    study = table_study().study
    missing = np.full((19, 2), np.nan)
    films = [
        replace(film, annotations={"senior": film.annotations["senior"], "junior": missing})
        for film in study.dataset.films
    ]
    result = accuracy(replace(study, dataset=replace(study.dataset, films=tuple(films))))
    assert {row["truth"] for row in rows(result, "accuracy_long") if row["source"] == "this study"} == {
        "mean",
        "senior",
    }

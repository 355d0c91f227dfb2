"""The overview, from tables small enough to check by eye."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cephsure.studies.published import REFERENCE
from cephsure.studies.result import ExperimentResult, ResultTable
from cephsure.studies.shifted_films import NO_CEPHALOGRAM
from cephsure.studies.summaries import best_of, overview


def result(name, table, columns, *rows):
    return ExperimentResult(
        name, name, (), {table: ResultTable.from_records(name, rows, columns=columns.split())}
    )


ACCURACY = result(
    "accuracy",
    "accuracy_long",
    "who source truth trained_on films landmarks mre_mm mre_low_mm mre_high_mm sd_mm sdr_2.5mm_percent",
    ("ours", "this study", "junior", "senior", "official", "all", 9.0, 8.0, 10.0, 1.0, 9.0),
    ("ours", "this study", "senior", "senior", "official", "all", 2.0, 1.5, 2.5, 1.0, 70.0),
    ("ours", "this study", "senior", "senior", "clean", "all", 8.0, 7.0, 9.0, 1.0, 8.0),
    ("ours", "this study", "senior", "senior", "official", "without 16", 7.0, 6.0, 8.0, 1.0, 7.0),
    ("theirs", "a paper", "senior", "senior", "official", "all", 1.0, None, None, None, 90.0),
)
ERROR = result(
    "error-correlation",
    "error_correlation",
    "model under_trained own_measure films landmarks pearson pearson_low pearson_high",
    ("ours", False, False, "official", "all", 0.9, 0.8, 1.0),
    ("ours", False, True, "official", "all", 0.4, 0.3, 0.5),
    ("ours", False, True, "clean", "all", 0.8, 0.7, 0.9),
    ("other", True, True, "official", "all", 0.2, None, None),
)
ROTATION = result(
    "rotation",
    "rotation",
    "head series model published_pearson angle_pearson angle_pearson_low angle_pearson_high",
    ("first", "rotation, parallel sum", "ours", None, 0.1, 0.0, 0.2),
    ("first", "rotation, parallel sum", "ours", 0.95, 0.88, 0.8, 0.9),
    ("first", "rotation, cone film", "ours", 0.95, 0.86, 0.8, 0.9),
    ("first", "nod, cone film", "ours", 0.95, 0.5, 0.4, 0.6),
    ("second", "rotation, parallel sum", "ours", 0.95, 0.7, 0.6, 0.8),
)


@pytest.fixture
def table():
    return overview([ROTATION, ACCURACY, ERROR])


def lines(table):
    return {row["model"]: row for row in table.records()}


def test_each_models_own_figures(table):
    ours = lines(table)["ours"]
    assert (ours["mre_mm"], ours["mre_low_mm"], ours["mre_high_mm"]) == (2.0, 1.5, 2.5)
    assert ours["sdr_2.5mm_percent"] == 70.0
    assert (ours["error_pearson"], ours["error_pearson_low"]) == (0.4, 0.3)
    assert (ours["turned_sum_pearson"], ours["turned_cone_pearson"]) == (0.88, 0.86)
    assert (ours["turned_sum_pearson_low"], ours["turned_sum_pearson_high"]) == (0.8, 0.9)


def test_where_the_annotation_of_the_training_is_missing_the_mean_is_the_truth():
    accuracy = ACCURACY.tables["accuracy_long"]
    (row,) = accuracy.records()[1:2]
    rows = [row | {"truth": "mean", "trained_on": "other"}]
    found = overview(
        [
            replace(
                ACCURACY,
                tables={"accuracy_long": ResultTable.from_records("t", rows, columns=accuracy.columns)},
            )
        ]
    )
    assert lines(found)["ours"]["mre_mm"] == 2.0
    both = (
        row,
        row
        | {"truth": "mean", "mre_mm": 5.0, "mre_low_mm": None, "mre_high_mm": None, "sdr_2.5mm_percent": 9.0},
    )
    found = overview(
        [
            replace(
                ACCURACY,
                tables={"accuracy_long": ResultTable.from_records("t", both, columns=accuracy.columns)},
            )
        ]
    )
    assert lines(found)["ours"]["mre_mm"] == 2.0


def test_what_was_not_measured_is_a_gap_and_other_methods_are_no_models(table):
    assert lines(table)["other"]["error_pearson"] == 0.2
    assert lines(table)["other"]["mre_mm"] is None
    assert "theirs" not in lines(table)


def test_columns_of_experiments_that_were_not_made_are_left_out(table):
    assert not any(name.startswith(("distorted", "caught", "turned_film")) for name in table.columns)
    assert overview([ERROR]).columns == ("model", "error_pearson", "error_pearson_low", "error_pearson_high")


def test_published_figures_stand_below(table):
    found = lines(table)
    assert found["published, ensemble"]["mre_mm"] == 1.79
    assert found["published, ensemble"]["turned_sum_pearson"] == 0.95
    assert found["published, ensemble"]["turned_cone_pearson"] is None
    assert found["published, mc-dropout, under-trained"]["error_pearson"] == 0.86
    assert [name.startswith("published") for name in found] == [False] * 2 + [True] * 6


def test_published_lines_that_stand_beside_nothing_are_left_out():
    assert len(overview([ACCURACY]).frame) == 1 + 3
    errors = ERROR.tables["error_correlation"]
    trained = replace(errors, frame=errors.frame[:3])
    found = overview([replace(ERROR, tables={"error_correlation": trained})])
    assert list(found.frame["model"])[1:] == [f"published, {kind}" for kind in REFERENCE]


def test_without_models_there_is_no_overview():
    assert overview([result("other-site", "other_site_noticed", "model auc", ("ours", 1.0))]) is None
    assert overview([]) is None


ERRORS_BY_MEASURE = result(
    "error-correlation",
    "error_correlation",
    "model films landmarks measure spearman within_spearman auc_4mm",
    ("ours", "official", "all", "activation", -0.5, -0.1, 0.7),
    ("ours", "official", "all", "spread", 0.4, 0.2, 0.8),
    ("ours", "official", "all", "entropy", -0.9, None, 0.8003),
    ("ours", "clean", "all", "spread", 0.9, 0.9, 0.9),
    ("other", "official", "all", "spread", 0.3, 0.1, None),
)
DETECTION = result(
    "detection",
    "detection",
    "model shift score score_title auc",
    ("ours", "rotated", "spread_mean", "spread: mean", 0.9),
    ("ours", "blurred", "spread_mean", "spread: mean", 0.5),
    ("ours", "rotated", "shape", "shape of the points", 0.6),
    ("ours", "blurred", "shape", "shape of the points", 0.7),
    ("ours", "rotated", "all_max", "all: largest z", 0.8),
    ("ours", "blurred", "all_max", "all: largest z", 0.7),
    ("ours", NO_CEPHALOGRAM, "spread_mean", "spread: mean", 1.0),
    ("ours", NO_CEPHALOGRAM, "shape", "shape of the points", 1.0),
)


def best_lines(*results):
    table = best_of(results)
    rows = table.records()
    return {(row["task"], row["model"]): row for row in rows}


def test_measures_that_fall_with_uncertainty_are_turned():
    found = best_lines(ERRORS_BY_MEASURE)
    pooled = found["error, point by point", "ours"]
    assert (pooled["measure"], pooled["value"]) == ("maximum heat-map activation", 0.5)
    # The entropy rises with uncertainty: here it is the worst of all.
    assert found["error within a landmark", "ours"]["value"] == 0.2
    assert found["error, point by point", "other"]["measure"] == "spread of the samples"


def test_measures_that_are_as_good_are_counted():
    found = best_lines(ERRORS_BY_MEASURE)["errors over 4 mm", "ours"]
    assert found["measure"] == "spread of the samples (and 1 more)"
    assert found["value"] == 0.8003
    assert ("errors over 4 mm", "other") not in best_lines(ERRORS_BY_MEASURE)


def test_shifts_are_averaged_and_combinations_stand_apart():
    found = best_lines(DETECTION)["a shifted film", "ours"]
    assert (found["measure"], found["value"]) == ("spread: mean", pytest.approx(0.7))
    assert (found["combination"], found["combination_value"]) == ("all: largest z", pytest.approx(0.75))
    strange = best_lines(DETECTION)["no cephalogram", "ours"]
    assert (strange["measure"], strange["combination"]) == ("spread: mean (and 1 more)", None)


def test_lengths_in_px_do_not_count_as_measures_of_their_own():
    site = result(
        "other-site",
        "other_site_noticed",
        "model measure key auc",
        ("ours", "spread", "spread_mm", 0.6),
        ("ours", "spread", "spread_px", 0.2),
    )
    assert best_lines(site)["another site's film", "ours"]["value"] == 0.6


def test_without_comparisons_there_is_no_table():
    assert best_of([]) is None
    assert best_of([result("accuracy", "accuracy_long", "who mre_mm", ("ours", 1.0))]) is None

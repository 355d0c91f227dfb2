"""Which measure is best, from tables small enough to check by eye."""

from __future__ import annotations

import pytest

from cephsure.studies.result import ExperimentResult, ResultTable
from cephsure.studies.shifted import ALL_STRANGERS
from cephsure.studies.summaries import best_of


def result(name, table, columns, *rows):
    return ExperimentResult(name, name, (), {table: ResultTable.from_rows(name, columns.split(), rows)})


ERROR = result(
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
    ("ours", ALL_STRANGERS, "spread_mean", "spread: mean", 1.0),
    ("ours", ALL_STRANGERS, "shape", "shape of the points", 1.0),
)


def lines(*results):
    table = best_of(results)
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    return {(row["task"], row["model"]): row for row in rows}


def test_measures_that_fall_with_uncertainty_are_turned():
    found = lines(ERROR)
    pooled = found["error, point by point", "ours"]
    assert (pooled["measure"], pooled["value"]) == ("maximum heat-map activation", 0.5)
    # The entropy rises with uncertainty: here it is the worst of all.
    assert found["error within a landmark", "ours"]["value"] == 0.2
    assert found["error, point by point", "other"]["measure"] == "spread of the samples"


def test_measures_that_are_as_good_are_counted():
    found = lines(ERROR)["errors over 4 mm", "ours"]
    assert found["measure"] == "spread of the samples (and 1 more)"
    assert found["value"] == 0.8003
    assert ("errors over 4 mm", "other") not in lines(ERROR)


def test_shifts_are_averaged_and_combinations_stand_apart():
    found = lines(DETECTION)["a shifted film", "ours"]
    assert (found["measure"], found["value"]) == ("spread: mean", pytest.approx(0.7))
    assert (found["combination"], found["combination_value"]) == ("all: largest z", pytest.approx(0.75))
    strange = lines(DETECTION)["no cephalogram", "ours"]
    assert (strange["measure"], strange["combination"]) == ("spread: mean (and 1 more)", None)


def test_lengths_in_px_do_not_count_as_measures_of_their_own():
    site = result(
        "other-site",
        "other_site_noticed",
        "model measure key auc",
        ("ours", "spread", "spread_mm", 0.6),
        ("ours", "spread", "spread_px", 0.2),
    )
    assert lines(site)["another site's film", "ours"]["value"] == 0.6


def test_without_comparisons_there_is_no_table():
    assert best_of([]) is None
    assert best_of([result("accuracy", "accuracy_long", "who mre_mm", ("ours", 1.0))]) is None

from __future__ import annotations

import json

import pytest

from cephsure.evaluation.calibration_figures import (
    landmark_table,
    reader_table,
    region_table,
    reliability_table,
)


@pytest.fixture
def unknown(figures):
    """The case of a reader not met before."""
    return figures["cases"]["0"]


def test_the_cases_have_titles_and_the_document_its_source(figures):
    assert {case: own["title"] for case, own in figures["cases"].items()} == {
        "0": "a reader not met before",
        "known": "the annotators, each",
    }
    assert (figures["source"]["dataset"], figures["default_kind"]) == ("made", "disc")
    assert json.loads(json.dumps(figures, allow_nan=False)) == figures


def test_overall_figures_by_hand(unknown):
    # Four films, each read twice.
    assert (unknown["films"], unknown["points"]) == (4, 30)
    assert unknown["mean_expected_mm"] == pytest.approx(1.5 * unknown["mean_error_mm"], rel=1e-4)
    assert unknown["expected_calibration_error_mm"] == pytest.approx(0.5 * unknown["mean_error_mm"], rel=1e-4)
    assert [group["ratio"] for group in unknown["deciles"]] == pytest.approx([1.5] * 10, rel=1e-4)
    region = next(region for region in unknown["regions"] if region["level"] == 0.5)
    assert region["coverage"] == pytest.approx(26 / 30, rel=1e-4)
    assert region["worst_landmark"] == 0.5
    assert (region["mean_area_mm2"], region["median_area_mm2"]) == (2.0, 2.0)
    assert region["whole_film_share"] == pytest.approx(8 / 30, rel=1e-4)


def test_each_landmarks_figures_by_hand(unknown):
    second, last = unknown["landmarks"][1], unknown["landmarks"][3]
    assert (second["code"], second["films"], last["films"]) == ("UR", 8, 6)
    assert second["regions"][0]["coverage"] == 0.5
    assert unknown["landmarks"][0]["regions"][0]["mean_area_mm2"] is None
    low, high = second["regions"][0]["coverage_ci95"]
    assert low < 0.5 < high


def test_each_readers_figures(unknown, figures):
    first, second = unknown["readers"]
    assert (first["name"], second["name"], first["films"]) == ("a", "b", 4)
    assert first["regions"][0]["coverage"] == pytest.approx(13 / 15, rel=1e-4)
    assert first["regions"][0]["median_area_mm2"] == 2.0
    (row, _) = reader_table(unknown, kind="disc", level=0.5).rows
    assert row[:2] == ("a", "4")
    assert row[4:] == ("86.7", "2.0")
    assert reader_table(figures["cases"]["known"], kind="disc", level=0.8).rows[0][4] == "100.0"


def test_tables_say_the_same(unknown):
    table = region_table(unknown)
    assert table.title == "Regions for a reader not met before: 4 films"
    row = table.rows[0]
    assert row[:2] == ("disc", "50%")
    assert row[2].startswith("86.7 [")
    assert row[3] == "50.0"
    assert row[6] == "26.7"
    assert len(reliability_table(unknown).rows) == 10
    rows = landmark_table(unknown, kind="disc", levels=(0.5, 0.77)).rows
    assert [row[1] for row in rows] == ["UL", "UR", "LL", "LR"]
    assert rows[0][4:] == ("100.0", "–", "–", "–")


def test_a_landmark_that_nobody_marked_has_no_figures(figures):
    known = figures["cases"]["known"]
    assert known["landmarks"][2] | {"number": 3} == {
        "number": 3,
        "code": "LL",
        "films": 0,
        "mean_error_mm": None,
        "mean_expected_mm": None,
        "regions": [],
    }
    assert landmark_table(known, kind="disc", levels=(0.5,)).rows[2][2:] == ("–", "–", "–", "–")
    assert known["points"] == 11

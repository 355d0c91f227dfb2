from __future__ import annotations

import json

import pytest

from cephsure.evaluation.calibration_figures import (
    landmark_table,
    region_table,
    reliability_table,
)


def test_overall_figures_by_hand(figures):
    assert (figures["films"], figures["groups"], figures["points"]) == (4, 4, 15)
    assert figures["mean_expected_mm"] == pytest.approx(1.5 * figures["mean_error_mm"], rel=1e-4)
    assert figures["expected_calibration_error_mm"] == pytest.approx(0.5 * figures["mean_error_mm"], rel=1e-4)
    assert [group["ratio"] for group in figures["deciles"]] == pytest.approx([1.5] * 10, rel=1e-4)
    (region,) = figures["regions"]
    assert region["coverage"] == pytest.approx(13 / 15, rel=1e-4)
    assert region["worst_landmark"] == 0.5
    assert (region["mean_area_mm2"], region["median_area_mm2"]) == (2.0, 2.0)
    assert region["whole_film_share"] == pytest.approx(4 / 15, rel=1e-4)


def test_each_landmarks_figures_by_hand(figures):
    second, last = figures["landmarks"][1], figures["landmarks"][3]
    assert (second["code"], second["films"], last["films"]) == ("UR", 4, 3)
    assert second["regions"][0]["coverage"] == 0.5
    assert figures["landmarks"][0]["regions"][0]["mean_area_mm2"] is None
    low, high = second["regions"][0]["coverage_ci95"]
    assert low < 0.5 < high


def test_it_is_json(figures):
    assert json.loads(json.dumps(figures, allow_nan=False)) == figures


def test_tables_say_the_same(figures):
    (row,) = region_table(figures).rows
    assert row[:2] == ("disc", "50%")
    assert row[2].startswith("86.7 [")
    assert row[3] == "50.0"
    assert row[6] == "26.7"
    assert len(reliability_table(figures).rows) == 10
    rows = landmark_table(figures, kind="disc", levels=(0.5, 0.9)).rows
    assert [row[1] for row in rows] == ["UL", "UR", "LL", "LR"]
    assert rows[0][4:] == ("100.0", "–", "–", "–")

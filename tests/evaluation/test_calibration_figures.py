from __future__ import annotations

import json

import numpy as np
import pytest

import made_errors
from cephsure.evaluation.calibration_figures import (
    document,
    landmark_table,
    region_table,
    reliability_diagram,
    reliability_table,
)
from cephsure.landmarks import LandmarkSet
from cephsure.uncertainty.calibration.fitting import CrossFit, RegionFigures


@pytest.fixture
def figures(dots):
    dot_set = LandmarkSet.from_dict(dots._landmarks())
    data = made_errors.draw(np.random.default_rng(0), 4)
    covered = np.ones((4, 4))
    covered[0, 1] = covered[1, 1] = 0
    covered[3, 3] = np.nan
    areas = np.full((4, 4), 2.0)
    areas[:, 0] = np.inf
    areas[3, 3] = np.nan
    data.errors_mm[3, 3] = np.nan
    crossed = CrossFit(
        2, 0, data.radial_mm * 1.5, data.radial_mm, {("disc", 0.5): RegionFigures(covered, areas)}
    )
    return document(crossed, data, dot_set, resamples=50)


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


def test_the_diagram_is_a_picture(figures):
    assert reliability_diagram(figures).startswith(b"\x89PNG")

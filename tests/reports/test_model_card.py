from __future__ import annotations

import copy

import pytest

from cephsure.reports.model_card import card_markdown

MARK = {
    "code": "S",
    "bias_mm": [0.125, -0.25],
    "mre_mm": 0.5,
    "p95_mm": 1.25,
    "coverage": 0.91,
    "accepted": None,
}
CARD = {
    "name": "made-up",
    "kind": "baseline",
    "sha256": "ab" * 32,
    "disclaimer": "Research use only.",
    "licence": {"weights": "CC0-1.0", "data": None},
    "training": {
        "data": "films",
        "split": "all",
        "truth": "mean",
        "data_sha256": "cd" * 32,
        "seed": 7,
        "annotators": [],
        "networks": 1,
        "made": None,
        "precision": None,
        "validation_mre_mm": None,
        "recipe": {"name": "default", "version": 1, "changes": ["five folds"]},
    },
    "landmark_set": {"name": "one", "landmarks": [{}]},
    "calibration": {"films": 3, "dataset": "films", "split": "all", "readers": [{}, {}]},
    "gate": {
        "max_missed_rate": 0.05,
        "tolerance_mm": 2.0,
        "films": 3,
        "units": 2,
        "rules": {
            "0": {
                "for": "a reader",
                "threshold_mm": None,
                "accepted_share": 0.5,
                "missed_share": 0.04,
                "worst_person": 0.2,
            }
        },
    },
    "evaluations": [
        {
            "dataset": "others",
            "split": "all",
            "films": 3,
            "points": 3,
            "truth": "mean",
            "reader": "a reader",
            "mre_ci95_mm": [0.4, 0.6],
            "source": "mine.json",
            "level": 0.9,
            "mre_mm": 0.5,
            "p95_mm": 1.25,
            "bias_mm": [0.125, -0.25],
            "coverage": 0.91,
            "worst_landmark": "S",
            "per_landmark": [MARK],
        }
    ],
    "observers": {
        "inter_observer": [
            {"data": "films", "who": "two people", "mean_mm": 2.0, "command": "cephsure experiment accuracy"}
        ],
        "median_distance_mm": {"between": ["a", "b"], "by_landmark": {"S": 0.75}},
        "intra_observer": None,
    },
    "limits": "A person must check every point.",
    "known_failures": ["it fails"],
    "hashes": {"networks": {"members/00/fine.onnx": "ef" * 32}},
}


def test_the_card_says_what_is_known():
    text = card_markdown(CARD)
    assert text.startswith("# made-up\n\n**Research use only.**\n")
    for line in (
        "| licence of the weights | CC0-1.0 |",
        "| licence of the data | unknown |",
        "| made | unknown |",
        "| seed, precision | 7, unknown |",
        "| recipe | default, version 1; five folds |",
        "- it fails.",
        "| S | +0.12 | -0.25 | 0.50 | 1.25 | 91 | unknown | 0.75 |",
        "| a reader | unknown | 50 | 4 | 20 |",
        "- films: two people 2.00 mm apart on average (`cephsure experiment accuracy`).",
        "- One person with themselves (intra-observer): unknown.",
        f"| networks | `members/00/fine.onnx` | `{'ef' * 32}` |",
    ):
        assert f"\n{line}\n" in text, line
    assert "Mean radial error 0.50 mm [0.40, 0.60], 95th percentile 1.25 mm" in text
    assert "90 % regions hold 91 % of the points (worst landmark S). From mine.json." in text


def test_the_card_says_what_is_not_known():
    bare = copy.deepcopy(CARD)
    bare |= {"calibration": None, "gate": None, "evaluations": [], "limits": None, "known_failures": []}
    bare["observers"] = {
        "inter_observer": [],
        "median_distance_mm": {"between": [], "by_landmark": {}},
        "intra_observer": None,
    }
    text = card_markdown(bare)
    assert "| calibrated on | unknown |" in text
    assert "Measured with this very model: unknown." in text
    assert "No gate" in text
    assert "- Different people, over all landmarks (inter-observer): unknown." in text
    assert "Limits that its makers named: unknown." in text


@pytest.mark.parametrize("key", ["reader", "mre_ci95_mm", "coverage"])
def test_figures_may_lack_a_part(key):
    other = copy.deepcopy(CARD)
    other["evaluations"][0][key] = None
    assert "### others, all" in card_markdown(other)

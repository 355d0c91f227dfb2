from __future__ import annotations

import json

import pytest

from cephsure.training.card import bundle_validation, model_card, validation_figures


def member(mre, best, *, unit="mm", films=("001", "002")):
    stages = {
        "coarse": {"validation_mre_mm": 9.0, "best_validation_mre_mm": 8.0, "seconds": 60.0},
        "fine": {"validation_mre_mm": mre, "best_validation_mre_mm": best, "seconds": 120.0},
    }
    return {"stages": stages, "validation_films": list(films), "validation_unit": unit}


@pytest.fixture
def facts():
    return {
        "name": "mine {1}",
        "kind": "ensemble",
        "recipe": {"name": "default", "changes": ["3 epochs"]},
        "landmark_set": {"name": "isbi-19", "landmarks": [{}] * 19},
        "members": [member(1.2, 1.1), member(1.4, 1.3, films=("002", "003"))],
        "provenance": {
            "data": "my films",
            "data_sha256": "abc",
            "split": "train",
            "truth": "senior",
            "seed": 4,
            "precision": "bfloat16",
            "versions": {"cephsure": "9.9", "torch": "2.0"},
            "made": "2024-01-02",
        },
    }


def test_the_card_says_what_a_reader_must_know(facts):
    card = model_card(facts)
    for words in (
        "# mine {1}",
        "Research use only. Not a medical device.",
        "| kind | ensemble, 2 networks |",
        "| recipe | default; changed: 3 epochs |",
        "| landmarks | 19 (isbi-19) |",
        '| trained on | my films, split "train", truth: senior |',
        "`abc`",
        "| seed, precision | 4, bfloat16 |",
        "| training time of all networks | 6 min |",
        "| made | 2024-01-02 with cephsure 9.9, torch 2.0 |",
        "(3 films in all)",
        "1.30 mm (1.20 to 1.40)",
    ):
        assert words in card, words


def test_one_network_has_no_range(facts):
    facts["members"] = facts["members"][:1]
    card = model_card(facts)
    assert "ensemble, 1 network |" in card
    assert "1.20 mm," in card


@pytest.mark.parametrize(
    ("members", "keep", "words"),
    [
        ([member(1.2, 1.1), member(1.4, 1.3)], "best", "1.20 mm (1.10 to 1.30)"),
        ([member(2.0, 2.0, unit="frame units")], "last", "2.00 frame units"),
        ([member(None, None)], "last", "unknown"),
        ([member(None, None), member(3.0, 3.0)], "last", "3.00 mm (3.00 to 3.00)"),
    ],
)
def test_validation_in_words(members, keep, words):
    assert validation_figures(members, keep=keep) == words


def test_a_bundles_validation_is_of_the_weights_it_keeps(facts, tmp_path):
    (tmp_path / "bundle.json").write_text(json.dumps(facts))
    assert bundle_validation(tmp_path) == "1.30 mm (1.20 to 1.40)"
    facts["recipe"] = {"name": "paper", "fit": {"keep": "best"}}
    (tmp_path / "bundle.json").write_text(json.dumps(facts))
    assert bundle_validation(tmp_path) == "1.20 mm (1.10 to 1.30)"

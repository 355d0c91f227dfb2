from __future__ import annotations

import json

import numpy as np
import pytest

from cephsure.evaluation import About, Evaluation, LeftOut, evaluate


@pytest.fixture(scope="module")
def found() -> Evaluation:
    generator = np.random.default_rng(0)
    predicted = generator.normal(0, 20, (5, 3, 2))
    return evaluate(
        predicted,
        np.zeros((5, 3, 2)),
        np.full((5, 2), 0.1),
        {"activation": generator.random((5, 3)), "constant": np.ones((5, 3))},
        {"activation": -1, "constant": 1},
        without=(2,),
        left_out=[LeftOut(reason="cannot be read", films=1, names=("a.png",))],
        about=About(truth="mean", split="test1"),
        n_resamples=50,
    )


def test_keys_of_the_document(found):
    document = found.document()
    assert document["schema"] == "cephsure.evaluation/1"
    promised = {"mre_mm", "sd_mm", "mre_ci95_mm", "sdr", "n_films", "n_points", "per_landmark", "measures"}
    assert promised <= set(document)
    assert list(document["sdr"]) == ["2.0", "2.5", "3.0", "4.0"]
    assert {"pearson", "spearman", "auc_2mm", "auc_4mm"} <= set(document["measures"]["activation"])
    assert promised - {"per_landmark"} <= set(document["without"]["2"])
    assert document["left_out"] == {
        "films": 1,
        "points": 0,
        "reasons": [{"reason": "cannot be read", "films": 1, "points": 0, "names": ["a.png"]}],
    }
    assert (document["about"]["truth"], document["about"]["split"]) == ("mean", "test1")


def test_the_document_is_plain_json_and_what_is_not_defined_is_null(found):
    text = json.dumps(found.document(), allow_nan=False)
    back = json.loads(text)
    assert back["measures"]["constant"]["pearson"] is None
    assert back["mre_px"] is None
    schema = back.pop("schema")
    assert schema == "cephsure.evaluation/1"
    assert Evaluation.model_validate(back) == found

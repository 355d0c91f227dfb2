from __future__ import annotations

import json

import numpy as np
import pytest

from cephsure.cephalometry import LandmarkErrors, analyse, load_analyses
from cephsure.cephalometry.class_study import class_study

ISBI = load_analyses()


@pytest.fixture
def study(make_prediction, head):
    """Ten films; the model finds what the first annotator marked, the second one marks something else."""
    rng = np.random.default_rng(1)
    first = [head + rng.normal(0, 40, head.shape) for _ in range(10)]
    second = [points + rng.normal(0, 30, head.shape) for points in first]
    predictions = [make_prediction(points) for points in first]
    errors = LandmarkErrors("calibration", np.tile(25.0 * np.eye(2), (19, 1, 1)))
    analysed = [analyse(one, ISBI, errors=errors) for one in predictions]
    mean = [(a + b) / 2 for a, b in zip(first, second, strict=True)]
    annotations = {"first": first, "second": second, "mean": mean}

    def make(truth):
        return class_study(
            predictions, analysed, annotations, ISBI, truth=truth, observers=("first", "second")
        )

    return make


def test_a_model_that_finds_the_truth_is_always_right(study):
    found = study("first")
    assert [one.model.code for one in found.measurements] == [
        *("ANB", "SNB", "SNA", "ODI", "APDI", "FHI", "FHA", "MW")
    ]
    for one in found.measurements:
        assert one.model.success_rate == 1.0
        assert one.mean_absolute_difference == pytest.approx(0.0)
        assert (one.coverage.films, one.coverage.held) == (10, 10)
        assert list(one.observers) == [("first", "second")]


def test_against_another_truth_it_is_as_right_as_the_annotators_are_against_each_other(study):
    for one in study("second").measurements:
        against = one.observers["first", "second"]
        assert one.model.success_rate == against.success_rate
        # The model's points are the first annotator's: the same table, seen from the other side.
        assert one.model.table.tolist() == against.table.T.tolist()
        assert one.mean_absolute_difference > 0


def test_its_document_is_json(study):
    found = study("mean")
    document = json.loads(json.dumps(found.document(), allow_nan=False))
    assert document["schema"] == "cephsure.class-agreement/1"
    assert (document["truth"], document["films"], document["errors_from"]) == ("mean", 10, "calibration")
    anb = document["measurements"][0]
    assert anb["observers"][0]["first"] == "first"
    assert sum(map(sum, anb["model"]["table"])) == 10

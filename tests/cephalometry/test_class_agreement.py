from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cephsure.cephalometry import LandmarkErrors, analyse, load_analyses, shipped_analyses
from cephsure.cephalometry.class_agreement import (
    ClassAgreement,
    class_agreement,
    class_study,
    interval_coverage,
    values_of,
)
from cephsure.cephalometry.measured import MeasuredValue

ANB = shipped_analyses()["isbi"].entries[0]  # class III below 3.2, class I to 5.7, class II above


def test_rates_and_kappa_worked_out_by_hand():
    # True: III III I I II II II II; found: III I I I II II I III.
    true = np.array([1.0, 2.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0])
    found = np.array([0.0, 4.0, 4.0, 4.0, 6.0, 9.0, 5.0, 3.0])
    both = class_agreement(ANB, true, found)
    assert both.class_names == ("class III", "class I", "class II")
    assert both.table.tolist() == [[1, 1, 0], [0, 2, 0], [1, 1, 2]]
    assert both.films == 8
    assert both.success_rate == 5 / 8
    assert both.class_rates == (1 / 2, 1.0, 2 / 4)
    assert both.mean_class_rate == pytest.approx(2 / 3)
    # By chance 2/8 * 2/8 + 2/8 * 4/8 + 4/8 * 2/8 = 5/16; (10/16 - 5/16) / (11/16).
    assert both.kappa == pytest.approx(5 / 11)


def test_cohens_own_kind_of_table():
    # 20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no: 0.7 observed, 0.5 by chance.
    both = ClassAgreement("x", ("yes", "no"), np.array([[20, 5], [10, 15]]))
    assert both.success_rate == pytest.approx(0.7)
    assert both.kappa == pytest.approx(0.4)


def test_films_without_a_value_are_left_out_and_absent_classes_do_not_count():
    both = class_agreement(ANB, np.array([4.0, np.nan, 6.0]), np.array([4.0, 4.0, 6.0]))
    assert both.films == 2
    assert both.class_rates[1:] == (1.0, 1.0)
    assert np.isnan(both.class_rates[0])
    assert both.mean_class_rate == 1.0


def test_one_class_only_has_no_kappa_and_no_film_has_nothing():
    assert np.isnan(class_agreement(ANB, np.array([4.0]), np.array([4.5])).kappa)
    nothing = class_agreement(ANB, np.array([np.nan]), np.array([4.0]))
    assert nothing.films == 0
    assert np.isnan(nothing.success_rate)
    assert np.isnan(nothing.mean_class_rate)


@given(arrays(np.intp, (3, 3), elements=st.integers(0, 20)))
def test_kappa_is_the_same_seen_from_either_side_and_at_most_1(table):
    names = ("a", "b", "c")
    there, back = ClassAgreement("x", names, table), ClassAgreement("x", names, table.T)
    if np.isfinite(there.kappa):
        assert there.kappa == pytest.approx(back.kappa)
        assert there.kappa <= 1 + 1e-12
        assert (there.kappa == pytest.approx(1.0)) == (there.success_rate == 1)


def test_values_of_many_films_are_those_of_each(make_prediction, head):
    analyses = load_analyses("isbi,jarabak")
    mirrored = np.stack([1999 - head[:, 0], head[:, 1]], axis=1)
    films = [
        make_prediction(head).film,
        make_prediction(mirrored, facing="left").film,
        make_prediction(head, mm_per_px=None).film,
    ]
    codes = [landmark.code for landmark in make_prediction(head).landmarks]
    found = values_of([head, mirrored, head], films, codes, analyses)
    for (_, code), (first, second, third) in found.items():
        assert second == pytest.approx(first), code
        if code in {"MW", "S-N", "S-Ar", "Ar-Go", "Go-Me", "S-Go", "N-Me"}:
            assert np.isnan(third)
        else:
            assert third == pytest.approx(first)


def test_landmarks_that_nobody_has_give_no_value(make_prediction, head):
    found = values_of([head[:2]], [make_prediction(head).film], ["S", "N"], load_analyses("isbi"))
    assert all(np.isnan(values).all() for values in found.values())


def test_coverage_counts_films_with_interval_and_truth():
    def measured(interval, decision):
        return MeasuredValue(
            analysis="isbi",
            code="ANB",
            name="x",
            unit="deg",
            value=4.0,
            interval_90=interval,
            decision=decision,
        )

    films = [
        measured((3.0, 5.0), "class I"),  # true 4: held, right
        measured((3.0, 5.0), "class I"),  # true 6: not held, wrong
        measured((3.0, 5.0), None),  # true 5: held
        measured(None, None),
        measured((3.0, 5.0), "class I"),  # no truth
    ]
    counted = interval_coverage(ANB, films, np.array([4.0, 6.0, 5.0, 4.0, np.nan]))
    assert (counted.films, counted.held, counted.decided, counted.decided_right) == (3, 2, 2, 1)


ISBI = load_analyses()


@pytest.fixture
def study(make_prediction, head):
    """Ten films; the model finds what the first annotator marked, the second one marks something else."""
    rng = np.random.default_rng(1)
    first = [head + rng.normal(0, 40, head.shape) for _ in range(10)]
    second = [points + rng.normal(0, 30, head.shape) for points in first]
    predictions = [make_prediction(points) for points in first]
    errors = LandmarkErrors("calibration", np.tile(25.0 * np.eye(2), (19, 1, 1)))
    analysed = [analyse(prediction, ISBI, errors=errors) for prediction in predictions]
    mean = [(a + b) / 2 for a, b in zip(first, second, strict=True)]
    annotations = {"first": first, "second": second, "mean": mean}

    def make(truth):
        return class_study(
            predictions, analysed, annotations, ISBI, truth=truth, observers=("first", "second")
        )

    return make


def test_a_model_that_finds_the_truth_is_always_right(study):
    found = study("first")
    assert [measurement.model.code for measurement in found.measurements] == [
        *("ANB", "SNB", "SNA", "ODI", "APDI", "FHI", "FHA", "MW")
    ]
    for measurement in found.measurements:
        assert measurement.model.success_rate == 1.0
        assert measurement.mean_absolute_difference == pytest.approx(0.0)
        assert (measurement.coverage.films, measurement.coverage.held) == (10, 10)
        assert list(measurement.observers) == [("first", "second")]


def test_against_another_truth_it_is_as_right_as_the_annotators_are_against_each_other(study):
    for measurement in study("second").measurements:
        against = measurement.observers["first", "second"]
        assert measurement.model.success_rate == against.success_rate
        # The model's points are the first annotator's: the same table, seen from the other side.
        assert measurement.model.table.tolist() == against.table.T.tolist()
        assert measurement.mean_absolute_difference > 0


def test_its_document_is_json(study):
    found = study("mean")
    document = json.loads(json.dumps(found.document(), allow_nan=False))
    assert document["schema"] == "cephsure.class-agreement/1"
    assert (document["truth"], document["films"], document["errors_from"]) == ("mean", 10, "calibration")
    anb = document["measurements"][0]
    assert anb["observers"][0]["first"] == "first"
    assert sum(map(sum, anb["model"]["table"])) == 10

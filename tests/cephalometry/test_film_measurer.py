from __future__ import annotations

import numpy as np
import pytest

from cephsure import load_model
from cephsure.cephalometry import analyse
from cephsure.cephalometry.film_measurer import FilmMeasurer, SettledAcceptance
from cephsure.cephalometry.own_points import NO_INTERVAL
from cephsure.errors import InputError
from cephsure.sample_films import sample_film


@pytest.fixture(scope="module")
def model():
    return load_model("default-baseline")


@pytest.fixture(scope="module")
def prediction(model):
    sample = sample_film("vhm_lateral_0deg")
    return model.predict(sample.path, mm_per_px=sample.mm_per_px)


@pytest.fixture
def measurer(model, prediction):
    return FilmMeasurer(model.landmark_set, prediction, prediction.film.mm_per_px)


def rows_of(measurer, points=None, **more):
    return {value.code: value for value in measurer.measure("isbi", points or {}, **more)}


def moved(prediction, number, by_px=10.0):
    mark = prediction.landmarks[number - 1]
    return {number: (mark.x_px + by_px, mark.y_px)}


def test_measured_again_is_measured_alike(measurer, prediction):
    first = rows_of(measurer, moved(prediction, 5))
    rows_of(measurer, moved(prediction, 5, 30))
    assert rows_of(measurer, moved(prediction, 5)) == first
    assert rows_of(measurer)["ANB"].value == analyse(prediction).measurements[0].value


def test_only_what_depends_on_a_point_changes(measurer, prediction):
    before, after = rows_of(measurer), rows_of(measurer, moved(prediction, 5))
    changed = {code for code in before if before[code].value != after[code].value}
    assert {"ANB", "SNA"} <= changed
    assert "SNB" not in changed


def test_corrected_point_adds_nothing_to_the_interval(measurer, prediction):
    before, after = rows_of(measurer)["ANB"], rows_of(measurer, moved(prediction, 5, 0.1))["ANB"]
    if before.interval_90 is not None:
        assert 0 < after.sd < before.sd


def test_persons_points_alone_have_no_interval(measurer, prediction):
    points = {}
    for number in (2, 5, 6):
        points |= moved(prediction, number)
    row = rows_of(measurer, points)["ANB"]
    assert (row.interval_90, row.no_interval) == (None, NO_INTERVAL)
    assert row.class_of_value


def test_missing_point(measurer):
    row = rows_of(measurer, {5: None})["ANB"]
    assert (row.value, row.missing) == (None, "no point for A")


def test_settled_points_are_not_asked_for_again():
    acceptance = SettledAcceptance("review", {"A": "point A", "B": "point B"}, frozenset({"A"}))
    assert acceptance.objection(["A"]) is None
    assert acceptance.objection(["A", "B"]) == "point B"
    fit = SettledAcceptance("fit", {"A": "point A", "B": "point B"}, frozenset({"A"}))
    assert fit.objection(["A", "B"]) == "B not accepted"


def test_settled_points_let_a_class_be_decided(measurer):
    row = rows_of(measurer, settled=frozenset(range(1, 20)))["ANB"]
    assert row.not_decided is None or "%" in row.not_decided


def test_film_without_a_prediction_is_measured_by_a_persons_points(model, prediction):
    measurer = FilmMeasurer(model.landmark_set, None, (0.1, 0.1))
    assert measurer.measure("isbi", {}) == ()  # where the face looks cannot be told
    points = {mark.number: (mark.x_px, mark.y_px) for mark in prediction.landmarks}
    row = rows_of(measurer, points)["ANB"]
    assert row.value == pytest.approx(analyse(prediction).measurements[0].value)
    assert row.no_interval == NO_INTERVAL


def test_lengths_follow_the_scale(model, prediction):
    x, y = prediction.film.mm_per_px
    twice = FilmMeasurer(model.landmark_set, prediction, (2 * x, 2 * y))
    none = FilmMeasurer(model.landmark_set, prediction, None)
    once = FilmMeasurer(model.landmark_set, prediction, (x, y))
    length = next(row.code for row in once.measure("isbi", {}) if row.unit == "mm")
    assert rows_of(twice)[length].value == pytest.approx(2 * rows_of(once)[length].value)
    assert rows_of(none)[length].missing == "no scale in the film"
    assert rows_of(none)["ANB"].value == pytest.approx(rows_of(once)["ANB"].value)


def test_deviation_is_in_standard_deviations_of_the_norm(measurer):
    values = [value for value in measurer.measure("all", {}) if value.deviation_sd is not None]
    assert values
    for value in values:
        norm = next(norm for norm in value.norms if norm.mean is not None and norm.sd is not None)
        assert value.deviation_sd == pytest.approx((value.value - norm.mean) / norm.sd)


@pytest.mark.parametrize("number", [0, 20])
def test_there_is_no_such_landmark(measurer, number):
    with pytest.raises(InputError, match=f"no landmark {number}"):
        measurer.measure("isbi", {number: (1.0, 1.0)})


def test_no_such_analysis(measurer):
    with pytest.raises(InputError, match="no analysis"):
        measurer.measure("x", {})


def test_points_of_one_place(measurer):
    values = measurer.measure("all", dict.fromkeys(range(1, 20), (5.0, 5.0)))
    assert all(found.value is None or np.isfinite(found.value) for found in values)

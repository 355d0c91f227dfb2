from __future__ import annotations

import numpy as np
import pytest

from cephsure.cephalometry import analyse, analyse_points, load_analyses
from cephsure.cephalometry.own_points import facing_of
from cephsure.errors import InputError
from cephsure.landmarks import load_landmark_set

CODES = load_landmark_set().codes


@pytest.fixture
def at(head):
    return dict(zip(CODES, head, strict=True))


def test_a_persons_points_give_the_values_that_a_models_would(make_prediction, head, at):
    analyses = load_analyses("all")
    for scale in ((0.1, 0.1), (0.1, 0.2), None):
        of_model = analyse(make_prediction(head, mm_per_px=scale), analyses).measurements
        of_person = analyse_points(at, analyses, mm_per_px=scale).measurements
        for first, second in zip(of_model, of_person, strict=True):
            same = ("code", "value", "missing", "class_of_value", "norms", "classes_source")
            assert [getattr(first, key) for key in same] == [getattr(second, key) for key in same]


def test_they_have_no_interval_no_probability_no_decision_and_no_verdict(at):
    analysis = analyse_points(at, mm_per_px=0.1, points_from="anna's")
    assert (analysis.model, analysis.verdict, analysis.for_whom) == (None, None, None)
    assert (analysis.errors_from, analysis.points_from) == ("a person's points", "anna's")
    assert analysis.why.startswith("no verdict: ")
    assert analysis.promise.startswith("no promise: ")
    for measured in analysis.measurements:
        assert (measured.sd, measured.interval_90, measured.class_probabilities, measured.decision) == (
            None,
        ) * 4
        assert measured.value is not None
        assert measured.no_interval is not None


def test_a_film_that_faces_left_is_found_out_and_mirrored(head, at):
    mirrored = dict(zip(CODES, np.stack([1999 - head[:, 0], head[:, 1]], axis=1), strict=True))
    left, right = (analyse_points(points, load_analyses("all"), mm_per_px=0.1) for points in (mirrored, at))
    assert (left.film.facing, right.film.facing, left.film.facing_source) == ("left", "right", "found")
    for first, second in zip(left.measurements, right.measurements, strict=True):
        assert first.value == pytest.approx(second.value)


def test_where_the_face_looks_may_be_said_and_must_be_where_no_point_tells(at):
    assert analyse_points(at, facing="left").film.facing_source == "given"
    few = {code: at[code] for code in ("UL", "LL", "Sn", "Pog'")}
    with pytest.raises(InputError, match=r"cannot be told.*--facing"):
        analyse_points(few)
    lips = analyse_points(few, load_analyses("soft-tissue"), facing="right", mm_per_px=0.1)
    assert {one.code for one in lips.measurements if one.value is not None} >= {"UL-SnPog'", "LL-SnPog'"}
    with pytest.raises(InputError, match="cannot be told"):
        facing_of({"S": np.array([1.0, 2.0]), "N": np.array([np.nan, np.nan])})


def test_a_missing_point_takes_its_measurements_with_it(at):
    at["A"] = (np.nan, np.nan)
    del at["B"]
    analysis = {one.code: one for one in analyse_points(at).measurements}
    assert analysis["SNA"].missing == "no point for A"
    assert analysis["ANB"].missing == "no point for A, B"
    assert analysis["FMA"].value is not None
    assert {point.code for point in analyse_points(at).points} == set(CODES) - {"A", "B"}

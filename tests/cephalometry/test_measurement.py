from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from cephsure.cephalometry import shipped_analyses
from cephsure.cephalometry.measurement import (
    ABOVE,
    BELOW,
    NOT_DEFINED,
    WITHIN,
    ClassRange,
    Entry,
    Measurement,
    Norm,
    classes_from,
    ordered_classes,
)

ISBI = {entry.measurement.code: entry for entry in shipped_analyses()["isbi"].entries}


def ranges(*given):
    return ordered_classes(tuple(ClassRange.model_validate(class_) for class_ in given))


# Each boundary as published, and the values just beside it: both ends of the normal class belong to it.
@pytest.mark.parametrize(
    ("code", "value", "expected"),
    [
        *[
            ("ANB", 3.2, "class I"),
            ("ANB", 5.7, "class I"),
            ("ANB", 3.199, "class III"),
            ("ANB", 5.701, "class II"),
        ],
        *[("SNB", 74.6, "normal mandible"), ("SNB", 78.7, "normal mandible")],
        *[("SNB", 74.59, "retrognathic mandible"), ("SNB", 78.71, "prognathic mandible")],
        *[("SNA", 79.4, "normal maxilla"), ("SNA", 83.2, "normal maxilla")],
        *[("SNA", 79.39, "retrognathic maxilla"), ("SNA", 83.21, "prognathic maxilla")],
        *[("ODI", 68.4, "normal"), ("ODI", 80.5, "normal")],
        *[("ODI", 68.39, "open bite tendency"), ("ODI", 80.51, "deep bite tendency")],
        *[("APDI", 77.6, "normal"), ("APDI", 85.2, "normal")],
        *[("APDI", 77.59, "class II tendency"), ("APDI", 85.21, "class III tendency")],
        *[("FHI", 0.65, "normal"), ("FHI", 0.75, "normal")],
        *[("FHI", 0.6499, "long face tendency"), ("FHI", 0.7501, "short face tendency")],
        *[("FHA", 26.8, "normal"), ("FHA", 31.4, "normal")],
        *[("FHA", 26.79, "low angle tendency"), ("FHA", 31.41, "high angle tendency")],
        *[
            ("MW", 2.0, "normal"),
            ("MW", 4.5, "normal"),
            ("MW", 4.51, "large overjet"),
            ("MW", 0.0, "edge to edge"),
        ],
        *[("MW", -0.01, "anterior crossbite"), ("MW", 0.01, NOT_DEFINED), ("MW", 1.99, NOT_DEFINED)],
        *[("FMA", 25.0, None), ("ANB", float("nan"), None)],
    ],
)
def test_classes_of_the_challenge_at_their_boundaries(code, value, expected):
    assert ISBI[code].class_of(value) == expected


def test_the_gap_in_the_published_classes_is_named():
    assert ISBI["MW"].gaps == ((0.0, 2.0),)
    assert ISBI["MW"].class_names == (
        "anterior crossbite",
        "edge to edge",
        "normal",
        "large overjet",
        NOT_DEFINED,
    )
    assert all(ISBI[code].gaps == () for code in ISBI if code != "MW")


@given(st.floats(-50, 200))
def test_every_value_of_a_measurement_with_classes_has_exactly_one(value):
    for entry in ISBI.values():
        held = sum(bool(class_.holds(np.array([value]))[0]) for class_ in entry.classes)
        assert held <= 1
        if entry.classes:
            assert entry.class_of(value) == (
                NOT_DEFINED
                if not held
                else next(c.name for c in entry.classes if c.holds(np.array([value]))[0])
            )


def test_gaps_before_behind_and_between_open_limits():
    measurement = ISBI["ANB"].measurement
    some = Entry(
        measurement=measurement,
        classes=ranges({"name": "b", "above": 3}, {"name": "a", "from": 1, "to": 2}),
        classes_source="us",
    )
    assert some.gaps == ((-np.inf, 1.0), (2.0, 3.0))
    apart = Entry(
        measurement=measurement, classes=ranges({"name": "a", "below": 3}, {"name": "b", "above": 3})
    )
    assert apart.gaps == ((3.0, 3.0),)
    assert apart.class_of(3.0) == NOT_DEFINED


@pytest.mark.parametrize(
    "classes",
    [
        [{"name": "a", "from": 1, "to": 2}, {"name": "b", "from": 2, "to": 3}],
        [{"name": "a", "below": 2}, {"name": "b", "from": 1, "to": 3}],
        [{"name": "a", "above": 1}, {"name": "b", "above": 2}],
        [{"name": "a", "below": 1}, {"name": "a", "above": 2}],
        [{"name": NOT_DEFINED, "below": 1}],
    ],
)
def test_classes_that_overlap_or_share_a_name_are_refused(classes):
    with pytest.raises(ValueError, match=r"overlap|name"):
        ranges(*classes)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "a"},
        {"name": "a", "from": 1},
        {"name": "a", "from": 2, "to": 1},
        {"name": "a", "above": 1, "below": 2},
        {"name": "a", "above": float("inf")},
        {"name": "a", "above": "1"},
    ],
)
def test_a_class_without_limits_that_make_sense_is_refused(wrong):
    with pytest.raises(ValidationError):
        ClassRange.model_validate(wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"mean": 1.0},
        {"source": "us"},
        {"source": "us", "low": 1.0},
        {"source": "us", "sd": 1.0, "low": 1.0, "high": 2.0},
        {"source": "us", "mean": 1.0, "sd": 0.0},
        {"source": "us", "low": 2.0, "high": 1.0},
        {"source": " ", "mean": 1.0},
        {"source": "us", "mean": 1.0, "median": 1.0},
    ],
)
def test_a_norm_that_is_incomplete_is_refused(wrong):
    with pytest.raises(ValidationError):
        Norm.model_validate(wrong)


def test_classes_follow_from_one_norm_with_limits():
    spread = classes_from((Norm(source="us", mean=10.0, sd=2.0),))
    assert [(class_.name, class_.words) for class_ in spread] == [
        (BELOW, "below 8"),
        (WITHIN, "8 to 12"),
        (ABOVE, "above 12"),
    ]
    # Stated limits go before the spread.
    ranged = classes_from((Norm(source="us", mean=10.0, sd=2.0, low=7.0, high=14.0),))
    assert ranged[1].words == "7 to 14"
    assert classes_from((Norm(source="us", mean=10.0),)) == ()
    two = Norm(source="us", mean=10.0, sd=2.0, group="women")
    assert classes_from((two, two)) == ()


def test_a_unit_that_the_formula_does_not_give_is_refused():
    given = {
        "code": "x",
        "name": "x",
        "definition": "x",
        "formula": {"kind": "distance", "points": ["S", "N"]},
    }
    with pytest.raises(ValidationError, match="'distance' gives 'mm'"):
        Measurement.model_validate({**given, "unit": "deg"})
    assert Measurement.model_validate({**given, "unit": "mm"}).landmarks == ("S", "N")

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydantic import TypeAdapter, ValidationError

from cephsure.cephalometry import shipped_analyses
from cephsure.cephalometry.formula import Formula, head_points, head_points_of, turn_deg
from cephsure.landmarks import load_landmark_set

FORMULA = TypeAdapter(Formula)
CODES = load_landmark_set().codes
MEASUREMENTS = {
    entry.measurement.code: entry.measurement
    for analysis in shipped_analyses().values()
    for entry in analysis.entries
}


def value(code, **points):
    """The value of a measurement for points given by landmark code (``Pog_`` stands for Pog')."""
    at = {name.replace("_", "'"): np.array(xy, dtype=np.float64) for name, xy in points.items()}
    return float(MEASUREMENTS[code].formula.compute(at))


def at_angle(degrees, length=10.0):
    """The vector to the back, an angle below the horizontal: 0° is straight back, 90° straight down."""
    return (-length * np.cos(np.radians(degrees)), length * np.sin(np.radians(degrees)))


def falling(degrees, length=10.0):
    """The vector to the front that falls by an angle."""
    return (length * np.cos(np.radians(degrees)), length * np.sin(np.radians(degrees)))


ORIGIN = (0, 0)
FRANKFORT = {"Po": (0, 0), "Or": (10, 0)}

# Worked out by hand. x to the face, y downwards.
# Angles at nasion: N at the origin, S straight back: the angle is the one at which the point lies.
# ODI, APDI: Frankfort level, the palate rises (falls) by 2° to the front, A-B leans back by 5° going down,
# the mandibular plane falls by 25° to the front. Me->Go is then 25° above straight back, B->A is 95° above
# straight back, 5° beyond the vertical: they are 70° apart, ODI = 70 -+ 2. N-Pog straight down is 90° from
# Or->Po; A->B lies 5° behind it (cross > 0: minus); APDI = 90 - 5 -+ 2.
ODI = {
    **FRANKFORT,
    "Me": ORIGIN,
    "Go": (-np.cos(np.radians(25)), -np.sin(np.radians(25))),
    "A": ORIGIN,
    "B": (-np.sin(np.radians(5)), np.cos(np.radians(5))),
    "PNS": ORIGIN,
}
APDI = {**FRANKFORT, "N": ORIGIN, "Pog": (0, 10), "A": ODI["A"], "B": ODI["B"], "PNS": ORIGIN}
CASES = [
    ("SNA", {"N": ORIGIN, "S": (-7, 0), "A": at_angle(82)}, 82),
    ("SNB", {"N": ORIGIN, "S": (-7, 0), "B": at_angle(78)}, 78),
    ("SNPog", {"N": ORIGIN, "S": (-7, 0), "Pog": at_angle(79)}, 79),
    ("ANB", {"N": ORIGIN, "S": (-7, 0), "A": at_angle(82), "B": at_angle(78)}, 4),
    ("ANB", {"N": ORIGIN, "S": (-7, 0), "A": at_angle(76), "B": at_angle(78)}, -2),
    ("ODI", {**ODI, "ANS": falling(-2)}, 68),
    ("ODI", {**ODI, "ANS": falling(2)}, 72),
    ("APDI", {**APDI, "ANS": falling(-2)}, 83),
    ("APDI", {**APDI, "ANS": falling(2)}, 87),
    ("APDI", {**APDI, "B": (np.sin(np.radians(5)), np.cos(np.radians(5))), "ANS": (10, 0)}, 95),
    # 30-40-50 over 60-80-100.
    ("FHI", {"S": ORIGIN, "Go": (-30, 40), "N": (5, 5), "Me": (65, 85)}, 0.5),
    ("FHA", {"S": ORIGIN, "N": (10, 0), "Go": ORIGIN, "Gn": falling(30)}, 30),
    ("FHA", {"S": ORIGIN, "N": (10, 0), "Go": ORIGIN, "Gn": falling(-30)}, 30),
    ("SN-GoGn", {"S": ORIGIN, "N": (10, 0), "Go": ORIGIN, "Gn": falling(30)}, 30),
    ("SN-GoGn", {"S": ORIGIN, "N": (10, 0), "Go": ORIGIN, "Gn": falling(-30)}, -30),
    # A skull base that rises by 7° and a mandible that falls by 25°.
    ("NSL-ML", {"S": ORIGIN, "N": falling(-7), "Go": ORIGIN, "Me": falling(25)}, 32),
    ("NSL-NL", {"S": ORIGIN, "N": falling(-7), "PNS": ORIGIN, "ANS": falling(1)}, 8),
    ("NL-ML", {"PNS": ORIGIN, "ANS": falling(1), "Go": ORIGIN, "Me": falling(25)}, 24),
    ("FMA", {"Po": ORIGIN, "Or": falling(3), "Go": ORIGIN, "Me": falling(25)}, 22),
    # 3-4-5: forward, backward, straight above (not behind).
    ("MW", {"LIT": ORIGIN, "UIT": (3, -4)}, 5),
    ("MW", {"LIT": ORIGIN, "UIT": (-3, -4)}, -5),
    ("MW", {"LIT": ORIGIN, "UIT": (0, -4)}, 4),
    ("FacialAngle", {**FRANKFORT, "N": ORIGIN, "Pog": at_angle(88)}, 88),
    # The line bends forward by 45° and back again by 45°.
    ("Convexity", {"N": ORIGIN, "A": (10, 10), "Pog": (0, 20)}, 90),
    ("Convexity", {"N": ORIGIN, "A": (-10, 10), "Pog": (0, 20)}, -90),
    ("Convexity", {"N": ORIGIN, "A": (0, 10), "Pog": (0, 20)}, 0),
    ("AB-NPog", {"N": ORIGIN, "Pog": (0, 20), "A": ORIGIN, "B": (-10, 10)}, -45),
    ("AB-NPog", {"N": ORIGIN, "Pog": (0, 20), "A": ORIGIN, "B": (10, 10)}, 45),
    ("YAxis", {**FRANKFORT, "S": ORIGIN, "Gn": falling(60)}, 60),
    # Frankfort along (0.8, 0.6): of 5 straight forward, 4 lie along it.
    ("A-Nperp", {"Po": ORIGIN, "Or": (4, 3), "N": (1, 1), "A": (6, 1)}, 4),
    ("Pog-Nperp", {"Po": ORIGIN, "Or": (4, 3), "N": (1, 1), "Pog": (-4, 1)}, -4),
    ("Pog-NB", {"N": ORIGIN, "B": (0, 10), "Pog": (2, 13)}, 2),
    ("UIT-APog", {"A": ORIGIN, "Pog": (0, 10), "UIT": (3, 2)}, 3),
    ("LIT-APog", {"A": ORIGIN, "Pog": (0, 10), "LIT": (-1, 2)}, -1),
    # The line runs along (0.6, 0.8); (5, 0) lies 5 * 0.8 in front of it.
    ("UIT-NA", {"N": ORIGIN, "A": (3, 4), "UIT": (5, 0)}, 4),
    ("LIT-NB", {"N": ORIGIN, "B": (3, 4), "LIT": (-5, 0)}, -4),
    ("N-Me", {"N": ORIGIN, "Me": (-3, 4)}, 5),
    ("S-Go", {"S": ORIGIN, "Go": (-6, 8)}, 10),
    ("ANS-Me", {"ANS": (1, 1), "Me": (1, 8)}, 7),
    ("S-N", {"S": ORIGIN, "N": (12, -5)}, 13),
    ("S-Ar", {"S": ORIGIN, "Ar": (-5, 12)}, 13),
    ("Ar-Go", {"Ar": ORIGIN, "Go": (0, 9)}, 9),
    ("Go-Me", {"Go": ORIGIN, "Me": (8, 6)}, 10),
    # A square, one corner cut off: 90° + 90° + 135°.
    ("NSAr", {"N": (10, 0), "S": ORIGIN, "Ar": (0, 10)}, 90),
    ("SArGo", {"S": ORIGIN, "Ar": (0, 10), "Go": (10, 10)}, 90),
    ("ArGoMe", {"Ar": (0, 10), "Go": (10, 10), "Me": (20, 0)}, 135),
    ("PolygonSum", {"N": (10, 0), "S": ORIGIN, "Ar": (0, 10), "Go": (10, 10), "Me": (20, 0)}, 315),
    ("ArGoN", {"Ar": (0, 10), "Go": (10, 10), "N": (10, 0)}, 90),
    ("NGoMe", {"N": (10, 0), "Go": (10, 10), "Me": (20, 0)}, 45),
    ("UL-SnPog'", {"Sn": ORIGIN, "Pog_": (0, 20), "UL": (4, 5)}, 4),
    ("LL-SnPog'", {"Sn": ORIGIN, "Pog_": (0, 20), "LL": (2, 9)}, 2),
    ("LL-H", {"UL": ORIGIN, "Pog_": (0, 20), "LL": (-1, 8)}, -1),
    ("Sn-H", {"UL": ORIGIN, "Pog_": (0, 20), "Sn": (-5, -3)}, 5),
    ("Pog-Pog'", {"Pog": ORIGIN, "Pog_": (12, 5)}, 13),
]


@pytest.mark.parametrize(("code", "points", "expected"), CASES, ids=[f"{c}={v}" for c, _, v in CASES])
def test_values_worked_out_by_hand(code, points, expected):
    assert value(code, **points) == pytest.approx(expected, abs=1e-9)


def test_every_shipped_measurement_has_a_case_worked_out_by_hand():
    assert {code for code, _, _ in CASES} == set(MEASUREMENTS)


def test_every_shipped_measurement_is_of_landmarks_that_the_set_has():
    for measurement in MEASUREMENTS.values():
        assert set(measurement.landmarks) <= set(CODES), measurement.code


# Random heads by their seed: lists of numbers would be drawn slowly, and mostly at special places.
heads = st.integers(0, 2**32 - 1).map(
    lambda seed: np.random.default_rng(seed).uniform(-100, 100, (len(CODES), 2))
)


def values(head):
    at = dict(zip(CODES, head, strict=True))
    return {code: float(measurement.formula.compute(at)) for code, measurement in MEASUREMENTS.items()}


def same_angle(first, second):
    """Angles are the same all round; a sign that hangs on a cross product may turn where it is nearly 0."""
    return abs((first - second + 180) % 360 - 180) < 1e-4


def well_turned(head):
    """Whether no sign hangs on rounding: no line is nearly parallel to its partner."""
    at = dict(zip(CODES, head, strict=True))
    for measurement in MEASUREMENTS.values():
        for term in getattr(measurement.formula, "terms", ()):
            turn = turn_deg(at[term.u[1]] - at[term.u[0]], at[term.v[1]] - at[term.v[0]])
            if min(abs(turn), 180 - abs(turn)) < 1e-3:
                return False
    return True


@pytest.mark.slow
@given(heads.filter(well_turned), st.floats(-180, 180), st.floats(0.1, 10), st.floats(-1000, 1000))
def test_a_similarity_leaves_angles_and_ratios_and_scales_lengths(head, degrees, scale, shift):
    turn = np.radians(degrees)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    before, after = values(head), values(scale * head @ rotation.T + shift)
    for code, measurement in MEASUREMENTS.items():
        if measurement.unit == "deg":
            assert same_angle(before[code], after[code]), code
        elif measurement.unit == "ratio":
            assert after[code] == pytest.approx(before[code], rel=1e-5), code
        elif code == "MW":  # behind is in the film's horizontal: its sign does not turn with the head
            assert abs(after[code]) == pytest.approx(scale * abs(before[code]), rel=1e-5, abs=1e-6)
        else:
            assert after[code] == pytest.approx(scale * before[code], rel=1e-5, abs=1e-6), code


@pytest.mark.slow
@given(heads.filter(well_turned))
def test_a_mirror_image_turns_signs_and_nothing_else(head):
    before, after = values(head), values(head * (-1.0, 1.0))
    for code, measurement in MEASUREMENTS.items():
        kind = measurement.formula.kind
        if kind in {"signed_angle", "distance_to_line"}:
            assert after[code] == pytest.approx(-before[code], abs=1e-6) or abs(before[code]) > 180 - 1e-6, (
                code
            )
        elif kind in {"angle", "angle_at", "distance", "ratio"}:
            assert after[code] == pytest.approx(before[code], rel=1e-6, abs=1e-6), code
    # Their own line is mirrored too, so what lies beyond along it still does.
    assert after["A-Nperp"] == pytest.approx(before["A-Nperp"], abs=1e-6)
    assert (
        after["MW"] == pytest.approx(-before["MW"])
        or head[CODES.index("UIT")][0] == head[CODES.index("LIT")][0]
    )


@given(heads)
def test_anb_is_sna_less_snb(head):
    found = values(head)
    assert found["ANB"] == pytest.approx(found["SNA"] - found["SNB"], abs=1e-9)


@given(arrays(np.float64, (2, 2), elements=st.floats(-10, 10)))
def test_turning_there_and_back_cancels(vectors):
    there, back = turn_deg(*vectors), turn_deg(*vectors[::-1])
    if np.isnan(there):
        assert np.isnan(back)
        assert not np.hypot(*vectors.T).all()
    elif abs(there) == 180:
        assert abs(back) == 180
    else:
        assert there == -back
        assert abs(there) < 180


def test_opposite_directions_are_plus_180_apart_whatever_the_sign_of_zero():
    assert turn_deg(np.array([1.0, 0.0]), np.array([-1.0, -0.0])) == 180.0
    assert turn_deg(np.array([1.0, -0.0]), np.array([-1.0, 0.0])) == 180.0


def test_points_that_coincide_or_are_missing_give_no_value():
    assert np.isnan(value("SNA", S=(0, 0), N=(0, 0), A=(1, 2)))
    assert np.isnan(value("FHI", S=(0, 0), Go=(0, 1), N=(3, 3), Me=(3, 3)))
    assert np.isnan(value("UIT-NA", N=(1, 1), A=(1, 1), UIT=(3, 3)))
    assert np.isnan(value("A-Nperp", Po=(1, 1), Or=(1, 1), N=(3, 3), A=(4, 4)))
    for code, measurement in MEASUREMENTS.items():
        for absent in measurement.landmarks:
            at = {name: np.array([float(i), float(i * i)]) for i, name in enumerate(measurement.landmarks)}
            at[absent] = np.full(2, np.nan)
            assert np.isnan(measurement.formula.compute(at)), (code, absent)


def test_many_sets_of_points_are_measured_at_once():
    rng = np.random.default_rng(3)
    heads = rng.uniform(0, 100, (5, len(CODES), 2))
    together = {
        code: measurement.formula.compute({name: heads[:, i] for i, name in enumerate(CODES)})
        for code, measurement in MEASUREMENTS.items()
    }
    for row, head in enumerate(heads):
        assert {code: found[row] for code, found in together.items()} == pytest.approx(values(head))


def test_a_formula_names_its_landmarks_in_order():
    along = FORMULA.validate_python({"kind": "distance_along", "points": ["N", "A"], "line": ["Po", "Or"]})
    to_line = FORMULA.validate_python({"kind": "distance_to_line", "point": "UIT", "line": ["N", "A"]})
    assert along.landmarks == ("N", "A", "Po", "Or")
    assert to_line.landmarks == ("UIT", "N", "A")
    assert MEASUREMENTS["ANB"].formula.landmarks == ("N", "S", "A", "B")


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "bend", "u": ["N", "S"], "v": ["N", "A"]},
        {"kind": "angle", "u": ["N", "S"]},
        {"kind": "angle", "u": ["N", "S"], "v": ["N", "A", "B"]},
        {"kind": "angle", "u": ["N", "S"], "v": ["N", "A"], "w": 1},
        {"kind": "angle_sum", "terms": []},
        {"kind": "angle_sum", "terms": [{"u": ["N", "S"], "v": ["N", "A"], "sign": "maybe"}]},
    ],
)
def test_a_formula_that_is_none_is_refused(wrong):
    with pytest.raises(ValidationError):
        FORMULA.validate_python(wrong)


def test_scaled_by_axis_and_mirrored():
    points = np.array([[10.0, 20.0], [30.0, 20.0]])
    assert head_points(points, mirrored=False, mm_per_px=None).tolist() == points.tolist()
    assert head_points(points, mirrored=False, mm_per_px=(0.1, 0.2)) == pytest.approx(
        np.array([[1.0, 4.0], [3.0, 4.0]])
    )
    left = head_points(points, mirrored=True, mm_per_px=(0.1, 0.2))
    assert left[1] - left[0] == pytest.approx([-2.0, 0.0])


def test_a_film_brings_its_own_facing_and_scale(make_prediction, head):
    prediction = make_prediction(head, mm_per_px=(0.1, 0.3), facing="left")
    assert head_points_of(head, prediction.film) == pytest.approx(head * (-0.1, 0.3))

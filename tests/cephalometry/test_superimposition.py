from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cephsure.cephalometry.superimposition import (
    REFERENCES,
    PlacedPoints,
    _fit_by,
    _forward,
    superimpose,
    upwards,
)
from cephsure.errors import InputError

CODES = ("S", "N", "Or", "Po", "A", "Me")
# mm: a face that looks right, S at the origin, N straight before it.
FACE = np.array([[0, 0], [70, 0], [60, 25], [-5, 30], [68, 50], [50, 100.0]])


def placed(points_mm, *, mm_per_px=(0.1, 0.1), covariance_mm2=None, **fields):
    """A film's points by their places in mm, each with an independent error."""
    count = len(points_mm)
    joint = None
    if covariance_mm2 is not None:
        each = np.broadcast_to(np.asarray(covariance_mm2, dtype=float), (count, 2, 2))
        joint = np.zeros((2 * count, 2 * count))
        for row in range(count):
            joint[2 * row : 2 * row + 2, 2 * row : 2 * row + 2] = each[row] / np.outer(mm_per_px, mm_per_px)
    return PlacedPoints(CODES, points_mm / np.array(mm_per_px), mm_per_px, covariance_px=joint, **fields)


def turned(points, degrees, shift=(0.0, 0.0)):
    angle = np.deg2rad(degrees)
    matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return points @ matrix.T + np.array(shift)


def by_code(result):
    return {point.code: point for point in result.points}


@pytest.mark.parametrize("on", ["sn", "frankfort", "best"])
@settings(max_examples=30)
@given(degrees=st.floats(-60, 60), x=st.floats(-50, 50), y=st.floats(-50, 50))
def test_how_the_head_lay_makes_no_difference(on, degrees, x, y):
    later = FACE + np.array([[0, 0], [0, 0], [0, 0], [0, 0], [2, 0], [3, 4]])
    moved = by_code(
        superimpose(placed(FACE), placed(turned(later, degrees, (x, y)), mm_per_px=(0.2, 0.25)), on=on)
    )
    assert moved["Me"].displacement_mm == pytest.approx(5.0, abs=1e-6)
    assert moved["A"].displacement_mm == pytest.approx(2.0, abs=1e-6)
    assert moved["S"].displacement_mm == pytest.approx(0.0, abs=1e-6)


def test_forward_and_down_are_along_the_reference_and_across_it():
    later = FACE + np.array([[0, 0]] * 5 + [[3, 4]])
    point = by_code(superimpose(placed(turned(FACE, 30)), placed(turned(later, -10))))["Me"]
    assert (point.forward_mm, point.down_mm) == pytest.approx((3.0, 4.0))
    np.testing.assert_allclose(point.second_px, turned(later, 30)[5] / 0.1)


def test_a_longer_line_is_not_stretched():
    later = FACE.copy()
    later[1] = 75, 0
    result = superimpose(placed(FACE), placed(later))
    assert by_code(result)["N"].displacement_mm == pytest.approx(5.0)
    assert result.size_factor == pytest.approx(1.0)


def test_without_a_scale_nothing_is_in_mm():
    bare = replace(placed(FACE * 1.5), mm_per_px=None)
    for first, second in ((placed(FACE), bare), (bare, placed(FACE)), (bare, bare)):
        result = superimpose(first, second)
        assert all(point.displacement_mm is None and point.forward_mm is None for point in result.points)
        assert all(point.interval_90_mm is None for point in result.points)
        assert all(point.displacement_percent == pytest.approx(0.0, abs=1e-9) for point in result.points)
        assert result.no_interval == "no scale"
        assert "nothing is in mm" in result.notes[0]
    assert superimpose(placed(FACE), bare).size_factor == pytest.approx(1 / 1.5)
    assert superimpose(placed(FACE), bare, on="best").size_factor == pytest.approx(1 / 1.5)


def test_a_film_that_looks_the_other_way_is_mirrored():
    mirrored = placed(FACE * (-1, 1) + (200, 0), facing="left")
    result = superimpose(placed(FACE), mirrored)
    assert result.mirrored
    assert max(point.displacement_mm for point in result.points) == pytest.approx(0.0, abs=1e-9)
    back = superimpose(mirrored, placed(FACE + np.array([[0, 0]] * 5 + [[3, 4]])))
    assert (by_code(back)["Me"].forward_mm, by_code(back)["Me"].down_mm) == pytest.approx((3.0, 4.0))
    best = superimpose(mirrored, placed(FACE + np.array([[0, 0]] * 5 + [[3, 4]])), on="best")
    assert (by_code(best)["Me"].forward_mm, by_code(best)["Me"].down_mm) == pytest.approx((3.0, 4.0))


def test_the_map_takes_the_second_films_pixels_to_the_firsts():
    second = placed(turned(FACE, 20, (5, 9)), mm_per_px=(0.2, 0.25))
    result = superimpose(placed(FACE), second)
    np.testing.assert_allclose(
        second.points_px @ np.array(result.matrix).T + np.array(result.shift_px), FACE / 0.1, atol=1e-9
    )
    assert result.rotation_deg == pytest.approx(-20)


def test_a_point_that_is_missing_on_one_film_is_left_out():
    gap = FACE.copy()
    gap[4] = np.nan
    result = superimpose(placed(FACE), placed(gap, covariance_mm2=np.eye(2)))
    assert [point.code for point in result.points] == ["S", "N", "Or", "Po", "Me"]


def test_the_best_fit_trusts_the_sure_points_more():
    later = FACE.copy()
    later[0] += 0, 3  # sella, found badly
    covariances = np.tile(0.01 * np.eye(2), (6, 1, 1))
    covariances[0] = 9 * np.eye(2)
    even = superimpose(placed(FACE), placed(later), on="best")
    weighted = superimpose(
        placed(FACE, covariance_mm2=0.01 * np.eye(2)), placed(later, covariance_mm2=covariances), on="best"
    )
    assert by_code(even)["Me"].displacement_mm > 1
    assert by_code(weighted)["Me"].displacement_mm < 0.02


def test_the_best_fit_is_where_the_weighted_squares_are_least():
    rng = np.random.default_rng(0)
    roots = rng.normal(size=(2, 6, 2, 2))
    covariances = roots @ roots.transpose(0, 1, 3, 2) + 0.05 * np.eye(2)
    later = FACE + rng.normal(size=FACE.shape)
    first, second = placed(FACE, covariance_mm2=covariances[0]), placed(later, covariance_mm2=covariances[1])
    result = superimpose(first, second, on="best", stable=["S", "N", "Po", "Me"])
    rows = [0, 1, 3, 5]
    weights = np.linalg.inv(covariances[0][rows] + covariances[1][rows])

    def squares(angle, shift):
        at = turned(later[rows], np.degrees(angle)) + shift
        return np.einsum("ni,nij,nj", at - FACE[rows], weights, at - FACE[rows])

    angle, shift = np.deg2rad(result.rotation_deg), np.array(result.shift_px) * 0.1
    least = squares(angle, shift)
    for step in (-1e-4, 1e-4):
        assert squares(angle + step, shift) > least
        assert squares(angle, shift + np.array([step, 0])) > least
        assert squares(angle, shift + np.array([0, step])) > least


@pytest.mark.parametrize("on", ["sn", "frankfort", "best"])
def test_first_order_and_monte_carlo_agree(on):
    """Both films' errors are drawn, the second film laid on the first each time: that is what is promised."""
    rng = np.random.default_rng(1)
    roots = 0.3 * rng.normal(size=(2, 12, 12))
    joint = roots @ roots.transpose(0, 2, 1) / 6
    later = turned(FACE + np.array([[0, 0]] * 4 + [[2, 1], [4, 6]]), 15, (10, -5))
    films = [
        replace(placed(points), covariance_px=covariance / 0.01)
        for points, covariance in zip((FACE, later), joint, strict=True)
    ]
    result = superimpose(*films, on=on)
    rows = tuple(CODES.index(code) for code in REFERENCES[on])
    fit = _fit_by(on, rows, (joint[0], joint[1]), resize=False)  # without the derivatives, which take long
    draws = [rng.multivariate_normal(np.zeros(12), each, 1500).reshape(-1, 6, 2) for each in joint]
    axes = _forward(FACE, rows, on, "right")
    found = [
        (fit(FACE + one, later + other).apply(later + other) - FACE - one) @ axes.T
        for one, other in zip(*draws, strict=True)
    ]
    for row, point in enumerate(result.points):
        spread = np.cov(np.array(found)[:, row].T)
        np.testing.assert_allclose(point.covariance_mm2, spread, rtol=0.15, atol=0.03)


def test_the_interval_is_that_of_the_region_that_holds_the_true_displacement():
    first = placed(FACE, covariance_mm2=1e-12 * np.eye(2))
    later = FACE + np.array([[0, 0]] * 5 + [[3, 4]])
    covariances = np.tile(1e-12 * np.eye(2), (6, 1, 1))
    covariances[5] = np.eye(2)
    point = by_code(superimpose(first, placed(later, covariance_mm2=covariances)))["Me"]
    reach = np.sqrt(-2 * np.log(0.1))  # of 90 % of a normal distribution in the plane
    assert point.interval_90_mm == pytest.approx((5 - reach, 5 + reach), abs=1e-3)
    assert point.moved
    covariances[5] = 9 * np.eye(2)
    point = by_code(superimpose(first, placed(later, covariance_mm2=covariances)))["Me"]
    assert point.interval_90_mm == pytest.approx((0, 5 + 3 * reach), abs=1e-3)
    assert not point.moved


def test_a_landmark_whose_error_is_not_known_has_no_interval():
    covariances = np.tile(np.eye(2), (6, 1, 1))
    covariances[5] = np.nan
    result = superimpose(placed(FACE, covariance_mm2=np.eye(2)), placed(FACE, covariance_mm2=covariances))
    assert by_code(result)["Me"].interval_90_mm is None
    assert by_code(result)["A"].interval_90_mm is not None
    assert result.no_interval is None
    covariances[0] = np.nan
    result = superimpose(placed(FACE, covariance_mm2=np.eye(2)), placed(FACE, covariance_mm2=covariances))
    assert all(point.interval_90_mm is None for point in result.points)
    assert "are not known" in result.no_interval
    bare = placed(FACE, reason="the film is unfit")
    assert superimpose(placed(FACE), bare).no_interval == "second film: the film is unfit"


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"on": "teeth"}, "there is no reference 'teeth'"),
        ({"on": "sn", "stable": ["S", "N"]}, "stable points are for the best fit"),
        ({"on": "best", "stable": ["S"]}, "at least two"),
        ({"on": "best", "stable": ["S", "s "]}, "at least two"),
        ({"on": "best", "stable": ["S", "Zy"]}, "there is no landmark 'Zy'"),
    ],
)
def test_a_reference_that_cannot_be_is_refused(fields, complaint):
    with pytest.raises(InputError, match=complaint):
        superimpose(placed(FACE), placed(FACE), **fields)


def test_films_that_cannot_be_laid_on_each_other_are_refused():
    gap, point = FACE.copy(), FACE.copy()
    gap[0], point[1] = np.nan, point[0]
    with pytest.raises(InputError, match="S is missing on the second film"):
        superimpose(placed(FACE), placed(gap))
    with pytest.raises(InputError, match="all at one place"):
        superimpose(placed(FACE), placed(point))
    other = replace(placed(FACE), codes=("s", "n", "or", "po", "a", "me"))
    with pytest.raises(InputError, match="other landmark sets"):
        superimpose(placed(FACE), other)


def test_a_predictions_points_come_with_their_joint_errors(make_prediction, head):
    rng = np.random.default_rng(0)
    samples = head + rng.normal(size=(8, *head.shape))
    covariances = np.tile([[0.4, 0.1], [0.1, 0.2]], (len(head), 1, 1))
    found = PlacedPoints.of(make_prediction(head, samples=samples, covariances_mm2=covariances))
    np.testing.assert_allclose(found.covariance_px[:2, :2], covariances[0] / 0.01)
    np.testing.assert_allclose(found.covariance_px, found.covariance_px.T)
    result = superimpose(found, found, on="frankfort")
    assert max(point.displacement_mm for point in result.points) == pytest.approx(0.0, abs=1e-9)
    assert not any(point.moved for point in result.points if point.code != "Po")
    bare = PlacedPoints.of(make_prediction(head))
    assert bare.covariance_px is None
    assert superimpose(bare, bare).no_interval.startswith("first film: ")


def test_a_zero_has_no_sign():
    assert str(upwards(0.0)) == "0.0"
    assert upwards(-1.5) == 1.5
    assert upwards(None) is None

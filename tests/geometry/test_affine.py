from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cephsure.geometry import Affine, fit_similarity, letterbox, linear

SQUARE = np.array([[0.0, 0.0], [2.0, 0.0], [2.0, 2.0], [0.0, 2.0]])

angles = st.floats(-180, 180)
scales = st.floats(0.05, 20)
shifts = st.tuples(st.floats(-3000, 3000), st.floats(-3000, 3000))
clouds = st.integers(0, 2**32 - 1).map(lambda seed: np.random.default_rng(seed).normal(0, 50, (19, 2)))


@st.composite
def affines(draw) -> Affine:
    matrix = linear(
        rotation_deg=draw(angles),
        scale=draw(scales),
        stretch=draw(st.floats(0.5, 2)),
        shear=draw(st.floats(-1, 1)),
    )
    return Affine(matrix, np.array(draw(shifts)))


def test_apply_by_hand():
    turned = Affine(np.array([[0.0, -2.0], [1.0, 0.0]]), np.array([10.0, 20.0]))
    assert turned.apply(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist() == [[2.0, 23.0], [10.0, 20.0]]
    assert turned.apply(np.array([3.0, 4.0])).tolist() == [2.0, 23.0]
    assert turned.apply(np.zeros((0, 2))).shape == (0, 2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_apply_keeps_shape_and_precision(dtype):
    points = np.random.default_rng(0).normal(0, 100, (3, 5, 7, 2)).astype(dtype)
    moved = Affine(linear(rotation_deg=30, scale=3), np.array([7.0, -5.0])).apply(points)
    assert moved.shape == points.shape
    assert moved.dtype == dtype


@given(affines(), clouds)
def test_apply_is_the_product_with_the_matrix(affine, points):
    points[3] = np.nan
    expected = np.stack([affine.matrix @ point + affine.offset for point in points])
    np.testing.assert_allclose(affine.apply(points), expected, rtol=1e-12, atol=1e-8)


@given(affines(), affines(), clouds)
def test_after_applies_the_first_map_first(second, first, points):
    both = second.after(first)
    np.testing.assert_allclose(both.apply(points), second.apply(first.apply(points)), rtol=1e-9, atol=1e-6)
    assert both.scale == pytest.approx(second.scale * first.scale)


@given(affines(), clouds)
def test_the_inverse_leads_back(affine, points):
    np.testing.assert_allclose(affine.inverse().apply(affine.apply(points)), points, atol=1e-6)
    identity = affine.after(affine.inverse())
    np.testing.assert_allclose(identity.matrix, np.eye(2), atol=1e-9)


def test_a_map_onto_a_line_has_no_inverse():
    with pytest.raises(np.linalg.LinAlgError):
        Affine(np.array([[1.0, 2.0], [2.0, 4.0]]), np.zeros(2)).inverse()


def test_identity_and_about():
    assert Affine.identity().apply(SQUARE).tolist() == SQUARE.tolist()
    doubled = Affine.about(np.array([1.0, 1.0]), 2 * np.eye(2))
    assert doubled.apply(np.array([[1.0, 1.0], [2.0, 1.0]])).tolist() == [[1.0, 1.0], [3.0, 1.0]]


def test_scale_is_that_of_lengths_also_in_a_mirror():
    assert Affine(3 * np.diag([-1.0, 1.0]), np.zeros(2)).scale == pytest.approx(3)
    assert Affine(linear(scale=0.5, stretch=1.7, shear=0.3, rotation_deg=80), np.zeros(2)).scale == (
        pytest.approx(0.5)
    )


def test_linear_by_hand():
    # x (to the right) is turned towards y (down), as a positive angle does on a screen.
    np.testing.assert_allclose(linear(rotation_deg=90) @ [1, 0], [0, 1], atol=1e-15)
    np.testing.assert_allclose(linear(scale=3), 3 * np.eye(2))
    np.testing.assert_allclose(linear(stretch=4), np.diag([2, 0.5]))
    np.testing.assert_allclose(linear(shear=0.25) @ [0, 4], [1, 4])


def test_a_similarity_fitted_by_hand():
    # Twice as large, a quarter turn, and the first corner goes to (5, 7).
    target = np.array([[5.0, 7.0], [5.0, 11.0], [1.0, 11.0], [1.0, 7.0]])
    fitted = fit_similarity(SQUARE, target)
    np.testing.assert_allclose(fitted.matrix, [[0, -2], [2, 0]], atol=1e-12)
    np.testing.assert_allclose(fitted.offset, [5, 7], atol=1e-12)


def test_a_similarity_is_the_least_squares_one():
    # Points (+-1, 0) to (+-a, 0) and (0, +-1) to (0, +-b): the best scale is the mean of a and b.
    cross = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    fitted = fit_similarity(cross, cross * np.array([3.0, 5.0]))
    np.testing.assert_allclose(fitted.matrix, 4 * np.eye(2), atol=1e-12)


def test_a_mirror_image_is_not_fitted_by_a_reflection():
    cloud = np.random.default_rng(1).normal(size=(10, 2))
    fitted = fit_similarity(cloud, cloud * [-1, 1])
    assert np.linalg.det(fitted.matrix) > 0


@given(angles, scales, shifts, clouds)
def test_a_similarity_is_recovered(angle, scale, shift, points):
    true = Affine(linear(rotation_deg=angle, scale=scale), np.array(shift))
    fitted = fit_similarity(points, true.apply(points))
    np.testing.assert_allclose(fitted.matrix, true.matrix, atol=1e-7 * scale)
    np.testing.assert_allclose(fitted.apply(points), true.apply(points), atol=1e-6)


@pytest.mark.slow
@given(clouds, st.sets(st.integers(0, 18), max_size=17), st.booleans())
def test_missing_rows_of_either_side_are_left_out(points, missing, of_source):
    true = Affine(linear(rotation_deg=20, scale=7), np.array([100.0, -50.0]))
    source, target = points.copy(), true.apply(points)
    (source if of_source else target)[sorted(missing), :1] = np.nan
    np.testing.assert_allclose(fit_similarity(source, target).matrix, true.matrix, atol=1e-6)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (SQUARE[:1], SQUARE[:1]),
        (SQUARE, np.full((4, 2), np.nan)),
        (np.full((4, 2), 1234.567), SQUARE),
        (SQUARE, np.full((4, 2), 0.1)),  # whose mean is not 0.1 to the last bit
        (np.zeros((4, 2)), SQUARE),
        (SQUARE, np.array([[1.0, 1.0], *[[np.nan, np.nan]] * 3])),
    ],
)
def test_points_without_a_direction_have_no_similarity(source, target):
    with pytest.raises(ValueError, match="at least two"):
        fit_similarity(source, target)


@pytest.mark.parametrize("size", [(1935, 2400), (2400, 1935), (64, 64), (100, 3000), (1, 7)])
@pytest.mark.parametrize("side", [64, 160])
def test_letterbox_touches_the_films_longer_edges_and_centres_it(size, side):
    width, height = size
    box = letterbox(width, height, side)
    first, last = box.apply(np.array([[-0.5, -0.5], [side - 0.5, side - 0.5]]))
    longer = int(height > width)
    assert first[longer] == pytest.approx(-0.5)
    assert last[longer] == pytest.approx(size[longer] - 0.5)
    np.testing.assert_allclose((first + last) / 2, [(width - 1) / 2, (height - 1) / 2], atol=1e-9)
    np.testing.assert_allclose(box.matrix, np.eye(2) * max(size) / side)

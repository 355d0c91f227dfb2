from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cephsure.errors import InputError
from cephsure.geometry import Affine, linear
from cephsure.uncertainty.shape_model import ShapeModel, shrunken_covariance

BASE = np.array([[0, 0], [70, -5], [60, 30], [5, 40], [66, 62], [20, 90], [58, 95.0]])
COUNT = len(BASE)


def heads(rng: np.random.Generator, count: int, *, posed: bool = True) -> np.ndarray:
    """Shapes that vary along two known patterns and a little at every point, each in its own pose."""
    patterns = np.random.default_rng(99).normal(0, 3, (2, COUNT, 2))
    shapes = BASE + np.einsum("fk,kla->fla", rng.normal(size=(count, 2)), patterns)
    shapes += rng.normal(0, 0.8, shapes.shape)
    if not posed:
        return shapes
    poses = [
        Affine(linear(rotation_deg=rng.uniform(-180, 180), scale=rng.uniform(0.5, 9)), rng.normal(0, 300, 2))
        for _ in range(count)
    ]
    return np.stack([pose.apply(shape) for pose, shape in zip(poses, shapes, strict=True)])


@pytest.fixture(scope="module")
def model() -> ShapeModel:
    return ShapeModel.fit(heads(np.random.default_rng(1), 150))


poses = st.builds(
    lambda turn, scale, x, y: Affine(linear(rotation_deg=turn, scale=scale), np.array([x, y])),
    st.floats(-180, 180),
    st.floats(0.05, 30),
    st.floats(-500, 500),
    st.floats(-500, 500),
)
seeds = st.integers(0, 2**32 - 1)


@given(pose=poses, seed=seeds, noise=st.floats(0, 20))
@settings(max_examples=40, deadline=None)
def test_pose_and_size_change_nothing(model, pose, seed, noise):
    rng = np.random.default_rng(seed)
    shape = heads(rng, 1)[0] + rng.normal(0, noise, BASE.shape)
    moved = pose.apply(shape)
    assert model.score(moved) == pytest.approx(model.score(shape), rel=1e-6, abs=1e-9)
    np.testing.assert_allclose(model.residuals(moved), model.residuals(shape), rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(
        model.standard_residuals(moved), model.standard_residuals(shape), rtol=1e-6, atol=1e-8
    )


@given(landmark=st.integers(0, COUNT - 1), x=st.floats(-80, 80), y=st.floats(-80, 80), seed=seeds)
@settings(max_examples=40, deadline=None)
def test_a_landmark_has_no_part_in_what_is_expected_of_it(model, landmark, x, y, seed):
    """Moved by v, its residual vector grows by exactly v: the length by |v| at most, and by that from 0."""
    rng = np.random.default_rng(seed)
    shape = model.mean + rng.normal(0, 0.5, BASE.shape)
    moved = shape.copy()
    moved[landmark] += [x, y]
    before, after = model._unexpected(shape)[landmark], model._unexpected(moved)[landmark]
    others = np.arange(COUNT) != landmark
    grown = np.linalg.norm(model.mean[others] - model.mean[others].mean(axis=0))
    grown /= np.linalg.norm(shape[others] - shape[others].mean(axis=0))
    assert np.linalg.norm(after - before) == pytest.approx(np.hypot(x, y) * grown, abs=1e-7)


@given(landmark=st.integers(0, COUNT - 1), seed=seeds)
@settings(max_examples=20, deadline=None)
def test_expected_place_is_the_most_plausible_one(model, landmark, seed):
    """The mean of a Gaussian given the rest is where its density is largest: any step away costs."""
    away = np.random.default_rng(seed).normal(0, 2, 2 * COUNT)
    rows = model.precision.reshape(COUNT, 2, -1)
    own = rows[landmark][:, 2 * landmark : 2 * landmark + 2]
    best = away.copy()
    best[2 * landmark : 2 * landmark + 2] -= np.linalg.solve(own, rows[landmark] @ away)
    least = best @ model.precision @ best
    for step in ([0.1, 0], [-0.1, 0], [0, 0.1], [0, -0.1]):
        other = best.copy()
        other[2 * landmark : 2 * landmark + 2] += step
        assert other @ model.precision @ other > least


def test_precision_is_blind_to_motion_and_to_nothing_else(model):
    x, y = model.mean.T
    for motion in (
        np.tile([1.0, 0], COUNT),
        np.tile([0, 1.0], COUNT),
        np.stack([-y, x], axis=1).ravel(),
        model.mean.ravel(),
    ):
        np.testing.assert_allclose(model.precision @ motion, 0, atol=1e-8)
    assert np.linalg.matrix_rank(model.precision) == 2 * COUNT - 4


def test_new_heads_score_about_one():
    rng = np.random.default_rng(3)
    shapes = BASE + rng.normal(0, 0.8, (900, COUNT, 2))
    model, fresh = ShapeModel.fit(shapes[:500]), shapes[500:]
    squares = [model.score(shape) ** 2 for shape in fresh]
    assert np.mean(squares) == pytest.approx(1.0, abs=0.05)
    residuals = np.stack([model.standard_residuals(shape) for shape in fresh])
    np.testing.assert_allclose(np.mean(residuals**2, axis=0), 1.0, atol=0.25)


def test_new_heads_that_vary_in_patterns_score_about_one(model):
    """Shrinking takes a little of the contrast between the patterns and the noise, and so of the score."""
    squares = [model.score(shape) ** 2 for shape in heads(np.random.default_rng(3), 200)]
    assert 0.7 < np.mean(squares) < 1.1


def test_residual_tells_the_wrong_landmark_and_how_far():
    rng = np.random.default_rng(4)
    model = ShapeModel.fit(heads(rng, 150, posed=False))
    shape = heads(rng, 1, posed=False)[0]
    for landmark in range(COUNT):
        wrong = shape.copy()
        wrong[landmark] += np.array([0.0, 20.0])
        assert model.standard_residuals(wrong).argmax() == landmark
        assert 12 < model.residuals(wrong)[landmark] < 30
        assert model.score(wrong) > 2 * model.score(shape)


def test_mirrored_scattered_and_heaped_points_do_not_fit(model):
    rng = np.random.default_rng(5)
    plain = max(model.score(shape) for shape in heads(rng, 100))
    assert model.score(model.mean * [-1, 1]) > 3 * plain
    assert model.score(rng.uniform(0, 100, BASE.shape)) > 3 * plain
    heap = np.full_like(BASE, 7.0)
    assert model.score(heap) == model.stretching(heap) == np.inf
    assert np.isposinf(model.residuals(heap)).all()
    assert np.isposinf(model.standard_residuals(heap)).all()
    near_heap = heap + rng.normal(0, 1e-6, heap.shape)
    assert 3 * plain < model.score(near_heap) < np.inf
    one_out = heap + np.eye(COUNT)[:, :1]
    assert np.isposinf(model.residuals(one_out)).tolist() == [True] + [False] * (COUNT - 1)


def test_mean_has_the_mean_size_in_the_points_unit():
    rng = np.random.default_rng(6)
    shapes = BASE + rng.normal(0, 0.01, (50, COUNT, 2))
    mean = ShapeModel.fit(shapes).mean
    np.testing.assert_allclose(mean.mean(axis=0), 0, atol=1e-9)
    assert np.linalg.norm(mean) == pytest.approx(np.linalg.norm(BASE - BASE.mean(axis=0)), rel=1e-3)


def test_films_with_missing_points_are_left_out():
    shapes = heads(np.random.default_rng(7), 20)
    gappy = np.concatenate([shapes, shapes[:3]])
    gappy[20:, 2, 0] = np.nan
    whole, some = ShapeModel.fit(shapes), ShapeModel.fit(gappy)
    assert some.n_films == 20
    np.testing.assert_array_equal(some.precision, whole.precision)


@pytest.mark.parametrize(
    ("points", "complaint"),
    [
        (np.zeros((5, 2, 2)), "not \\(films"),
        (np.zeros((5, 7)), "not \\(films"),
        (np.full((5, 4, 2), np.nan), "there are 0"),
        (np.tile(BASE, (5, 1, 1)), "same shape"),
        (np.zeros((5, 4, 2)), "one spot"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(points, complaint):
    with pytest.raises(InputError, match=complaint):
        ShapeModel.fit(points)


def test_points_that_do_not_fit_the_model_are_refused(model):
    with pytest.raises(InputError, match="7 landmarks"):
        model.score(BASE[:5])
    gappy = BASE.copy()
    gappy[1] = np.nan
    with pytest.raises(InputError, match="not finite"):
        model.residuals(gappy)


def test_json_form_brings_the_model_back(model):
    back = ShapeModel.from_dict(json.loads(json.dumps(model.to_dict())))
    assert back.score(BASE) == model.score(BASE)
    assert back.n_films == model.n_films
    for damage in ({"mean": [[1, 2]]}, {"precision": [[1.0]]}, {"n_films": "many"}, {"mean": None}):
        with pytest.raises(InputError, match="not a shape model"):
            ShapeModel.from_dict(model.to_dict() | damage)
    with pytest.raises(InputError, match="not a shape model"):
        ShapeModel.from_dict({})


def test_shrinkage_by_its_definition():
    """The published sums, written out: d^2, b^2 over every film, and their ratio."""
    away = np.array([[1.0, 2, 0], [-1, 1, 3], [0, -3, -3], [2, 0, 1]])
    sample = sum(np.outer(x, x) for x in away) / 4
    m = np.trace(sample) / 3
    d2 = np.linalg.norm(sample - m * np.eye(3)) ** 2
    b2 = sum(np.linalg.norm(np.outer(x, x) - sample) ** 2 for x in away) / 16
    rho = min(b2, d2) / d2
    np.testing.assert_allclose(shrunken_covariance(away), (1 - rho) * sample + rho * m * np.eye(3))


def test_shrinkage_vanishes_with_many_films_and_is_full_without_structure():
    rng = np.random.default_rng(8)
    spread = rng.normal(size=(50000, 3)) * [1, 3, 9]
    np.testing.assert_allclose(shrunken_covariance(spread), np.diag([1, 9, 81]), atol=1.5)
    few = rng.normal(size=(12, 40))
    off = shrunken_covariance(few) - np.diag(np.diag(shrunken_covariance(few)))
    assert np.abs(off).max() < 0.3 * np.abs(few.T @ few / 12 - np.eye(40)).max()


@given(pose=poses, seed=seeds, landmark=st.integers(0, COUNT - 1))
@settings(max_examples=30, deadline=None)
def test_where_a_point_is_expected_does_not_depend_on_it_and_moves_with_the_head(model, pose, seed, landmark):
    shape = heads(np.random.default_rng(seed), 1)[0]
    astray = shape.copy()
    astray[landmark] += np.ptp(shape) * np.array([0.3, -0.7])
    expected = model.expected(shape)
    np.testing.assert_allclose(model.expected(astray)[landmark], expected[landmark], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(model.expected(pose.apply(shape)), pose.apply(expected), rtol=1e-5, atol=1e-5)


def test_a_point_lies_as_far_from_where_it_is_expected_as_its_residual_says(model):
    shape = heads(np.random.default_rng(5), 1, posed=False)[0]
    away = np.hypot(*(shape - model.expected(shape)).T)
    # Residuals are on the scale of the mean shape, to which each head is brought by its other points.
    scale = np.linalg.norm(model.mean) / np.linalg.norm(shape - shape.mean(axis=0))
    np.testing.assert_allclose(away * scale, model.residuals(shape), rtol=0.1)


def test_points_in_one_spot_expect_nothing(model):
    assert np.isnan(model.expected(np.ones((COUNT, 2)))).all()


def test_a_restricted_model_judges_as_the_whole_one_whose_other_points_are_as_expected(model):
    """Of a Gaussian the part that is known is judged alone as with the most likely rest."""
    shape = heads(np.random.default_rng(6), 1)[0]
    kept = np.arange(COUNT) != 2
    filled = shape.copy()
    for _ in range(4):
        filled[2] = model.expected(filled)[2]
    part = model.restricted(kept)
    assert part.score(shape[kept]) ** 2 * (2 * COUNT - 6) == pytest.approx(
        model.score(filled) ** 2 * (2 * COUNT - 4), rel=0.02
    )
    assert part.n_films == model.n_films


def test_a_model_of_all_landmarks_is_the_same_and_of_two_is_none(model):
    whole = model.restricted(np.ones(COUNT, dtype=bool))
    np.testing.assert_array_equal(whole.precision, model.precision)
    with pytest.raises(InputError, match="3 landmarks"):
        model.restricted(np.arange(COUNT) < 2)

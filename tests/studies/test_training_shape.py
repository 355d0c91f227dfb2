from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cephsure.datasets import open_dataset
from cephsure.studies.cases import PointTable, films_of_split, points_for_shape, training_shape, truths_px
from cephsure.uncertainty.shape_fit import ShapeModel


@pytest.fixture(scope="module")
def heads(phantom_isbi):
    return open_dataset(phantom_isbi(n_train=8, n_test1=2))


def test_shape_is_that_of_the_training_annotation_in_mm(heads):
    shape = training_shape(heads, "senior")
    points = truths_px(films_of_split(heads, "train"), "senior")
    assert shape.n_films == 8
    sizes = np.linalg.norm(points - points.mean(axis=1, keepdims=True), axis=(1, 2))
    scale = films_of_split(heads, "train")[0].spacing.x_mm_per_px
    assert np.linalg.norm(shape.mean) == pytest.approx(scale * sizes.mean())


def test_without_a_scale_the_shape_is_in_px(heads):
    films = tuple(replace(film, spacing=None) for film in heads.films)
    scaled, unscaled = training_shape(heads, "mean"), training_shape(replace(heads, films=films), "mean")
    truth = truths_px(films_of_split(heads, "test1"), "mean")[0]
    assert unscaled.score(truth) == pytest.approx(scaled.score(truth))
    assert np.linalg.norm(unscaled.mean) > 2 * np.linalg.norm(scaled.mean)


def test_too_few_training_films_give_no_shape(heads, spot_data):
    few = replace(heads, films=tuple(f for f in heads.films if f.split == "test1"))
    assert training_shape(few, "mean") is None
    assert training_shape(spot_data, "mean") is None


def test_points_are_in_mm_where_the_scale_is_known_and_face_as_the_shape_does():
    base = np.array([[0.0, 0], [50, 0], [55, 40], [5, 45]])
    shape = ShapeModel.fit(base + np.random.default_rng(0).normal(0, 1, (20, 4, 2)))
    points = np.stack([base * [10, 2], base, base * [-1, 1]])
    scale = np.array([[0.1, 0.5], [np.nan] * 2, [1.0, 1.0]])
    table = PointTable((("a", ""), ("b", ""), ("c", "")), (1, 2, 3, 4), points, scale, {})
    np.testing.assert_allclose(points_for_shape(table, shape), [base, base, base])
    np.testing.assert_array_equal(table.points_px[2], base * [-1, 1])

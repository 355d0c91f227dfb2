from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cephsure.datasets import open_dataset
from cephsure.errors import InputError
from cephsure.studies.cases import (
    Case,
    PointTable,
    films_of_split,
    judged_split,
    plain_cases,
    points_for_shape,
    spread_over,
    training_shape,
    truth_names,
    truths_px,
)
from cephsure.uncertainty.shape_model import ShapeModel

NAN = float("nan")


@pytest.fixture
def table():
    """Three cases, two landmarks; the second case's film has no scale."""
    return PointTable(
        keys=(("a", ""), ("b", "70"), ("a", "70")),
        numbers=(1, 2),
        points_px=np.array([[[0.0, 0], [10, 10]], [[1, 1], [2, 2]], [[5, 5], [6, 6]]]),
        mm_per_px=np.array([[0.5, 0.25], [NAN, NAN], [1.0, 1.0]]),
        measures={"activation": np.array([[0.1, 0.2], [0.3, 0.4], [0.5, NAN]])},
    )


def test_a_case_is_named_by_film_and_condition(spot_film):
    case = Case("a", "70", spot_film)
    assert case.key == ("a", "70")
    assert (case.facing, case.polarity) == ("auto", "auto")


def test_names(table):
    assert len(table) == 3
    assert table.film_ids == ("a", "b", "a")
    assert table.conditions == ("", "70", "70")


def test_some_of_the_cases(table):
    part = table.where(np.array([True, False, True]))
    assert part.keys == (("a", ""), ("a", "70"))
    assert part.numbers == (1, 2)
    np.testing.assert_array_equal(part.points_px[1], [[5, 5], [6, 6]])
    np.testing.assert_array_equal(part.mm_per_px, [[0.5, 0.25], [1, 1]])
    np.testing.assert_array_equal(part.measures["activation"], [[0.1, 0.2], [0.5, NAN]])


def test_those_of_a_condition_and_of_none(table):
    assert table.of_condition("70").keys == (("b", "70"), ("a", "70"))
    nothing = table.of_condition("140")
    assert len(nothing) == 0
    assert nothing.points_px.shape == (0, 2, 2)


def test_errors_take_each_axis_by_its_own_scale(table):
    # 6 px of 0.5 mm to the side and 16 px of 0.25 mm down: 3 and 4 mm, so 5.
    truth = np.array([[[6.0, 16], [NAN, NAN]], [[0, 0], [0, 0]], [[5, 8], [6, 6]]])
    np.testing.assert_allclose(table.errors_mm(truth), [[5, NAN], [NAN, NAN], [3, 0]])


def test_the_splits_films(spot_data):
    assert [film.film_id for film in films_of_split(spot_data)] == ["c", "d", "e", "f"]
    # f is the exposure of a, which is trained on.
    assert [film.film_id for film in films_of_split(spot_data, "test1-clean")] == ["c", "d", "e"]


def test_cases_read_their_film_when_it_is_needed(spot_data):
    items = films_of_split(spot_data)
    cases = plain_cases(items)
    assert [case.key for case in cases] == [("c", ""), ("d", ""), ("e", ""), ("f", "")]
    items[1].path.unlink()
    film = cases[0].film()
    assert (film.width_px, film.height_px) == (96, 80)
    assert film.spacing.x_mm_per_px == 0.1
    with pytest.raises(ValueError, match=r"d\.png"):
        cases[1].film()


def test_truths(spot_data):
    items = films_of_split(spot_data)
    assert truth_names(spot_data) == ("mean", "ann", "bob")
    mean, ann, bob = (truths_px(items, name) for name in truth_names(spot_data))
    assert mean.shape == (4, 2, 2)
    np.testing.assert_allclose(ann - mean, np.broadcast_to([3.0, 4.0], mean.shape))
    np.testing.assert_allclose((ann + bob) / 2, mean)


@pytest.mark.parametrize(
    ("count", "chosen"), [(1, "a"), (2, "af"), (3, "acf"), (5, "abcef"), (6, "abcdef"), (99, "abcdef")]
)
def test_films_spread_over_the_list(spot_data, count, chosen):
    assert "".join(film.film_id for film in spread_over(spot_data.films, count)) == chosen


def split_as(dataset, splits):
    """The six films, their splits anew: a letter each."""
    names = {"t": "train", "1": "test1", "2": "test2", "-": None}
    films = (replace(film, split=names[key]) for film, key in zip(dataset.films, splits, strict=True))
    return replace(dataset, films=tuple(films))


@pytest.mark.parametrize(
    ("splits", "wanted", "found"),
    [
        ("tt1122", None, "test1"),
        ("tt1122", "test2", "test2"),
        ("tt2222", None, "test2"),
        ("------", None, "all"),
        ("111222", "all", "all"),
    ],
)
def test_films_that_are_judged(spot_data, splits, wanted, found):
    assert judged_split(split_as(spot_data, splits), wanted) == found


@pytest.mark.parametrize(
    ("splits", "wanted", "message"),
    [
        ("tt1122", "all", "hold training films.*give --split: test1, test2"),
        ("tt1122", "train", "hold training films"),
        ("tttttt", None, "hold training films.*give data with test films"),
        ("tt1122", "test1-clean", "beside all of a split.*give --split test1"),
        ("tt1111", "test2", "no split 'test2'"),
    ],
)
def test_films_that_cannot_be_judged(spot_data, splits, wanted, message):
    with pytest.raises(InputError, match=message):
        judged_split(split_as(spot_data, splits), wanted)


def test_several_test_sets_and_none_of_the_usual_name(spot_data):
    films = [replace(film, split=split) for film, split in zip(spot_data.films, "aabbcc", strict=True)]
    with pytest.raises(InputError, match=r"several sets of test films.*give --split: a, b, c"):
        judged_split(replace(spot_data, films=tuple(films)))


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

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cephsure.errors import InputError
from cephsure.studies.cases import (
    films_of_split,
    judged_split,
    plain_cases,
    spread_over,
    truth_names,
    truths_px,
)


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
